"""Knows how a queue of a long file is sized where no likeness resembles it: bursts, retries, limits, rules of Bull.

One run of some ten thousand jobs tells whether the objectives hold on so many slots, the same jobs on each number;
another, longer one of other chance tells the waits with the band that its parts show, and takes or adds a slot where it
says otherwise.
"""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from planner import answers
from planner.exact.limits import ceiling, is_unstable, loses, overloads_of
from planner.figures import Name, read_name
from planner.file.queue_file import AskedQueue, with_slots
from planner.fleet import Fleet
from planner.laws.arrivals import Poisson, Profile, Sinusoid
from planner.laws.named import IoThenCpu, Vector
from planner.objective import Bound, Objective
from planner.predict import predict
from planner.prediction import Figure, Prediction
from planner.size.quick_search import quick_search
from planner.size.trial_chance import Chance
from planner.sizing import Plan, in_equal_parts, smallest
from planner.workload import Workload

# Jobs of the run that decides and of the one that tells; of one that must be longer, to settle or for a whole period.
DECIDING, TELLING, MOST = 20_000, 60_000, 400_000
SEEDS = {DECIDING: 1, TELLING: 2}
# Equal parts of a run, and Student's quantile for their mean.
PARTS, SURE = 20, 2.093
# So many times what is busy, and so many slots more: what waits then waits for something else.
TIMES, MORE = 2.0, 30


@dataclass(frozen=True)
class Sampled:
    """How one queue is sized by such runs."""

    queue: AskedQueue
    objective: Objective
    chance: Chance
    known: dict[tuple[int, int], tuple[Bound, ...]] = field(default_factory=dict)

    def plan(self, processes: int) -> Plan | None:
        """The fewest by the deciding run, then fewer or more while the telling run says so; None: none are enough."""
        most, slots = self._most(self.queue.question.workload), self._fewest(processes)
        if slots is None:
            return None
        told, below = self.prediction(slots, processes), self._below(slots, processes)
        while below is not None and not self.objective.broken(below):
            slots, told = slots - 1, below
            below = self._below(slots, processes)
        while self._refuted(told):
            if slots >= most:
                return None
            slots, below = slots + 1, told
            told = self.prediction(slots, processes)
        return Plan(self._fleet(slots, processes), told, below, self.objective.broken(below) if below else ())

    def _below(self, slots: int, processes: int) -> Prediction | None:
        """What one slot fewer brings."""
        return self.prediction(slots - 1, processes) if slots > 1 else None

    def _fewest(self, processes: int) -> int | None:
        """By the deciding run; where arrivals follow the clock the busiest hour needs little more than the day."""
        workload = self.queue.question.workload
        arrivals, most = workload.arrivals, self._most(workload)

        def holds(slots: int) -> bool:
            return not self._broken(slots, processes)

        lowest = 1 if self._loses else int(workload.offered_load) + 1
        if isinstance(arrivals, Sinusoid | Profile):
            slots = self.needed(replace(workload, arrivals=Poisson(arrivals.largest_rate)))
            if slots is not None and holds(slots):
                while slots > lowest and holds(slots - 1):
                    slots -= 1
                return slots
            lowest = lowest if slots is None else slots + 1
        found = smallest(lowest, holds, lambda slots: slots > most)
        if not isinstance(workload.service, IoThenCpu):
            return found
        # Steps that double may pass the few numbers of slots before stays grow.
        found = found or next((slots for slots in range(lowest, most + 1) if holds(slots)), None)
        return None if found is None else in_equal_parts(found, processes, holds)

    @staticmethod
    def _most(workload: Workload) -> int:
        return int(TIMES * workload.offered_load + MORE)

    def needed(self, hour: Workload) -> int | None:
        """Slots for an hour at one rate."""
        fleet, most = replace(self.queue.question.fleet, slots=1), self._most(hour)
        quick = quick_search(hour, self.objective, fleet, self.chance)
        if quick is not None:
            return quick.smallest()

        def holds(slots: int) -> bool:
            return self.holds(hour, replace(fleet, slots=slots))

        return smallest(int(hour.offered_load) + 1, holds, lambda slots: slots > most)

    def sized_by(self, plan: Plan) -> str:  # noqa: ARG002 - each plan is
        return f"runs of {DECIDING:,} jobs or more"

    def answer(self, plan: Plan, slots: int, processes: int) -> dict[str, Any]:
        """The row of the queue on `slots`, which budgets may have made fewer than it needs."""
        if slots != plan.slots_needed:
            return self.row(slots, processes)
        row = answers.values(with_slots(self.queue, slots, processes), plan.prediction)
        return {**row, "objectives_broken": []}

    def row(self, slots: int, processes: int) -> dict[str, Any]:
        prediction = self.prediction(slots, processes)
        broken = self._refuted(prediction) if prediction.stable else self.objective.bounds
        row = answers.values(with_slots(self.queue, slots, processes), prediction)
        return {**row, "objectives_broken": [bound.figure for bound in broken]}

    def prediction(self, slots: int, processes: int) -> Prediction:
        """What the telling run tells of the waits on `slots`."""
        workload, fleet = self.queue.question.workload, self._fleet(slots, processes)
        if is_unstable(workload, fleet):
            return predict(workload, fleet, answers.FIGURES)
        wanted = dict.fromkeys((*answers.figures_of(self.queue), *self.objective.figures))
        run = sampled(workload, fleet, TELLING)
        figures = {text: run.figure(read_name(text)) for text in wanted}
        doubts = [
            f"{bound.figure}: {told.value:.3g} ± {told.half_width:.2g} is too near {bound.value:g} to tell by "
            f"{run.jobs:,} jobs"
            for bound in self.objective.bounds
            if 0.0 < abs((told := figures[bound.figure]).value - bound.value) <= told.half_width
        ]
        return Prediction(
            f"brief run of {run.jobs:,} jobs (simulation, band of its parts)", figures, doubts=tuple(doubts),
            overloads=overloads_of(workload, fleet),
        )  # fmt: skip

    def holds(self, workload: Workload, fleet: Fleet) -> bool:
        """Whether such a queue holds the bounds, by the deciding run."""
        return not self._broken_of(workload, fleet)

    @property
    def _loses(self) -> bool:
        question = self.queue.question
        return loses(question.workload, question.fleet) or isinstance(question.workload.service, IoThenCpu)

    def _fleet(self, slots: int, processes: int) -> Fleet:
        return with_slots(self.queue, slots, processes).question.fleet

    def _broken(self, slots: int, processes: int) -> tuple[Bound, ...]:
        if (slots, processes) not in self.known:
            fleet = self._fleet(slots, processes)
            self.known[slots, processes] = self._broken_of(self.queue.question.workload, fleet)
        return self.known[slots, processes]

    def _broken_of(self, workload: Workload, fleet: Fleet) -> tuple[Bound, ...]:
        if is_unstable(workload, fleet):
            return self.objective.bounds
        run = sampled(workload, fleet, DECIDING)
        return tuple(b for b in self.objective.bounds if not b.holds(run.value(read_name(b.figure))))

    def _refuted(self, prediction: Prediction) -> tuple[Bound, ...]:
        """The bounds that the telling run is clear of, on the wrong side."""
        return tuple(
            b for b in self.objective.bounds if not b.holds(_kindest(b, prediction.figures[b.figure]))
        )


