"""Knows where a search for slots may begin: Erlang C, with the wait stretched by the queue's variability.

Allen & Cunneen's two moments; a wrong guess costs the search time, never the answer its truth.
"""

import math

from planner.exact.erlang import erlang_c, smallest_slots
from planner.figures import read_name
from planner.fleet import Fleet
from planner.laws.arrivals import Poisson, Renewal
from planner.laws.named import IoThenCpu, scv
from planner.objective import Bound, Objective
from planner.workload import Workload

# Beyond it the search may go on by itself.
MOST_SLOTS = 10_000


def first_guess(workload: Workload, objective: Objective, fleet: Fleet) -> int | None:
    """Slots near the answer; None for queues and bounds that two moments tell nothing of."""
    arrivals, service = workload.arrivals, workload.service
    if isinstance(service, IoThenCpu) or not isinstance(arrivals, Poisson | Renewal):
        return None
    # Compared as a whole, so that what queues and fleets may yet learn to have is never passed over.
    if workload != Workload(arrivals, service) or fleet != Fleet(fleet.slots, cpu_seconds=fleet.cpu_seconds):
        return None
    interval = scv(arrivals.interval) if isinstance(arrivals, Renewal) else 1.0
    stretch = max((interval + scv(service)) / 2.0, 1e-3)
    load, seconds = workload.offered_load, service.mean

    def meets(bound: Bound, slots: int) -> bool | None:
        name, wait = read_name(bound.figure), seconds * stretch / (slots - load)
        chance = erlang_c(slots, load)
        if name.statistic == "mean" and name.subject in ("wait", "sojourn"):
            spare = bound.value - (seconds if name.subject == "sojourn" else 0.0)
            return chance * wait <= spare if spare > 0.0 else None
        if name.statistic == "quantile" and name.subject == "wait":
            return chance * math.exp(-bound.value / wait) <= 1.0 - name.level
        return chance <= bound.value if name.statistic == "prob" else None

    at_start = math.floor(load) + 1
    bounds = [b for b in objective.bounds if meets(b, at_start) is not None and b.value > 0.0]
    if not bounds:
        return None
    found = smallest_slots(load, lambda slots: slots > MOST_SLOTS or all(meets(b, slots) for b in bounds))
    return found if at_start <= found <= MOST_SLOTS else None
