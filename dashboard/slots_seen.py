"""This file knows the slots that a history shows: active jobs while every worker was saturated, a lower bound."""

import numpy as np
import pandas as pd

from dashboard.page import queue_name
from dashboard.queues_now import QUEUE
from dashboard.sources.asking import at_once
from dashboard.sources.source import Source, Span, Where
from exporter import catalogue as c
from planner.fit.observed import Crowded, Observed
from planner.fit.slots import Slots, slots_of


def slots_seen(source: Source, span: Span, where: Where | None = None) -> dict[str, Slots]:
    """By queue; a queue that was never seen saturated is unknown. Raises SourceError."""
    active, workers, saturated = (
        _columns(answer)
        for answer in at_once(
            lambda: source.gauge(c.SIZE, QUEUE, span, {"state": "active", **(where or {})}),
            lambda: source.gauge(c.WORKERS, QUEUE, span, where),
            lambda: source.gauge(c.WORKERS_SATURATED, QUEUE, span, where),
        )
    )
    found = {}
    for key, jobs in active.items():
        moments: tuple[Crowded, ...] = ()
        if key in workers and key in saturated:
            full = (workers[key] > 0) & (saturated[key] >= workers[key]) & (jobs > 0)
            moments = tuple(map(Crowded, jobs[full].tolist(), workers[key][full].tolist()))
        prefix, queue = key
        seen = Observed(prefix, queue, "gauges", span.start_seconds, span.seconds, crowded=moments)
        found[queue_name(prefix, queue)] = slots_of(seen)
    return found


def _columns(answer: pd.DataFrame) -> dict[tuple[str, str], np.ndarray]:
    """Each queue's figures; a column of pandas for each of a thousand queues would take a second."""
    return dict(zip(answer.columns, answer.to_numpy(dtype=float).T, strict=True))
