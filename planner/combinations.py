"""Knows what no method here answers: parts of a queue that do not go together, figures that a queue does not have."""

from collections.abc import Iterable

from planner.bull_options import JobOptions, Pause
from planner.errors import BadInput
from planner.figures import Name, read_name
from planner.fleet import Fleet
from planner.laws.arrivals import BatchPoisson, PoissonClasses, Profile, Sinusoid
from planner.laws.named import IoThenCpu
from planner.workload import Workload

# A replication of one period must fit into a small machine's memory.
MOST_JOBS = 5_000_000


def refuse_unanswered(workload: Workload, fleet: Fleet, where: str = "") -> None:
    """Raises BadInput that names the first part too many; `where` is the path of the queue."""
    _refuse_options(workload, fleet, where)
    if not isinstance(workload.service, IoThenCpu):
        return
    parts = {
        **dict.fromkeys(_options(workload, fleet), True),
        "retries": workload.retries is not None,
        "patience": workload.patience is not None,
        "places": fleet.places is not None,
        "rate_limit": fleet.rate_limit is not None,
        "arrivals.per_second": isinstance(workload.arrivals, PoissonClasses),
    }
    for part, given in parts.items():
        if given:
            told = "priority classes" if part.startswith("arrivals") else part
            raise BadInput(
                f"{where}.{part}: ".lstrip(".") + f"{told} beside service io_then_cpu is not answered; "
                "leave it out, or give a service law without cpu"
            )


def _options(workload: Workload, fleet: Fleet) -> list[str]:
    """Bull's own options that are given, in the words of the file."""
    options = workload.options or JobOptions()
    given = {
        "priorities": bool(options.priorities),
        "lifo": options.lifo > 0.0,
        "delayed": options.delayed is not None,
        "children": options.children is not None,
        "stalls": options.stalls is not None,
        "crashes": options.crashes is not None,
        "pause": fleet.pause is not None,
    }
    return [word for word, is_given in given.items() if is_given]


def _refuse_options(workload: Workload, fleet: Fleet, where: str) -> None:
    for word in _options(workload, fleet):
        beside = {
            "patience or acquire_timeout": workload.patience is not None,
            "places": fleet.places is not None,
            "arrivals poisson_classes": isinstance(workload.arrivals, PoissonClasses)
            and word in ("priorities", "lifo", "children"),
            "stalls": word == "crashes"
            and workload.options is not None
            and workload.options.stalls is not None,
            "global_concurrency": word == "crashes" and fleet.global_concurrency is not None,
        }
        for part in (part for part, given in beside.items() if given):
            raise BadInput(
                f"{where}.{word}: ".lstrip(".")
                + f"{word} beside {part} is not answered; leave one of them out"
            )
    if fleet.pause is not None:
        _refuse_pause(fleet.pause, workload, where)


def _refuse_pause(pause: Pause, workload: Workload, where: str) -> None:
    path = f"{where}.pause.every: ".lstrip(".")
    if pause.begins + pause.seconds > pause.period or pause.seconds == pause.period:
        raise BadInput(
            f"{path.replace('every', 'lasts')}{pause.seconds:g} s from {pause.begins:g} s on do not end within "
            f"{pause.period:g} s with time left to work; give a shorter time, or begin earlier"
        )
    period = workload.arrivals.period if isinstance(workload.arrivals, Sinusoid | Profile) else pause.period
    turns = period / pause.period
    if round(turns) < 1 or abs(turns - round(turns)) > 1e-9:
        raise BadInput(
            f"{path}{pause.period:g} s does not divide the {period:g} s of arrivals; give a part of it"
        )
    jobs = period * workload.jobs_per_second
    if jobs > MOST_JOBS:
        raise BadInput(
            f"{path}{period:g} s bring {jobs:,.0f} jobs; at most {MOST_JOBS:,} are simulated with a pause, "
            "give a shorter time"
        )


def refuse_absent(workload: Workload, figures: Iterable[str], where: str = "") -> None:
    """Raises BadInput for a figure that this queue does not have; `where` is the path of the objectives."""
    for text in figures:
        lacking = _lacking(workload, read_name(text))
        if lacking:
            raise BadInput(
                f"{where}.{text}: ".lstrip(".") + f"this queue has no {lacking}; ask for another figure"
            )


def _lacking(workload: Workload, name: Name) -> str:
    arrivals = workload.arrivals
    if (name.worst_bin or name.subject == "worst_bin") and not isinstance(arrivals, Sinusoid | Profile):
        return "period; give arrivals that follow the clock"
    alone = workload.retries is None and workload.options is None
    if name.subject == "batch_makespan" and not (isinstance(arrivals, BatchPoisson) and alone):
        return "batches, or has retries or options of its jobs"
    if name.subject == "mean_service_stretched" and not isinstance(workload.service, IoThenCpu):
        return "shared cores"
    if name.priority_class is not None:
        classes = len(workload.options.priorities) if workload.options else 0
        classes = len(arrivals.rates) if isinstance(arrivals, PoissonClasses) else classes
        if name.priority_class >= classes:
            return f"priority class {name.priority_class}"
    return ""
