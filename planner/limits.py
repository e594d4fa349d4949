"""Knows how many jobs a second a queue can do at most, and what sets that limit."""

from dataclasses import dataclass

from planner.arrivals import Profile, Sinusoid
from planner.fleet import Fleet
from planner.laws import IoThenCpu
from planner.overload import Overload, overloads
from planner.shared_cpu import saturated_throughput
from planner.workload import Workload


@dataclass(frozen=True, slots=True)
class Ceiling:
    """Attempts a second at most; `set_by` is slots, cpu or rate limit."""

    per_second: float
    set_by: str


def ceiling(workload: Workload, fleet: Fleet) -> Ceiling:
    """The lowest of the limits."""
    found = [_slots(workload, fleet)]
    if fleet.rate_limit is not None:
        found.append(Ceiling(fleet.rate_limit.per_second, "rate limit"))
    return min(found, key=lambda limit: limit.per_second)


def _slots(workload: Workload, fleet: Fleet) -> Ceiling:
    service = workload.service
    if not isinstance(service, IoThenCpu):
        return Ceiling(fleet.slots / service.mean, "slots")
    share, extra = divmod(fleet.slots, fleet.processes)
    sizes = [share + 1] * extra + [share] * (fleet.processes - extra)
    total = sum(_saturated(size, service, fleet.cores) for size in sizes if size)
    return Ceiling(total, "slots" if total > 0.99 * fleet.slots / service.mean else "cpu")


def _saturated(slots: int, service: IoThenCpu, cores: float) -> float:
    return saturated_throughput(slots, service.io.mean, service.cpu.mean, cores)


def loses(workload: Workload, fleet: Fleet) -> bool:
    """Whether a queue too long gets rid of jobs: then there is a steady state at any load."""
    return workload.patience is not None or fleet.places is not None


def overloads_of(workload: Workload, fleet: Fleet) -> tuple[Overload, ...]:
    """Hours that bring more than can be done though the day does not."""
    arrivals = workload.arrivals
    if not isinstance(arrivals, Sinusoid | Profile) or loses(workload, fleet):
        return ()
    return overloads(
        arrivals, workload.attempts_per_second / arrivals.per_second, ceiling(workload, fleet).per_second
    )
