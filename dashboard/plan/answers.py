"""This file knows the planner's answers as a screen shows them: soon, with their bands, and the wait by slots."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from planner import answers
from planner.figures import read_name
from planner.file.queue_file import AskedQueue
from planner.file.reading import read_objective
from planner.fleet import Fleet
from planner.laws.arrivals import Poisson
from planner.laws.long_tails import Lognormal
from planner.predict import predict
from planner.prediction import Prediction
from planner.simulation.effort import Effort
from planner.sizing import size
from planner.workload import Workload

Row = dict[str, Any]
"""An answer in the words of `bullgauge-planner predict --json`."""

FIGURES = ("util", "mean_wait", "p50_wait", "p95_wait", "p99_wait")
# What no formula answers is simulated until it is known to 3 % or a tenth of a second is over: a person who turns a
# knob waits for it. The command takes up to eight seconds a queue and is surer.
SOON = Effort(half_width=0.03, seconds=0.1, shortest=10_000)
# A point on a chart is read to a pixel.
CHART = Effort(half_width=0.05, seconds=0.02, shortest=5_000, rounds_at_least=1)
POINTS = 12


def answered_soon(queue: AskedQueue) -> Row:
    """What `bullgauge-planner predict` says of a queue: the same where a formula knows it, else with a wider band."""
    question = queue.question
    bounds = read_objective(queue.objective)
    wanted = tuple(dict.fromkeys((*FIGURES, *bounds.figures)))
    unseen = answers.effort_for(queue)
    soon = replace(SOON, share_seen=unseen.share_seen, seconds_seen=unseen.seconds_seen)
    found = predict(question.workload, question.fleet, wanted, soon)
    broken = [bound.figure for bound in bounds.broken(found)]
    return {**answers.values(queue, found), "objectives_broken": broken}


def warm_up() -> Prediction:
    """Load the compiled loops of the simulation, for which the first simulated queue would wait."""
    shortest = replace(SOON, shortest=1_000, seconds=0.01)
    # Of skewed services on two slots no formula is known.
    return predict(Workload(Poisson(1.0), Lognormal(-0.5, 1.0)), Fleet(2), ("mean_wait",), shortest)


def slots_needed_soon(queue: AskedQueue) -> int | None:
    """The fewest slots that meet the objectives; None where none do."""
    plan = size(queue.question.workload, read_objective(queue.objective), queue.question.fleet, SOON)
    return plan.slots_needed if plan else None


def goal(queue: AskedQueue) -> tuple[str, float | None]:
    """The figure that is drawn and its bound in seconds: the first bound on a wait, else the p95 wait without one."""
    for bound in read_objective(queue.objective).bounds:
        name = read_name(bound.figure)
        if name.subject == "wait" and name.statistic in ("mean", "quantile"):
            return bound.figure, bound.value
    return "p95_wait", None


def slots_to_draw(queues: Sequence[AskedQueue]) -> list[int]:
    """From just too few to beyond what the queues have, closer where waits bend; what they have is among them."""
    given = [queue.question.fleet.slots for queue in queues]
    loads = [queue.question.workload.offered_load for queue in queues]
    fewest = max(1, min(int(min(loads)), *given))
    last = max(2 * max(int(max(loads)) + 1, 2), *(slots + max(2, slots // 4) for slots in given))
    return sorted({*np.geomspace(fewest, last, POINTS).round().astype(int).tolist(), *given})


def wait_by_slots(queue: AskedQueue, figure: str, counts: Sequence[int]) -> pd.DataFrame:
    """Columns slots, seconds, half_width; seconds are NaN where the queue has no steady state."""
    return pd.DataFrame([_point(queue, figure, slots) for slots in counts])


def _point(queue: AskedQueue, figure: str, slots: int) -> Mapping[str, float]:
    workload, fleet = queue.question.workload, queue.question.fleet
    places = max(fleet.places, slots) if fleet.places else None
    found = predict(workload, replace(fleet, slots=slots, places=places), (figure,), CHART)
    if not found.stable:
        return {"slots": slots, "seconds": np.nan, "half_width": np.nan}
    known = found.figures[figure]
    return {"slots": slots, "seconds": known.value, "half_width": known.half_width}
