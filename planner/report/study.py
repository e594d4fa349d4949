"""Knows what a report rests on: every queue of a file, as it is and as proposed, predicted and sized at each load."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from planner import pool
from planner.file.queue_file import AskedFile, AskedQueue
from planner.file.reading import read_objective
from planner.laws.named import Exponential, Mixture
from planner.sizing import size
from planner.whatif.scenario import multiplied
from planner.whatif.sweep import predicted

Row = dict[str, Any]
# Two-speed work: a few long jobs among many short ones, as queues of mails and reports have.
STRONG_SCV = 4.0


@dataclass(frozen=True, slots=True)
class AtLoad:
    """The answers at one multiple of the load; `needed` are slots by queue, None where none are enough."""

    factor: float
    proposed: tuple[Row, ...]
    today: tuple[Row, ...]
    needed: dict[str, int | None]


@dataclass(frozen=True, slots=True)
class Study:
    """`loads` are in rising order."""

    file: AskedFile
    loads: tuple[AtLoad, ...]
    pools: tuple[pool.PoolAnswer, ...]

    @property
    def given(self) -> AtLoad:
        """At the load that was given."""
        return next((one for one in self.loads if one.factor == 1.0), self.loads[0])

    @property
    def largest(self) -> AtLoad:
        return max(self.loads, key=lambda one: one.factor)


Each = Callable[[Sequence[Any], Callable[[Any], Any]], list[Any]]


def study(file: AskedFile, each: Each) -> Study:
    """All of it; `each` applies an answer to things, and may show how far it is."""
    factors = sorted(set(file.claims.loads))
    rows = len(factors) * (len(file.queues) + len(file.today))
    loads = tuple(_at(multiplied(file, factor), factor, each, rows) for factor in factors)
    rate = pool.jobs_per_second(file.queues)
    pools = tuple(pool.answer(name, words, rate) for name, words in file.pools.items())
    return Study(file, loads, pools)


def slots_when_varied(file: AskedFile, each: Each) -> dict[str, int | None]:
    """Slots needed at the largest load by the queues taken as exponential, if their services varied strongly."""
    most = multiplied(file, max(file.claims.loads))
    open_ = [queue for queue in most.queues if isinstance(queue.question.workload.service, Exponential)]
    return dict(zip((queue.name for queue in open_), each(open_, _needed_when_varied), strict=True))


def _at(file: AskedFile, factor: float, each: Each, rows: int) -> AtLoad:
    """`rows` are those of all loads: where many are simulated they share the time of a few."""
    proposed = each(file.queues, lambda queue: predicted(queue, rows))
    today = each(file.today, lambda queue: predicted(queue, rows))
    needed = each(file.queues, _needed)
    names = [queue.name for queue in file.queues]
    return AtLoad(factor, tuple(proposed), tuple(today), dict(zip(names, needed, strict=True)))


def _needed(queue: AskedQueue) -> int | None:
    plan = size(queue.question.workload, read_objective(queue.objective), queue.question.fleet)
    return plan.slots_needed if plan else None


def _needed_when_varied(queue: AskedQueue) -> int | None:
    workload = queue.question.workload
    varied = replace(workload, service=two_speeds(workload.service.mean, STRONG_SCV))
    return _needed(replace(queue, question=replace(queue.question, workload=varied)))


def two_speeds(mean: float, scv: float) -> Mixture:
    """Two exponentials with balanced means (Tijms 1994) that have this mean and squared coefficient of variation."""
    share = (1.0 + ((scv - 1.0) / (scv + 1.0)) ** 0.5) / 2.0
    parts = Exponential(mean / (2.0 * share)), Exponential(mean / (2.0 * (1.0 - share)))
    return Mixture((share, 1.0 - share), parts)
