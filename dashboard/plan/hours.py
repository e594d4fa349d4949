"""This file knows how a source's figures become jobs by the hour, as the planner's forecast wants its history."""

import math
from functools import partial

import numpy as np
import pandas as pd

from dashboard.page import queue_name
from dashboard.queues_now import QUEUE
from dashboard.sources.asking import at_once
from dashboard.sources.source import Source, Span, Where
from exporter.catalogue import JOB_WAIT, REDIS_UP
from planner.forecast.counts import trimmed
from planner.forecast.hours import HOUR, WEEK_HOURS, Hourly

WEEKS_BACK = 8
"""The planner's profile looks back as far."""
_GRAIN_SECONDS = 600.0
PART_SECONDS = 24 * HOUR
"""Of a thousand queues eight weeks in one question took longer than sources may."""
_LEAST_SHARE = 0.5
"""An hour of which less was scraped is unknown, not quiet: as the planner's command takes it."""


def hours(
    source: Source, now_seconds: float, where: Where | None = None, weeks: int = WEEKS_BACK
) -> dict[str, Hourly]:
    """First starts by the hour of every queue, by its name here. Raises SourceError."""
    end = math.floor(now_seconds / HOUR) * HOUR
    span = Span(end - weeks * WEEK_HOURS * HOUR, end, HOUR)
    source.least_step_seconds(span.end_seconds)  # how far samples lie apart is that of now, not of weeks ago
    pieces = at_once(
        *(partial(source.increase, JOB_WAIT, QUEUE, one, where, "count") for one in _parts(span))
    )
    counts = pd.concat([piece for piece in pieces if len(piece.columns)] or pieces[:1]).reindex(span.times)
    counts[~_covered(source, span).reindex(counts.index, fill_value=False).to_numpy()] = np.nan
    data = counts.to_numpy(dtype=float).T
    found = {queue_name(*key): _hourly(each, span) for key, each in zip(counts.columns, data, strict=True)}
    return {name: history for name, history in found.items() if len(history)}


def _parts(span: Span) -> list[Span]:
    """Whole days, as a source keeps them: an hour later the last is new, and no question takes too long."""
    first, last = (math.floor(moment / PART_SECONDS) for moment in (span.start_seconds, span.end_seconds))
    ends = [*(PART_SECONDS * number for number in range(first + 1, last + 1))]
    parts = [Span(end - PART_SECONDS, end, HOUR) for end in ends]
    rest = span.end_seconds - PART_SECONDS * last
    return [*parts, Span(PART_SECONDS * last, span.end_seconds, HOUR)] if rest else parts


def _covered(source: Source, span: Span) -> "pd.Series[bool]":
    """Whether enough of each hour was seen."""
    fine = Span(span.start_seconds, span.end_seconds, _GRAIN_SECONDS)
    known = source.gauge(REDIS_UP, (), fine).notna().any(axis=1)
    share = known.groupby(known.index.ceil("h")).mean()
    return share >= _LEAST_SHARE


def _hourly(counts: np.ndarray, span: Span) -> Hourly:
    """Hours from the first known one on; a sample stands for the hour that ends with it."""
    begin = span.end_seconds - span.steps * span.step_seconds
    return trimmed(Hourly(begin, np.ascontiguousarray(counts)))
