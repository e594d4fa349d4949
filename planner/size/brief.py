"""Knows how the queues of a long file are sized in milliseconds each: by solved likenesses, and one short run a queue.

`planner.sizing` simulates each answer for seconds, twice; a thousand queues would take hours. Here a run is as long as
it must be to decide (trial.py), another of some hundred thousand jobs tells the waits, and adds a slot where it
refutes the answer. The answers say so.
"""

from dataclasses import dataclass
from typing import Any

from planner import answers
from planner.file.queue_file import AskedQueue, with_slots
from planner.file.reading import read_objective
from planner.fleet import Fleet
from planner.objective import Bound, Objective
from planner.predict import predict
from planner.prediction import Figure, Prediction
from planner.size.quick_search import QuickSearch, quick_search
from planner.size.trial_chance import Chance
from planner.sizing import Plan
from planner.workload import Workload


@dataclass(frozen=True)
class Brief:
    """How one queue is sized briefly."""

    queue: AskedQueue
    objective: Objective
    search: QuickSearch
    telling: Chance

    def plan(self, processes: int) -> Plan:  # noqa: ARG002 - one event loop more changes nothing here
        """The fewest slots that the search finds, or one more for each that the telling run refutes."""
        slots = self.search.smallest()
        prediction, broken = self.prediction(slots), self._broken_on(slots - 1)
        # One run more only for what is not enough would double the time: unstable ones need none.
        smaller = self.prediction(slots - 1) if 1 < slots <= self._load + 1 else None
        while refuted := self._refuted(prediction):
            slots, smaller, broken = slots + 1, prediction, refuted
            prediction = self.prediction(slots)
        return Plan(with_slots(self.queue, slots).question.fleet, prediction, smaller, broken)

    @property
    def _load(self) -> float:
        return self.queue.question.workload.offered_load

    def sized_by(self, plan: Plan) -> str:
        """What decided that these slots are the fewest."""
        slots, (_, screen) = plan.slots_needed, self.search.bounds[0]
        near = self.search.ran & {slots, slots - 1}
        return f"a run of jobs beside {screen.likeness(slots)}" if near else screen.likeness(slots)

    def prediction(self, slots: int) -> Prediction:
        """What one run tells of the waits on `slots`; one that grows without end has none to tell."""
        workload, fleet = self.queue.question.workload, with_slots(self.queue, slots).question.fleet
        if workload.offered_load >= slots:
            return predict(workload, fleet, answers.FIGURES)
        from planner.size.survey import survey  # loads the compiler

        # Balances of flow: no run is needed.
        used = Figure(workload.offered_load / slots)
        plain = {"util": used, "utilisation": used, "throughput": Figure(workload.arrivals.per_second)}
        wanted = dict.fromkeys((*answers.FIGURES, *self.objective.figures))
        asked = [figure for figure in wanted if figure not in plain]
        found, jobs = survey(self.search.bounds[0][1], slots, asked, self.telling)
        figures = {**plain, **found}
        doubts = (*self._too_near(figures, jobs), *_slow())
        return Prediction(f"one run of {jobs:,} jobs (simulation, 95 % band)", figures, doubts=doubts)

    def broken(self, slots: int, prediction: Prediction) -> tuple[Bound, ...]:
        """The bounds that do not hold on `slots`."""
        return self._broken_on(slots) if prediction.stable else self.objective.bounds

    def _broken_on(self, slots: int) -> tuple[Bound, ...]:
        if slots < 1:
            return ()
        if slots <= self._load:
            return self.objective.bounds
        late = self.search.broken(slots)
        used = self._load / slots
        return tuple(
            bound
            for bound in self.objective.bounds
            if bound in late or (_is_use(bound) and not bound.holds(used))
        )

    def _refuted(self, prediction: Prediction) -> tuple[Bound, ...]:
        """The bounds that the run is clear of, on the wrong side."""
        return tuple(
            bound
            for bound in self.objective.bounds
            if not bound.holds(_kindest(bound, prediction.figures[bound.figure]))
        )

    def _too_near(self, figures: dict[str, Figure], jobs: int) -> list[str]:
        told = [(bound, figures[bound.figure]) for bound in self.objective.bounds]
        return [
            f"{bound.figure}: {figure.value:.3g} ± {figure.half_width:.2g} is too near {bound.value:g} to tell by "
            f"{jobs:,} jobs"
            for bound, figure in told
            if 0.0 < abs(figure.value - bound.value) <= figure.half_width
        ]

    def holds(self, workload: Workload, fleet: Fleet) -> bool:
        """Whether the likeness of such a queue holds the bounds, as far off as it may be: no run is made."""
        search = quick_search(workload, self.objective, fleet, self.search.chance)
        if search is None or search.fewest > fleet.slots:
            return False
        return all(screen.verdict(fleet.slots) == "holds" for _, screen in search.bounds)

    def answer(self, plan: Plan, slots: int, processes: int) -> dict[str, Any]:
        """The row of the queue on `slots`, which budgets may have made fewer than it needs."""
        enough = slots == plan.slots_needed
        prediction = plan.prediction if enough else self.prediction(slots)
        broken = () if enough else self.broken(slots, prediction)
        row = answers.values(with_slots(self.queue, slots, processes), prediction)
        return {**row, "objectives_broken": [bound.figure for bound in broken]}


def _kindest(bound: Bound, figure: Figure) -> float:
    """The end of the band that speaks for the bound."""
    return figure.value + figure.half_width if bound.at_least else figure.value - figure.half_width


def _slow() -> list[str]:
    from planner.acceleration import COMPILED

    return [] if COMPILED else ["numba is not installed: runs are shorter, and bands wider (extra: fast)"]


def _is_use(bound: Bound) -> bool:
    return bound.figure in ("util", "utilisation")


def brief_for(queue: AskedQueue, deciding: Chance, telling: Chance) -> Brief | None:
    """None for a queue that a quick search does not know."""
    objective = read_objective(queue.objective)
    search = quick_search(queue.question.workload, objective, queue.question.fleet, deciding)
    return None if search is None else Brief(queue, objective, search, telling)
