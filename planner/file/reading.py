"""Knows how to read one queue written as a dictionary: into what it is asked, what serves it, what must
hold.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from planner.combinations import refuse_unanswered
from planner.errors import BadInput
from planner.figures import read_name
from planner.file.arrival_words import AnyArrivals
from planner.file.bull_words import BullWords
from planner.file.durations import seconds
from planner.file.law_words import AnyLaw, AnyService
from planner.file.mistakes import below, first_mistake
from planner.file.words import Count, Positive, RateLimitWords, RetriesWords, Seconds
from planner.fleet import Fleet
from planner.laws.named import Deterministic
from planner.objective import Bound, Objective
from planner.workload import Workload

# A reference file keeps these beside the question.
BESIDE = ("id", "model", "method", "expect")
_AT_LEAST = ("share_within", "throughput")
_PLAIN = ("prob", "share_within", "scalar")
_SHARES = ("util", "utilisation", "p_block", "p_timeout", "final_failure_ratio", "mean_slot_occupancy")


class QueueWords(BullWords):
    """One queue, in the words of the reference."""

    arrivals: AnyArrivals
    service: AnyService
    slots: Count | None = None
    processes: Count = 1
    cores: Positive = 1.0
    places: Count | None = None
    acquire_timeout: Seconds | None = None
    patience: AnyLaw | None = None
    rate_limit: RateLimitWords | None = None
    retries: RetriesWords | None = None
    find: str | None = None
    objective: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """A queue read. `fleet.slots` is 1 where none were given (`find` asks for them); `objective` may be
    absent. `assumed` names each default that was taken of retries and Bull's options.
    """

    workload: Workload
    fleet: Fleet
    objective: Objective | None = None
    slots_given: bool = True
    assumed: tuple[str, ...] = ()


def read_question(given: Mapping[str, Any], where: str = "") -> Question:
    """The question in `given`; `where` is the path put before each message. Raises BadInput, one line."""
    words = checked(QueueWords, {key: value for key, value in given.items() if key not in BESIDE}, where)
    if words.places is not None and words.slots is not None and words.places < words.slots:
        raise BadInput(
            f"{below(where, 'places')}: {words.places} is below slots {words.slots}; room counts them too"
        )
    if words.acquire_timeout is not None and words.patience is not None:
        raise BadInput(f"{below(where, 'patience')}: given beside acquire_timeout; give one of the two")
    service = words.service.value()
    if service.mean == 0.0:
        raise BadInput(
            f"{below(where, 'service')}: 0 s; a job must take some time, give a law with a mean above 0"
        )
    patience = words.patience.value() if words.patience else None
    if words.acquire_timeout is not None:
        patience = Deterministic(words.acquire_timeout)
    arrivals = words.arrivals.value()
    retries = words.retries.value() if words.retries else None
    if retries is not None and words.library is not None and words.family[0] == "bull":
        retries = retries.of_bull()
    limit = words.rate_limit.value() if words.rate_limit else None
    pause = words.pause.value(getattr(arrivals, "period", None)) if words.pause else None
    most = words.global_concurrency
    fleet = Fleet(words.slots or 1, words.processes, words.cores, words.places, limit, pause, most)
    objective = read_objective(words.objective, below(where, "objective")) if words.objective else None
    workload = Workload(arrivals, service, retries, patience, options=words.value())
    refuse_unanswered(workload, fleet, where)
    assumed = (*(words.retries.assumed() if words.retries else ()), *words.assumed(pause))
    return Question(workload, fleet, objective, words.slots is not None, assumed)


def read_objective(given: Mapping[str, Any], where: str = "objective") -> Objective:
    """Bounds such as `{p95_wait: 750ms, utilisation: 0.85, share_within_20s: 0.8}`."""
    return Objective(tuple(_bound(figure, value, where) for figure, value in given.items()))


def _bound(figure: str, value: Any, where: str) -> Bound:
    path = below(where, figure)
    try:
        name = read_name(figure)
        limit = float(value) if name.statistic in _PLAIN else seconds(value)
    except (ValueError, TypeError) as problem:
        raise BadInput(f"{path}: {problem}") from None
    if not 0.0 <= limit < float("inf"):
        raise BadInput(f"{path}: {value} can't be a bound; give a number of 0 or more")
    if (figure in _SHARES or name.statistic in ("prob", "share_within")) and limit > 1.0:
        raise BadInput(f"{path}: {value} is above 1; a share goes from 0 to 1, 0.85 for 85 %")
    return Bound(figure, limit, at_least=figure.startswith(_AT_LEAST))


def checked(kind: type[BaseModel], given: Any, where: str = "") -> Any:
    """`given` as `kind`. Raises BadInput that names the first field that is wrong."""
    try:
        return kind.model_validate(given)
    except ValidationError as problem:
        raise BadInput(first_mistake(problem, where, kind)) from None
