"""This file knows how a source's figures become jobs by the hour, as the planner's forecast wants its history."""

import math

import numpy as np
import pandas as pd

from dashboard.page import queue_name
from dashboard.queues_now import QUEUE
from dashboard.sources import Source, Span, Where
from exporter.catalogue import JOB_WAIT, REDIS_UP
from planner.forecast_hours import HOUR, WEEK_HOURS, Hourly
from planner.history_counts import trimmed

WEEKS_BACK = 8
"""The planner's profile looks back as far."""
_GRAIN_SECONDS = 600.0
_LEAST_SHARE = 0.5
"""An hour of which less was scraped is unknown, not quiet: as the planner's command takes it."""


def hours(
    source: Source, now_seconds: float, where: Where | None = None, weeks: int = WEEKS_BACK
) -> dict[str, Hourly]:
    """First starts by the hour of every queue, by its name here. Raises SourceError."""
    end = math.floor(now_seconds / HOUR) * HOUR
    span = Span(end - weeks * WEEK_HOURS * HOUR, end, HOUR)
    counts = source.increase(JOB_WAIT, QUEUE, span, where, "count")
    counts = counts[_covered(source, span).reindex(counts.index, fill_value=False).to_numpy()].reindex(
        span.times
    )
    found = {queue_name(*key): _hourly(counts[key], span) for key in counts.columns}
    return {name: history for name, history in found.items() if len(history)}


def _covered(source: Source, span: Span) -> "pd.Series[bool]":
    """Whether enough of each hour was seen."""
    fine = Span(span.start_seconds, span.end_seconds, _GRAIN_SECONDS)
    known = source.gauge(REDIS_UP, (), fine).notna().any(axis=1)
    share = known.groupby(known.index.ceil("h")).mean()
    return share >= _LEAST_SHARE


def _hourly(counts: "pd.Series[float]", span: Span) -> Hourly:
    """Hours from the first known one on; a sample stands for the hour that ends with it."""
    begin = span.end_seconds - span.steps * span.step_seconds
    return trimmed(Hourly(begin, np.asarray(counts, dtype=float)))
