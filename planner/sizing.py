"""Knows the smallest number of slots that meets an objective, and why one fewer does not."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from planner.exact.limits import loses
from planner.figures import read_name
from planner.fleet import Fleet
from planner.laws.named import IoThenCpu
from planner.objective import Bound, Objective
from planner.predict import predict
from planner.prediction import Figure, Prediction
from planner.simulation.effort import Effort
from planner.size.first_guess import first_guess
from planner.size.quick_search import quick_search
from planner.size.trial_chance import Chance
from planner.workload import Workload

MOST_SLOTS = 100_000


@dataclass(frozen=True, slots=True)
class Plan:
    """The smallest fleet that meets the objective.

    `smaller` is the prediction for one slot fewer and `broken` the bounds it breaks.
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
    """The plan, or None when no number of slots meets the objective: a rate limit or the cores stand in the way.

    `fleet` gives everything but the slots. More slots never make a wait longer, so the search doubles and halves, or
    begins where a quick search ended; a figure clear of its bound is sure enough. The answer is then simulated again,
    longer and from another seed, and one more slot is taken should that refute it. Where the bound can't be told from
    what any number of slots brings, the plan's prediction doubts it. Stays of jobs that share cores may grow with more
    slots; then numbers that part equally over the processes are tried beside.
    """
    search = Search(workload, objective, fleet or Fleet(1), effort or Effort())
    try:
        found = search.smallest()
        while found is not None and search.refuted(found):
            found = search.next_after(found)
    except TooCloseError as one:
        return search.plan(one.slots)
    return None if found is None else search.plan(found)


def smallest(lowest: int, holds: Callable[[int], bool], hopeless: Callable[[int], bool]) -> int | None:
    """The smallest slots from `lowest` on for which `holds`, or None when `hopeless` first."""
    low, step = lowest - 1, 1
    while not holds(low + step):
        low, step = low + step, 2 * step
        if low + step > MOST_SLOTS or hopeless(low):
            return None
    return smallest_between(low, low + step, holds)


