"""Knows which exact method answers a queue, if any does.

Each solver takes the queue apart itself and answers None when the queue is not of its kind.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from planner.arrivals import (
    BatchPoisson,
    Periodic,
    Poisson,
    PoissonClasses,
    Profile,
    Renewal,
    Sinusoid,
)  # fmt: skip
from planner.batches import batch_wait
from planner.bull_options import JobOptions
from planner.daily import DailyWait, daily_wait
from planner.deterministic import deterministic_wait
from planner.distributions import Distribution, Stay, TailFunction, quantile
from planner.erlang import erlang_b, exponential_wait
from planner.figures import Name, read_name
from planner.finite_room import finite_room_wait, states
from planner.fleet import Fleet
from planner.laws import Deterministic, Exponential, IoThenCpu, Law, is_continuous
from planner.patience import impatient_wait
from planner.phases import Crowd, arrival_phases, crowd_size, phase_type
from planner.priorities import class_waits
from planner.qbd import solve
from planner.renewal_exponential import renewal_exponential_wait
from planner.shared_cpu import SharedCpu, saturated_throughput
from planner.single_slot import single_slot_wait
from planner.single_slot_classes import single_slot_class_waits
from planner.workload import Workload

# Larger chains take longer than a simulation that is sure to 0.4 %.
MOST_PHASES, MOST_LISTED = 700, 20_000


@dataclass(frozen=True, slots=True)
class Solved:
    """What an exact method found; `wait` is absent when it only knows the plain figures."""

    method: str
    wait: Distribution | None = None
    sojourn: Distribution | None = None
    classes: tuple[TailFunction, ...] = ()
    daily: DailyWait | None = None
    lost: float = 0.0
    gave_up: float = 0.0
    scalars: dict[str, float] = field(default_factory=dict)

    def figure(self, text: str) -> float | None:
        """The figure of that name, or None when this method does not know it."""
        name = read_name(text)
        if name.statistic == "scalar":
            return self._scalar(name.subject)
        waits = self._distribution(name)
        return None if waits is None else _statistic(waits, name)

    def _scalar(self, name: str) -> float | None:
        if name == "worst_bin" and self.daily is not None:
            return float(self.daily.worst_bin)
        return self.scalars.get(name)

    def _distribution(self, name: Name) -> Distribution | None:
        if name.subject in ("sojourn", "completion_time"):
            return None if name.priority_class is not None or name.worst_bin else self.sojourn
        if name.subject == "batch_makespan":
            return None
        if name.worst_bin:
            return self.daily.bins[self.daily.worst_bin] if self.daily else None
        if name.priority_class is not None:
            return self.classes[name.priority_class] if name.priority_class < len(self.classes) else None
        return self.wait


def _statistic(waits: Distribution, name: Name) -> float:
    if name.statistic == "mean":
        return waits.mean
    if name.statistic == "prob":
        return waits.tail(0.0)
    return quantile(waits, name.level) if name.statistic == "quantile" else 1.0 - waits.tail(name.level)


Solver = Callable[[Workload, Fleet], Solved | None]


def solve_exactly(workload: Workload, fleet: Fleet) -> Solved | None:
    """The answer of the first method that fits, or None. The queue must have a steady state."""
    if workload.retries is not None or fleet.rate_limit is not None or fleet.pause is not None:
        return None
    if workload.options is not None:
        plainer = _without_options(workload, workload.options)
        return None if plainer is None else solve_exactly(plainer, fleet)
    solvers: tuple[Solver, ...] = (
        _shared_cpu, _no_queue, _room, _patience, _classes, _batches, _daily, _exponential, _deterministic,
        _single, _renewal, _chain,
    )  # fmt: skip
    for solver in solvers:
        found = solver(workload, fleet)
        if found is not None:
            return _completed(found, workload, fleet)
    return None


def _without_options(workload: Workload, options: JobOptions) -> Workload | None:
    """Where the jobs of one Poisson stream have priorities and nothing else, each of these has its own stream."""
    if not options.only_priorities:
        return None
    if not options.priorities:
        return replace(workload, options=None)
    if not isinstance(workload.arrivals, Poisson):
        return None
    rates = tuple(share * workload.arrivals.per_second for _, share in options.priorities)
    return replace(workload, arrivals=PoissonClasses(rates), options=None)


def _completed(found: Solved, workload: Workload, fleet: Fleet) -> Solved:
    """The plain figures every method implies."""
    served = 1.0 - found.lost - found.gave_up
    plain = {
        "p_block": found.lost,
        "p_timeout": found.gave_up,
        "util": workload.offered_load * served / fleet.slots,
        "throughput": workload.arrivals.per_second * served,
        "mean_attempts": 1.0,
        "final_failure_ratio": 0.0,
    }
    sojourn = found.sojourn
    if sojourn is None and found.wait is not None and workload.patience is None and not found.classes:
        assert not isinstance(workload.service, IoThenCpu), "shared cores know their own sojourn"
        sojourn = Stay(found.wait, workload.service)
    return Solved(
        found.method, found.wait, sojourn, found.classes, found.daily, found.lost, found.gave_up,
        plain | found.scalars,
    )  # fmt: skip


def _open(workload: Workload, fleet: Fleet) -> bool:
    """Neither room nor patience ends."""
    return fleet.places is None and workload.patience is None


def _mean_of_exponential(service: Law | IoThenCpu) -> float | None:
    return service.mean if isinstance(service, Exponential) else None


def _shared_cpu(workload: Workload, fleet: Fleet) -> Solved | None:
    service = workload.service
    if not isinstance(service, IoThenCpu) or not _open(workload, fleet) or fleet.processes > 1:
        return None
    phases = arrival_phases(workload.arrivals)
    io, cpu = _mean_of_exponential(service.io), _mean_of_exponential(service.cpu)
    if phases is None or io is None or cpu is None or len(phases.quiet) * (fleet.slots + 1) > MOST_PHASES:
        return None
    found = solve(phases, SharedCpu(fleet.slots, io, cpu, fleet.cores))
    held = found.mean_busy / workload.arrivals.per_second
    most = saturated_throughput(fleet.slots, io, cpu, fleet.cores)
    busy = found.mean_busy / fleet.slots
    # The mean stay is exact; its law is not that of wait plus an independent service, so only the mean is.
    scalars = {
        "util": busy,
        "mean_slot_occupancy": busy,
        "mean_service_stretched": held,
        "max_throughput": most,
    }
    return Solved(
        "chain of shared cores (QBD)", found.wait, _OnlyMean(found.wait.mean + held), scalars=scalars
    )


@dataclass(frozen=True, slots=True)
class _OnlyMean:
    mean: float

    def tail(self, t: float) -> float:
        raise LookupError(f"the tail at {t} s is not known; only the mean is")


def _no_queue(workload: Workload, fleet: Fleet) -> Solved | None:
    """M/G/c/c: Erlang's loss formula holds for every service law."""
    if fleet.places != fleet.slots or not isinstance(workload.arrivals, Poisson):
        return None
    if isinstance(workload.service, IoThenCpu):
        return None
    lost = erlang_b(fleet.slots, workload.offered_load)
    nobody = TailFunction(0.0, lambda _: 0.0)
    return Solved("Erlang B (any service law)", nobody, lost=lost)


