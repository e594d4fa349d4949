"""This file knows the slots that a history shows: active jobs while every worker was saturated, a lower bound."""

from dashboard.page import queue_name
from dashboard.queues_now import QUEUE
from dashboard.sources import Source, Span, Where
from exporter import catalogue as c
from planner.fit_slots import Slots, slots_of
from planner.observed import Crowded, Observed


def slots_seen(source: Source, span: Span, where: Where | None = None) -> dict[str, Slots]:
    """By queue; a queue that was never seen saturated is unknown. Raises SourceError."""
    active = source.gauge(c.SIZE, QUEUE, span, {"state": "active", **(where or {})})
    workers = source.gauge(c.WORKERS, QUEUE, span, where)
    saturated = source.gauge(c.WORKERS_SATURATED, QUEUE, span, where)
    found = {}
    for key in active.columns:
        moments: list[Crowded] = []
        if key in workers.columns and key in saturated.columns:
            full = (workers[key] > 0) & (saturated[key] >= workers[key]) & (active[key] > 0)
            pairs = zip(active[key][full], workers[key][full], strict=True)
            moments = [Crowded(float(jobs), float(count)) for jobs, count in pairs]
        prefix, queue = key
        seen = Observed(prefix, queue, "gauges", span.start_seconds, span.seconds, crowded=tuple(moments))
        found[queue_name(prefix, queue)] = slots_of(seen)
    return found
