"""Knows which exact method answers a queue whose services are exponential.

Each solver takes the queue apart itself and answers None when the queue is not of its kind.
"""

from planner.exact.batches import batch_wait
from planner.exact.daily import daily_wait
from planner.exact.distributions import Stay
from planner.exact.erlang import exponential_wait
from planner.exact.finite_room import finite_room_wait, states
from planner.exact.limits import loses
from planner.exact.patience import impatient_wait
from planner.exact.priorities import class_waits
from planner.exact.renewal_exponential import renewal_exponential_wait
from planner.exact.solved import OnlyMean, Solved, mixed
from planner.fleet import Fleet
from planner.laws.arrivals import BatchPoisson, Poisson, PoissonClasses, Profile, Renewal, Sinusoid
from planner.laws.named import Exponential
from planner.workload import Workload


def solve_exponential(workload: Workload, fleet: Fleet) -> Solved | None:
    """The answer of the one method that fits the arrivals, or None."""
    service = workload.service
    if not isinstance(service, Exponential):
        return None
    if workload.retries is not None:
        return _retried(workload, fleet, service)
    if fleet.places is not None:
        return _room(workload, fleet, fleet.places, service.mean)
    if workload.patience is not None:
        return _patience(workload, fleet, service.mean)
    return _endless(workload, fleet, service.mean)


def _endless(workload: Workload, fleet: Fleet, seconds: float) -> Solved | None:
    """Neither room nor patience ends."""
    arrivals, slots = workload.arrivals, fleet.slots
    if isinstance(arrivals, Poisson):
        return Solved("Erlang C (exact)", exponential_wait(slots, arrivals.per_second, seconds))
    if isinstance(arrivals, PoissonClasses):
        waits = class_waits(slots, arrivals.rates, seconds)
        return Solved("M/M/c with priority classes (exact)", mixed(arrivals.rates, waits), classes=waits)
    if isinstance(arrivals, BatchPoisson):
        return Solved("M^X/M/c chain (exact)", batch_wait(slots, arrivals, seconds))
    if isinstance(arrivals, Renewal):
        wait = renewal_exponential_wait(slots, arrivals.interval, seconds)
        return Solved("GI/M/c (Takacs, exact)", wait)
    return _daily(workload, fleet, seconds)


def _room(workload: Workload, fleet: Fleet, places: int, seconds: float) -> Solved | None:
    if workload.patience is not None:
        return None
    if not isinstance(workload.arrivals, Poisson):
        return _daily(workload, fleet, seconds)
    full = states(fleet.slots, places, workload.offered_load)[-1]
    wait = finite_room_wait(fleet.slots, places, workload.offered_load, seconds)
    return Solved("M/M/c with finite room (exact)", wait, lost=float(full))


def _patience(workload: Workload, fleet: Fleet, seconds: float) -> Solved | None:
    if workload.patience is None or not isinstance(workload.arrivals, Poisson):
        return None
    wait = impatient_wait(fleet.slots, workload.arrivals.per_second, seconds, workload.patience)
    return Solved("M/M/c with patience (Baccelli-Hebuterne, exact)", wait, gave_up=wait.p_timeout)


def _daily(workload: Workload, fleet: Fleet, seconds: float) -> Solved | None:
    if not isinstance(workload.arrivals, Sinusoid | Profile):
        return None
    found = daily_wait(fleet.slots, workload.arrivals, seconds, fleet.places)
    if found is None:
        return None
    return Solved("Kolmogorov equations over the period (exact)", found.overall, daily=found, lost=found.lost)


def _retried(workload: Workload, fleet: Fleet, service: Exponential) -> Solved | None:
    """An attempt finds the queue as a first one does: stations that serve exponentially in order of arrival, and
    delays of any law, have product form (Baskett, Chandy, Muntz & Palacios 1975; arrivals: Sevcik & Mitrani 1981).
    """
    retries = workload.retries
    if retries is None or loses(workload, fleet) or not isinstance(workload.arrivals, Poisson):
        return None
    wait = exponential_wait(fleet.slots, workload.attempts_per_second, service.mean)
    attempts = retries.mean_attempts
    return Solved(
        "M/M/c with retries (product form, exact)", wait, Stay(wait, service),
        scalars={"mean_attempts": attempts, "final_failure_ratio": retries.final_failure_ratio},
        completion=OnlyMean(attempts * (wait.mean + service.mean) + retries.mean_delays),
    )  # fmt: skip
