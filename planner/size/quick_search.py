"""Knows the smallest slots of one queue in milliseconds: a solved likeness first, a run of jobs only near the edge."""

import math
from dataclasses import dataclass, field, replace

from planner.figures import read_name
from planner.fleet import Fleet
from planner.laws.arrivals import Poisson
from planner.laws.named import IoThenCpu
from planner.objective import Bound, Objective
from planner.size.screening import Screen, Verdict
from planner.size.trial_chance import Chance
from planner.workload import Workload

# A queue that forgets its start more slowly than this many jobs is sized by long simulations alone.
SLOWEST = 30_000.0


@dataclass(frozen=True)
class QuickSearch:
    """Every bound on a wait must hold, with at least `fewest` slots. `ran` are the slots that a run decided."""

    bounds: tuple[tuple[Bound, Screen], ...]
    fewest: int
    chance: Chance
    known: dict[int, tuple[Bound, ...]] = field(default_factory=dict)
    ran: set[int] = field(default_factory=set)

    def smallest(self) -> int:
        """Up or down from the guess, by ones: the guess is near."""
        slots = max([self.fewest, *(screen.guess for _, screen in self.bounds)])
        if self.holds(slots):
            while slots > self.fewest and self.holds(slots - 1):
                slots -= 1
            return slots
        while not self.holds(slots):
            slots += 1
        return slots

    def holds(self, slots: int) -> bool:
        return not self.broken(slots)

    def broken(self, slots: int) -> tuple[Bound, ...]:
        """The bounds on waits that do not hold."""
        if slots not in self.known:
            self.known[slots] = tuple(
                bound for bound, screen in self.bounds if not self._holds(screen, slots)
            )
        return self.known[slots]

    def _holds(self, screen: Screen, slots: int) -> bool:
        verdict: Verdict = screen.verdict(slots)
        if verdict == "unsure":
            from planner.size.trial import decided  # loads the compiler

            verdict = decided(screen, slots, self.chance)
            self.ran.add(slots)
        return verdict == "holds"


def quick_search(
    workload: Workload, objective: Objective, fleet: Fleet, chance: Chance
) -> QuickSearch | None:
    """The search, or None where the queue or a bound is of another kind, or so busy that a run never settles."""
    arrivals, service = workload.arrivals, workload.service
    if isinstance(service, IoThenCpu) or not isinstance(arrivals, Poisson):
        return None
    # Compared as a whole, so that what queues and fleets may yet learn to have is never passed over.
    if replace(workload, sample_size=None) != Workload(arrivals, service):
        return None
    if replace(fleet, slots=1, processes=1, cores=1.0, cpu_seconds=None) != Fleet(1):
        return None
    fewest, bounds = math.floor(workload.offered_load) + 1, []
    for bound in objective.bounds:
        name = read_name(bound.figure)
        if name.subject == "util" and not bound.at_least:
            fewest = max(fewest, math.ceil(workload.offered_load / bound.value - 1e-9)) if bound.value else 0
        elif (late := _late(bound)) is not None and name.priority_class is None:
            bounds.append((bound, Screen(arrivals.per_second, service, *late)))
        else:
            return None
    if not bounds or not fewest:
        return None
    slots = max([fewest, *(screen.guess for _, screen in bounds)])
    if bounds[0][1].forgotten_after(slots) > SLOWEST:
        return None
    return QuickSearch(tuple(bounds), fewest, chance)


def _late(bound: Bound) -> tuple[float, float] | None:
    """The bound as a time and the share that may wait longer; None where it is no such bound."""
    name = read_name(bound.figure)
    if name.subject != "wait" or name.worst_bin:
        return None
    if name.statistic == "quantile" and not bound.at_least:
        return bound.value, 1.0 - name.level
    if name.statistic == "share_within" and bound.at_least and bound.value < 1.0:
        return name.level, 1.0 - bound.value
    return None
