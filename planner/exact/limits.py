"""Knows how many jobs a second a queue can do at most, and what sets that limit."""

from dataclasses import dataclass, replace

from planner.exact.overload import Overload, Returns, overloads
from planner.exact.shared_cpu import saturated_throughput
from planner.fleet import Fleet
from planner.laws.arrivals import Periodic, Profile, Sinusoid
from planner.laws.named import IoThenCpu
from planner.workload import Workload

# What a sum over the states of a chain may be off by, as a part of itself.
ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Ceiling:
    """Attempts a second at most; `set_by` is slots, global concurrency, cpu or rate limit, and the pause."""

    per_second: float
    set_by: str


def ceiling(workload: Workload, fleet: Fleet) -> Ceiling:
    """The lowest of the limits, in the part of the time in which jobs may start."""
    limit = _while_open(workload, fleet)
    if fleet.pause is None:
        return limit
    return Ceiling(limit.per_second * fleet.pause.open_share, f"{limit.set_by} and the pause")


def _while_open(workload: Workload, fleet: Fleet) -> Ceiling:
    slots = _slots(workload, fleet.at_work)
    most = fleet.global_concurrency
    if slots.set_by == "slots" and most is not None and most <= fleet.slots:
        slots = replace(slots, set_by="global concurrency")
    found = [slots]
    if fleet.cpu_seconds is not None:
        found.append(Ceiling(fleet.processes * fleet.cores / fleet.cpu_seconds, "cpu"))
    if fleet.rate_limit is not None:
        found.append(Ceiling(fleet.rate_limit.per_second, "rate limit"))
    return min(found, key=lambda limit: limit.per_second)


def _slots(workload: Workload, fleet: Fleet) -> Ceiling:
    service = workload.service
    if not isinstance(service, IoThenCpu):
        return Ceiling(fleet.slots / workload.hold_seconds, "slots")
    share, extra = divmod(fleet.slots, fleet.processes)
    sizes = [share + 1] * extra + [share] * (fleet.processes - extra)
    total = sum(_saturated(size, service, fleet.cores) for size in sizes if size)
    return Ceiling(total, "slots" if total > 0.99 * fleet.slots / service.mean else "cpu")


def _saturated(slots: int, service: IoThenCpu, cores: float) -> float:
    return saturated_throughput(slots, service.io.mean, service.cpu.mean, cores)


def loses(workload: Workload, fleet: Fleet) -> bool:
    """Whether a queue too long gets rid of jobs: then there is a steady state at any load."""
    return workload.patience is not None or fleet.places is not None


def is_unstable(workload: Workload, fleet: Fleet) -> bool:
    """More comes than can be done, and nothing is lost: the queue grows without end. So it does where as much comes,
    which roundings may hide.
    """
    most = (1.0 - ROUNDING) * ceiling(workload, fleet).per_second
    return workload.attempts_per_second >= most and not loses(workload, fleet)


def overloads_of(workload: Workload, fleet: Fleet) -> tuple[Overload, ...]:
    """Hours that bring more than can be done though the day does not, and pauses."""
    arrivals = clockwork(workload, fleet)
    if arrivals is None or loses(workload, fleet):
        return ()
    # Attempts: those that fail come back later. What stalls only takes its part of the time.
    tried = workload.retries.mean_attempts if workload.retries else 1.0
    most = _while_open(workload, fleet).per_second * tried
    most *= workload.arrivals.per_second / workload.attempts_per_second
    # With the children of flows there are more jobs than arrivals.
    jobs = workload.jobs_per_second / workload.arrivals.per_second
    found = overloads(arrivals, most, closed(arrivals, fleet), _returns(workload))  # type: ignore[arg-type]  # frozen
    return tuple(replace(one, largest_backlog=one.largest_backlog * jobs) for one in found)


def _returns(workload: Workload) -> Returns:
    """Up to those that are too few to be seen."""
    retries = workload.retries
    if retries is None:
        return ()
    seen = (k for k in range(1, retries.attempts) if retries.failure_ratio**k > 1e-6)
    late = 1.0 - retries.jitter / 2.0
    return tuple((retries.failure_ratio, workload.hold_seconds + late * retries.delay_after(k)) for k in seen)


def clockwork(workload: Workload, fleet: Fleet) -> Periodic | None:
    """The arrivals with the period after which all repeats; None where nothing follows the clock."""
    if isinstance(workload.arrivals, Sinusoid | Profile):
        return workload.arrivals
    return None if fleet.pause is None else Profile((1.0,), workload.arrivals.per_second, fleet.pause.period)


def closed(arrivals: Periodic, fleet: Fleet) -> tuple[tuple[float, float], ...]:
    """The pauses of one period of the arrivals."""
    pause = fleet.pause
    if pause is None:
        return ()
    turns = range(round(arrivals.period / pause.period))
    begins = [turn * pause.period + pause.begins for turn in turns]
    return tuple((begin, begin + pause.seconds) for begin in begins)