def knows(objective: Objective) -> bool:
    """Whether such runs tell what is asked: parts of a period are left to long simulations."""
    return not any(
        (name := read_name(figure)).worst_bin or name.subject == "worst_bin" for figure in objective.figures
    )


def _kindest(bound: Bound, figure: Figure) -> float:
    """The end of the band that speaks for the bound."""
    return figure.value + figure.half_width if bound.at_least else figure.value - figure.half_width


def sampled(workload: Workload, fleet: Fleet, jobs: int) -> "Run":
    """One run: of whole periods where arrivals follow the clock, and long against what the queue remembers."""
    from planner.simulation.run_length import length
    from planner.simulation.runs import draw, replicate  # loads the compiler

    needed = length(workload, fleet.at_work, shortest=jobs)
    periodic = isinstance(workload.arrivals, Sinusoid | Profile) or fleet.pause is not None
    count = needed.jobs if periodic else min(needed.jobs, max(jobs, MOST // 4))
    random = np.random.default_rng(SEEDS[jobs])
    sample = replicate(
        workload, fleet.at_work, draw(workload, random, count), random, min(needed.warmup, count // 4)
    )
    return Run(workload, fleet.at_work, sample.series, sample.scalars, count)


@dataclass(frozen=True, slots=True)
class Run:
    """One run without its begin, ready to be asked. `ordered` holds durations in order of size: all, then each part."""

    workload: Workload
    fleet: Fleet
    series: dict[str, Any]
    scalars: dict[str, float]
    jobs: int
    ordered: dict[tuple[str, int | None], list[Vector]] = field(default_factory=dict)

    def value(self, name: Name) -> float:
        if name.statistic == "scalar":
            return self._scalar(name.subject)
        return _statistic(name, np.sort(self._seconds(name)[0]))

    def figure(self, name: Name) -> Figure:
        """With the band that equal parts of the run show, one after the other."""
        if name.statistic == "scalar":
            return Figure(self._scalar(name.subject))
        whole, *parts = self._in_order(name)
        told = [_statistic(name, part) for part in parts]
        return Figure(_statistic(name, whole), SURE * float(np.std(told, ddof=1)) / np.sqrt(len(told)))

    def _in_order(self, name: Name) -> list[Vector]:
        key = (name.subject, name.priority_class)
        if key not in self.ordered:
            seconds, arrived = self._seconds(name)
            in_time = seconds[np.argsort(arrived, kind="stable")]
            parts = (part for part in np.array_split(in_time, PARTS) if len(part))
            self.ordered[key] = [np.sort(part) for part in (seconds, *parts)]
        return self.ordered[key]

    def _seconds(self, name: Name) -> tuple[Vector, Vector]:
        found = self.series["wait" if name.subject == "wait_offered_capped" else name.subject]
        if name.priority_class is None:
            return found.seconds, found.arrivals
        chosen = found.classes == name.priority_class
        return found.seconds[chosen], found.arrivals[chosen]

    def _scalar(self, name: str) -> float:
        workload, slots = self.workload, self.fleet.slots
        served = 1.0 - self.scalars["p_timeout"] - self.scalars["p_block"]
        if isinstance(workload.service, IoThenCpu):
            held = self.scalars["mean_service_stretched"] * workload.arrivals.per_second / slots
        else:
            held = workload.offered_load / slots
        plain = {
            "util": held * served,
            "throughput": workload.jobs_per_second * served,
            "mean_attempts": workload.life.starts,
            "final_failure_ratio": workload.life.failed,
            "max_throughput": ceiling(workload, self.fleet).per_second,
        }
        return plain[name] if name in plain else self.scalars[name]


def _statistic(name: Name, ordered: Vector) -> float:
    if not len(ordered):
        return 0.0
    if name.statistic == "mean":
        return float(ordered.mean())
    if name.statistic == "quantile":
        return float(ordered[min(int(name.level * len(ordered)), len(ordered) - 1)])
    if name.statistic == "prob":
        return 1.0 - float(np.searchsorted(ordered, 0.0, side="right")) / len(ordered)
    return float(np.searchsorted(ordered, name.level, side="right")) / len(ordered)