def _room(workload: Workload, fleet: Fleet) -> Solved | None:
    seconds = _mean_of_exponential(workload.service)
    if fleet.places is None or workload.patience is not None or seconds is None:
        return None
    if not isinstance(workload.arrivals, Poisson):
        return None
    full = states(fleet.slots, fleet.places, workload.offered_load)[-1]
    wait = finite_room_wait(fleet.slots, fleet.places, workload.offered_load, seconds)
    return Solved("M/M/c with finite room (exact)", wait, lost=float(full))


def _patience(workload: Workload, fleet: Fleet) -> Solved | None:
    seconds = _mean_of_exponential(workload.service)
    if workload.patience is None or fleet.places is not None or seconds is None:
        return None
    if not isinstance(workload.arrivals, Poisson):
        return None
    wait = impatient_wait(fleet.slots, workload.arrivals.per_second, seconds, workload.patience)
    return Solved("M/M/c with patience (Baccelli-Hebuterne, exact)", wait, gave_up=wait.p_timeout)


def _classes(workload: Workload, fleet: Fleet) -> Solved | None:
    if not isinstance(workload.arrivals, PoissonClasses) or not _open(workload, fleet):
        return None
    rates, service = workload.arrivals.rates, workload.service
    seconds = _mean_of_exponential(service)
    if seconds is not None:
        return _by_class(
            "M/M/c with priority classes (exact)", rates, class_waits(fleet.slots, rates, seconds)
        )
    if fleet.slots != 1 or isinstance(service, IoThenCpu) or not is_continuous(service):
        return None
    return _by_class("M/G/1 with priority classes (exact)", rates, single_slot_class_waits(rates, service))


