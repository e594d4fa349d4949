"""Knows the smallest number of slots that meets an objective, and why one fewer does not."""

import math
from dataclasses import dataclass, replace

from planner.fleet import Fleet
from planner.laws import IoThenCpu
from planner.limits import loses
from planner.objective import Bound, Objective
from planner.predict import predict
from planner.prediction import Prediction
from planner.simulation_effort import Effort
from planner.workload import Workload

MOST_SLOTS = 100_000


@dataclass(frozen=True, slots=True)
class Plan:
    """The smallest fleet that meets the objective. `smaller` is the next one down and `broken` what it
    breaks.
    """

    fleet: Fleet
    prediction: Prediction
    smaller: Prediction | None
    broken: tuple[Bound, ...]

    @property
    def slots_needed(self) -> int:
        return self.fleet.slots


def size(
    workload: Workload, objective: Objective, fleet: Fleet | None = None, effort: Effort | None = None
) -> Plan | None:
    """The plan, or None when no number of slots meets the objective (a rate limit or the cores stand in the
    way).

    `fleet` gives everything but the slots. More slots never make a wait longer, so the search is by
    doubling and halving. Utilisation bounds are met by arithmetic.
    """
    search = _Search(workload, objective, fleet or Fleet(1), effort or Effort(), {})
    low = search.lowest() - 1
    step = 1
    while not search.holds(low + step):
        low, step = low + step, 2 * step
        if low + step > MOST_SLOTS or search.hopeless(low):
            return None
    high = low + step
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if search.holds(middle) else (middle, high)
    return search.plan(high)


@dataclass(frozen=True, slots=True)
class _Search:
    workload: Workload
    objective: Objective
    fleet: Fleet
    effort: Effort
    known: dict[int, Prediction]

    def with_slots(self, slots: int) -> Fleet:
        places = self.fleet.places
        return replace(self.fleet, slots=slots, places=max(places, slots) if places else None)

    def lowest(self) -> int:
        """Fewer are unstable."""
        if loses(self.workload, self.fleet) or isinstance(self.workload.service, IoThenCpu):
            return 1
        return math.floor(self.workload.offered_load) + 1

    def prediction(self, slots: int) -> Prediction:
        if slots not in self.known:
            wanted = self.objective.figures
            self.known[slots] = predict(self.workload, self.with_slots(slots), wanted, self.effort)
        return self.known[slots]

    def holds(self, slots: int) -> bool:
        return slots > 0 and not self.objective.broken(self.prediction(slots))

    def hopeless(self, slots: int) -> bool:
        """Twice the slots changed nothing: something else is in the way."""
        half, full = self.prediction(max(1, slots // 2)), self.prediction(slots)
        if not full.stable:
            return not half.stable and full.backlog_per_second >= half.backlog_per_second * (1 - 1e-9)
        same = [abs(half[f] - full[f]) <= 1e-6 * abs(full[f]) for f in self.objective.figures if half.stable]
        return bool(same) and all(same) and slots > 4 * self.workload.offered_load + 64

    def plan(self, slots: int) -> Plan:
        smaller = self.prediction(slots - 1) if slots > 1 else None
        broken = self.objective.broken(smaller) if smaller else ()
        return Plan(self.with_slots(slots), self.prediction(slots), smaller, broken)
