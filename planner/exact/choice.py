"""Knows which exact method answers a queue, if any does."""

from collections.abc import Callable
from dataclasses import replace

from planner.bull_options import JobOptions
from planner.exact.choice_exponential import solve_exponential
from planner.exact.choice_phases import solve_phases
from planner.exact.deterministic import deterministic_wait
from planner.exact.distributions import Distribution, Stay, TailFunction
from planner.exact.erlang import erlang_b
from planner.exact.limits import loses
from planner.exact.plainest import plainly
from planner.exact.single_slot import single_slot_wait
from planner.exact.single_slot_classes import single_slot_class_waits
from planner.exact.single_slot_steps import SteppedWait
from planner.exact.solved import Solved, mixed
from planner.fleet import Fleet
from planner.laws.arrivals import Poisson, PoissonClasses
from planner.laws.named import Deterministic, IoThenCpu, is_continuous
from planner.workload import Workload

Solver = Callable[[Workload, Fleet], Solved | None]


def solve_exactly(workload: Workload, fleet: Fleet) -> Solved | None:
    """The answer of the first method that fits, or None. The queue must have a steady state."""
    if fleet.rate_limit is not None or fleet.pause is not None:
        return None
    if workload.options is not None:
        plainer = _without_options(workload, workload.options)
        return None if plainer is None else solve_exactly(plainer, fleet)
    workload = plainly(workload)
    for solver in _solvers(workload):
        found = solver(workload, fleet)
        if found is not None:
            return _completed(found, workload, fleet)
    return None


def _solvers(workload: Workload) -> tuple[Solver, ...]:
    """Each takes the queue apart itself and answers None when the queue is not of its kind."""
    if workload.retries is not None:
        return (solve_exponential,)
    return (_no_queue, solve_exponential, _deterministic, _single, _single_classes, solve_phases)


def _without_options(workload: Workload, options: JobOptions) -> Workload | None:
    """Where the jobs of one Poisson stream have priorities and nothing else, each of these has its own stream."""
    if not options.only_priorities or workload.retries is not None:
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
    return replace(found, sojourn=sojourn, scalars=plain | found.scalars)


def _no_queue(workload: Workload, fleet: Fleet) -> Solved | None:
    """M/G/c/c: Erlang's loss formula holds for every service law."""
    if fleet.places != fleet.slots or not isinstance(workload.arrivals, Poisson):
        return None
    if isinstance(workload.service, IoThenCpu):
        return None
    lost = erlang_b(fleet.slots, workload.offered_load)
    nobody = TailFunction(0.0, lambda _: 0.0)
    return Solved("Erlang B (any service law)", nobody, lost=lost)


def _deterministic(workload: Workload, fleet: Fleet) -> Solved | None:
    if not isinstance(workload.service, Deterministic) or loses(workload, fleet):
        return None
    if not isinstance(workload.arrivals, Poisson):
        return None
    wait = deterministic_wait(fleet.slots, workload.arrivals.per_second, workload.service.value)
    return Solved("M/D/c (Crommelin, Franx; exact)", wait)


def _single(workload: Workload, fleet: Fleet) -> Solved | None:
    service, arrivals = workload.service, workload.arrivals
    if fleet.slots != 1 or isinstance(service, IoThenCpu) or loses(workload, fleet):
        return None
    if not isinstance(arrivals, Poisson):
        return None
    wait: Distribution = SteppedWait(arrivals.per_second, service)
    if is_continuous(service):
        wait = single_slot_wait(arrivals.per_second, service)
    return Solved("M/G/1 (Pollaczek-Khinchine, exact)", wait)


def _single_classes(workload: Workload, fleet: Fleet) -> Solved | None:
    service, arrivals = workload.service, workload.arrivals
    if fleet.slots != 1 or isinstance(service, IoThenCpu) or loses(workload, fleet):
        return None
    if not isinstance(arrivals, PoissonClasses):
        return None
    waits = single_slot_class_waits(arrivals.rates, service)
    return Solved("M/G/1 with priority classes (exact)", mixed(arrivals.rates, waits), classes=waits)