def _by_class(method: str, rates: Sequence[float], waits: tuple[TailFunction, ...]) -> Solved:
    total = sum(rates)

    def tail(t: float) -> float:
        return sum(rate / total * wait.tail(t) for rate, wait in zip(rates, waits, strict=True))

    mean = sum(rate / total * wait.mean for rate, wait in zip(rates, waits, strict=True))
    return Solved(method, TailFunction(mean, tail), classes=waits)


def _batches(workload: Workload, fleet: Fleet) -> Solved | None:
    seconds = _mean_of_exponential(workload.service)
    if not isinstance(workload.arrivals, BatchPoisson) or seconds is None or not _open(workload, fleet):
        return None
    return Solved("M^X/M/c chain (exact)", batch_wait(fleet.slots, workload.arrivals, seconds))


def _daily(workload: Workload, fleet: Fleet) -> Solved | None:
    seconds = _mean_of_exponential(workload.service)
    if (
        not isinstance(workload.arrivals, Sinusoid | Profile)
        or seconds is None
        or workload.patience is not None
    ):
        return None
    arrivals: Periodic = workload.arrivals
    found = daily_wait(fleet.slots, arrivals, seconds, fleet.places)
    if found is None:
        return None
    return Solved("Kolmogorov equations over the period (exact)", found.overall, daily=found, lost=found.lost)


def _exponential(workload: Workload, fleet: Fleet) -> Solved | None:
    seconds = _mean_of_exponential(workload.service)
    if not isinstance(workload.arrivals, Poisson) or seconds is None or not _open(workload, fleet):
        return None
    return Solved("Erlang C (exact)", exponential_wait(fleet.slots, workload.arrivals.per_second, seconds))


def _deterministic(workload: Workload, fleet: Fleet) -> Solved | None:
    if not isinstance(workload.service, Deterministic) or not _open(workload, fleet):
        return None
    if not isinstance(workload.arrivals, Poisson):
        return None
    wait = deterministic_wait(fleet.slots, workload.arrivals.per_second, workload.service.value)
    return Solved("M/D/c (Crommelin, Franx; exact)", wait)


def _single(workload: Workload, fleet: Fleet) -> Solved | None:
    service = workload.service
    if fleet.slots != 1 or isinstance(service, IoThenCpu) or not is_continuous(service):
        return None
    if not isinstance(workload.arrivals, Poisson) or not _open(workload, fleet):
        return None
    return Solved(
        "M/G/1 (Pollaczek-Khinchine, exact)", single_slot_wait(workload.arrivals.per_second, service)
    )


def _renewal(workload: Workload, fleet: Fleet) -> Solved | None:
    seconds = _mean_of_exponential(workload.service)
    if not isinstance(workload.arrivals, Renewal) or seconds is None or not _open(workload, fleet):
        return None
    wait = renewal_exponential_wait(fleet.slots, workload.arrivals.interval, seconds)
    return Solved("GI/M/c (Takacs, exact)", wait)


def _chain(workload: Workload, fleet: Fleet) -> Solved | None:
    if isinstance(workload.service, IoThenCpu) or not _open(workload, fleet):
        return None
    phases = arrival_phases(workload.arrivals)
    law = phase_type(workload.service)
    if phases is None or law is None:
        return None
    if crowd_size(len(law.start), fleet.slots) > MOST_LISTED:
        return None
    crowd = Crowd(law, fleet.slots)
    if len(crowd.states(fleet.slots)) * len(phases.quiet) > MOST_PHASES:
        return None
    lowest = _rare_below(workload.offered_load) if isinstance(workload.arrivals, Poisson) else 0
    found = solve(phases, crowd, min(lowest, fleet.slots - 1))
    return Solved("MAP/PH/c chain (QBD, matrix-geometric; exact)", found.wait)


def _rare_below(offered_load: float) -> int:
    """Fewer busy slots than this are never seen: with Poisson arrivals they are at least Poisson many."""
    return max(0, int(offered_load - 9.0 * offered_load**0.5 - 10.0))
