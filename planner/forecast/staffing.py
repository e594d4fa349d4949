"""Knows what hours of a forecast ask of a queue: the load its slots bear, when that is passed, and slots by the hour.

Each hour is taken by itself, as if its rate lasted; the start of a busy hour is then judged a little too harshly.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from planner.file.queue_file import AskedQueue
from planner.file.reading import read_objective
from planner.forecast.hours import HOUR
from planner.forecast.hours_ahead import Ahead
from planner.laws.arrivals import Poisson, Profile, Sinusoid
from planner.laws.named import Exponential, Vector
from planner.laws.scaling import faster
from planner.objective import Objective
from planner.predict import predict
from planner.simulation.effort import Effort
from planner.sizing import size
from planner.workload import Workload

# The load borne is found this exactly, as a part of itself.
EXACT = 0.01
STEPS = 20
# Slots are found at so many loads from the least hour to the largest; an hour takes those of the next one up.
LEVELS = 12
# Where a formula answers at once, at so many.
LEVELS_EXACT = 100
QUICK = Effort(half_width=0.02, seconds=1.0, shortest=20_000)


@dataclass(frozen=True, slots=True)
class Break:
    """The load that the slots bear, jobs an hour, and the first hours beyond it; None where there is none."""

    jobs_per_hour: float
    expected_at: float | None
    possible_at: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Staffing:
    """Slots for the jobs expected in each hour, and for the upper end of its band; NaN where none is enough."""

    expected: Vector
    high: Vector


def with_rate(workload: Workload, per_second: float) -> Workload:
    """The same work arriving at another rate, steady within the hour."""
    given = workload.arrivals
    steady = Poisson(given.per_second) if isinstance(given, Profile | Sinusoid) else given
    return replace(workload, arrivals=faster(steady, per_second / steady.per_second))


def breaks(queue: AskedQueue, ahead: Ahead) -> Break:
    """When the objective of the queue breaks on the slots that it has."""
    borne = load_borne(queue) * HOUR
    return Break(borne, _first(ahead, ahead.expected, borne), _first(ahead, ahead.high, borne))


def _first(ahead: Ahead, jobs: Vector, borne: float) -> float | None:
    hours = np.flatnonzero(jobs > borne)
    return float(ahead.start + hours[0] * HOUR) if len(hours) else None


def load_borne(queue: AskedQueue) -> float:
    """The largest steady arrival rate at which the objective holds, by halving; 0 where it never does."""
    workload, fleet = queue.question.workload, queue.question.fleet
    objective = read_objective(queue.objective)
    attempts = workload.retries.mean_attempts if workload.retries else 1.0
    low, high = 0.0, fleet.slots / workload.service.mean / attempts
    for _ in range(STEPS):
        if high - low <= EXACT * high:
            break
        middle = (low + high) / 2
        low, high = (middle, high) if _holds(with_rate(workload, middle), queue, objective) else (low, middle)
    return low


def _holds(workload: Workload, queue: AskedQueue, objective: Objective) -> bool:
    bounds = {bound.figure: bound.value for bound in objective.bounds}
    found = predict(workload, queue.question.fleet, objective.figures, replace(QUICK, bounds=bounds))
    return not objective.broken(found)


def staffing(queue: AskedQueue, ahead: Ahead) -> Staffing:
    """The smallest slots for each hour, found at some loads and taken upwards."""
    rates = np.concatenate([ahead.expected, ahead.high]) / HOUR
    levels = _levels(rates, LEVELS_EXACT if _is_exact(queue) else LEVELS)
    slots = np.array([_slots(queue, level) for level in levels])
    each = np.where(
        rates > 0, slots[np.minimum(np.searchsorted(levels, rates, side="left"), len(levels) - 1)], 0.0
    )
    return Staffing(each[: len(ahead.expected)], each[len(ahead.expected) :])


def _is_exact(queue: AskedQueue) -> bool:
    workload = queue.question.workload
    return workload.retries is None and isinstance(workload.service, Exponential)


def _levels(rates: Vector, number: int) -> Sequence[float]:
    positive = rates[rates > 0]
    if not len(positive):
        return [1.0]
    least, most = float(positive.min()), float(positive.max())
    return sorted({*np.geomspace(least, most * (1 + 1e-9), number).tolist()})


def _slots(queue: AskedQueue, per_second: float) -> float:
    workload = with_rate(queue.question.workload, per_second)
    plan = size(workload, read_objective(queue.objective), queue.question.fleet, QUICK)
    return float(plan.slots_needed) if plan is not None else float("nan")