def smallest_between(low: int, high: int, holds: Callable[[int], bool]) -> int:
    """For `low` it does not hold, for `high` it does."""
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def in_equal_parts(found: int, processes: int, holds: Callable[[int], bool]) -> int:
    """`found` or fewer: where slots share cores, a process with one slot more than the others gets more of the jobs,
    and their stays are longer than with the fewer slots that part equally.
    """
    if processes == 1:
        return found
    slots = processes * smallest_between(0, -(-found // processes), lambda part: holds(part * processes))
    while 1 < slots < found and holds(slots - 1):
        slots -= 1
    return min(slots, found)


class TooCloseError(Exception):
    """On so many slots a bound lies within the band of its figure, and on plenty of them too."""

    def __init__(self, slots: int) -> None:
        self.slots = slots


@dataclass(frozen=True, slots=True)
class Search:
    """Predictions of one queue with different numbers of slots, each made once."""

    workload: Workload
    objective: Objective
    fleet: Fleet
    effort: Effort
    known: dict[int, Prediction] = field(default_factory=dict)

    def with_slots(self, slots: int) -> Fleet:
        places = self.fleet.places
        return replace(self.fleet, slots=slots, places=max(places, slots) if places else None)

    def lowest(self) -> int:
        """Fewer are unstable."""
        if loses(self.workload, self.fleet) or isinstance(self.workload.service, IoThenCpu):
            return 1
        return math.floor(self.workload.offered_load) + 1

    def quick_guess(self) -> int | None:
        """Where the search may begin; None for queues that a quick search does not know."""
        quick = quick_search(self.workload, self.objective, self.fleet, Chance(self.effort.seed))
        return quick.smallest() if quick else None

    def smallest(self) -> int | None:
        guess = self.quick_guess()
        if guess is not None:
            return self.near(guess)
        guess = first_guess(self.workload, self.objective, self.fleet)
        if guess is not None:
            return self.around(guess)
        found = smallest(self.lowest(), self.holds, self.hopeless)
        if not self._stays_may_grow():
            return found
        found = self._before_stays_grow() if found is None else found
        return None if found is None else in_equal_parts(found, self._step, self.holds)

    def next_after(self, slots: int) -> int | None:
        """The next number for which the bounds hold."""
        last = min(slots + self._step, MOST_SLOTS)
        return next((more for more in range(slots + 1, last + 1) if self.holds(more)), None)

    @property
    def _step(self) -> int:
        """So many slots more leave the parts of the processes as unequal as they were."""
        return self.fleet.processes if self._stays_may_grow() else 1

    def _stays_may_grow(self) -> bool:
        """Jobs that share cores hold each other up: with more slots they wait less, but alike ones stay longer."""
        return bool(self._stays) and isinstance(self.workload.service, IoThenCpu)

    @property
    def _stays(self) -> list[str]:
        return [figure for figure in self.objective.figures if read_name(figure).subject == "sojourn"]

    def _before_stays_grow(self) -> int | None:
        """The smallest slots from the first that can do the work, until no stay falls any more."""
        slots = smallest(1, lambda slots: self.prediction(slots).stable, lambda _: False)
        while slots is not None and not self.holds(slots):
            before = self.known.get(slots - self._step)
            if self.hopeless(slots) or (before is not None and before.stable and not self._falls(slots)):
                return None
            slots += 1
        return slots

    def _falls(self, slots: int) -> bool:
        """Whether the last slot of each process made a stay clearly shorter."""
        before = self.known[slots - self._step].figures
        pairs = [(before[name], self.known[slots].figures[name]) for name in self._stays]
        return any(one.value - more.value > one.half_width + more.half_width for one, more in pairs)

    def near(self, guess: int) -> int | None:
        """The smallest slots for which the bounds hold, by ones from `guess`."""
        slots = guess
        if not self.holds(slots):
            return smallest(slots + 1, self.holds, self.hopeless)
        while slots > self.lowest() and self.holds(slots - 1):
            slots -= 1
        return slots

    def around(self, guess: int) -> int | None:
        """The same by steps that double: the guess may be far."""
        if not self.holds(guess):
            return smallest(guess + 1, self.holds, self.hopeless)
        least, step = self.lowest(), 1
        high = guess
        while high > least and self.holds(low := max(least, high - step)):
            high, step = low, 2 * step
        if high <= least:
            return high
        return smallest_between(low, high, self.holds)

    def prediction(self, slots: int) -> Prediction:
        """Sure enough to say which bounds hold."""
        if slots not in self.known:
            shortest = min(self.effort.shortest, 40_000)
            self.known[slots] = self._predict(slots, replace(self.effort, shortest=shortest))
        return self.known[slots]

    def _predict(self, slots: int, effort: Effort) -> Prediction:
        bounds = {bound.figure: bound.value for bound in self.objective.bounds}
        decided = replace(effort, bounds=bounds)
        return predict(self.workload, self.with_slots(slots), self.objective.figures, decided)

    def holds(self, slots: int) -> bool:
        """Raises TooCloseError."""
        if slots > 0 and self._unsure(slots) and self._unsure(self._plenty(slots)):
            self.known[slots] = self._doubted(slots)
            raise TooCloseError(slots)
        return slots > 0 and not self.objective.broken(self.prediction(slots))

    def _unsure(self, slots: int) -> tuple[Bound, ...]:
        """The bounds within the bands of their figures; none where another bound is clearly broken."""
        found = self.prediction(slots)
        near = tuple(b for b in self.objective.bounds if found.stable and _within_band(b, found))
        return near if set(self.objective.broken(found)) <= set(near) else ()

    def _plenty(self, slots: int) -> int:
        """So many that more change nothing."""
        return max(2 * slots, int(4.0 * self.workload.offered_load) + 64)

    def _doubted(self, slots: int) -> Prediction:
        found, plenty = self.prediction(slots), self._plenty(slots)
        doubts = [
            f"{bound.figure}: {(told := found.figures[bound.figure]).value:.5g} on {slots} slots and "
            f"{self.prediction(plenty)[bound.figure]:.5g} on {plenty}; whether any number of slots meets "
            f"{bound.value:g} can't be decided closer than ±{told.half_width:.2g}"
            for bound in self._unsure(slots)
        ]
        return replace(found, doubts=(*found.doubts, *doubts))

    def refuted(self, slots: int) -> bool:
        """Whether longer replications from another seed say otherwise."""
        if self.prediction(slots).exact:
            return False
        again = self._predict(slots, replace(self.effort, seed=self.effort.seed + 1))
        self.known[slots] = again
        return bool(self.objective.broken(again))

    def hopeless(self, slots: int) -> bool:
        """Twice the slots changed nothing that can be seen: something else is in the way."""
        if slots < 4.0 * self.workload.offered_load + 64.0:
            return False
        half, full = self.prediction(slots // 2), self.prediction(slots)
        if not full.stable:
            return not half.stable and full.backlog_per_second >= half.backlog_per_second * (1.0 - 1e-9)
        return half.stable and all(
            _alike(half.figures[name], full.figures[name]) for name in self.objective.figures
        )

    def plan(self, slots: int) -> Plan:
        smaller = self.prediction(slots - 1) if slots > 1 else None
        broken = self.objective.broken(smaller) if smaller else ()
        return Plan(self.with_slots(slots), self.prediction(slots), smaller, broken)


def _within_band(bound: Bound, found: Prediction) -> bool:
    figure = found.figures[bound.figure]
    return 0.0 < abs(figure.value - bound.value) <= figure.half_width


def _alike(one: Figure, other: Figure) -> bool:
    """Within a thousandth, or within narrow bands: wide ones would hide what more slots change."""
    narrow = min(one.half_width + other.half_width, 0.05 * abs(other.value))
    return abs(one.value - other.value) <= max(1e-3 * abs(other.value), narrow)
