"""Knows how a period of many millions of jobs is made small enough to be simulated whole, and what that costs.

A backlog of hours is a fluid: half the slots with half the jobs wait as long. A period without one is pointwise steady:
the queue settles within a tiny part of it, so a shorter period with the same rates waits as long.
"""

from dataclasses import replace

from planner.exact.limits import overloads_of
from planner.fleet import Fleet
from planner.laws.arrivals import Profile, Sinusoid
from planner.workload import Workload

# Jobs of a period beyond which a replication takes too much memory, or too long where the backlog decides.
MOST_STEADY, MOST_OVERLOADED = 5_000_000, 1_500_000
# Fewer slots than this would wait for chance and not for the flow.
FEWEST_SLOTS = 16


def small_enough(workload: Workload, fleet: Fleet) -> tuple[Workload, Fleet, str]:
    """What to simulate, and the doubt that it adds; the queue itself and no doubt where it is small."""
    arrivals = workload.arrivals
    # Pauses, delays and the search for stalled jobs keep their own time.
    if (
        not isinstance(arrivals, Profile | Sinusoid)
        or workload.options is not None
        or fleet.pause is not None
    ):
        return workload, fleet, ""
    jobs = arrivals.per_second * arrivals.period
    if overloads_of(workload, fleet) and fleet.rate_limit is None and fleet.processes == 1:
        slots = max(FEWEST_SLOTS, round(fleet.slots * MOST_OVERLOADED / jobs))
        if jobs > MOST_OVERLOADED and slots < fleet.slots:
            less = replace(arrivals, per_second=arrivals.per_second * slots / fleet.slots)
            doubt = f"simulated with {slots} of {fleet.slots} slots and as much less load; the backlog decides waits"
            return replace(workload, arrivals=less), replace(fleet, slots=slots), doubt
    if jobs > MOST_STEADY:
        shorter = replace(arrivals, period=arrivals.period * MOST_STEADY / jobs)
        doubt = f"simulated with a period of {shorter.period:,.0f} s in place of {arrivals.period:,.0f} s"
        return replace(workload, arrivals=shorter), fleet, doubt
    return workload, fleet, ""
