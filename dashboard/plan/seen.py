"""This file knows how a source's figures become what the planner fits workloads to: one observation a queue."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from dashboard.page import queue_name
from dashboard.queues_now import QUEUE
from dashboard.sources.asking import at_once
from dashboard.sources.source import Source, Span, Where
from exporter import catalogue as c
from exporter.catalogue import Metric
from planner.fit.counters import READY_STATES, Counted, Gauges, Labels, arrived_in_steps, observe
from planner.fit.observed import Observed, Steps
from planner.laws.named import Vector

Key = tuple[str, str]
Grown = Mapping[tuple[str, Labels], float]
Columns = Mapping[Any, Vector]

# Each counter that a fit reads, the part of a histogram, and the one label that tells something; the most work first.
_COUNTERS: tuple[tuple[Metric, str, str], ...] = (
    (c.JOB_DURATION, "bucket", "le"),
    (c.ADDED, "", ""),
    (c.ARRIVAL_SQUARE, "", ""),
    (c.JOB_DURATION_SQUARE, "", ""),
    (c.EVENTS_LOST, "", ""),
    (c.EVENTS_GAPS, "", ""),
    (c.PROCESSED, "", "status"),
    (c.REQUEUED, "", "reason"),
    (c.JOB_WAIT, "count", ""),
    (c.JOB_DURATION, "count", ""),
    (c.JOB_DURATION, "sum", ""),
)
_STATES = (*READY_STATES, "active")
_PLAIN = (c.ACTIVE_UNLOCKED, c.WORKERS, c.WORKERS_SATURATED)
_STARTS: tuple[str, Labels] = (f"{c.JOB_WAIT.name}_count", ())
_SQUARES: tuple[str, Labels] = (c.ARRIVAL_SQUARE.name, ())


def seen(source: Source, span: Span, where: Where | None = None) -> dict[str, Observed]:
    """Every queue of the source over the span, by its name here. Raises SourceError."""
    asked = _Asked(source, span, where or {})
    frames = at_once(
        *(partial(asked.total, *counter) for counter in _COUNTERS),
        lambda: asked.gauge(c.SIZE, "state", {"state": _STATES}),
        lambda: asked.steps(c.JOB_WAIT, "count"),
        lambda: asked.steps(c.ARRIVAL_SQUARE),
        *(partial(asked.gauge, metric) for metric in _PLAIN),
    )
    grown = _grown(frames[: len(_COUNTERS)])
    sizes, started, squares, *plain = frames[len(_COUNTERS) :]
    named = {metric.name: _columns(frame) for metric, frame in zip(_PLAIN, plain, strict=True)}
    gauges, squared = _AllGauges(len(sizes), _columns(sizes), named), _columns(squares)
    return {
        queue_name(*key): observe(
            _counted(key, span, starts, squared.get(key), grown.get(key, {}), gauges.of(key))
        )
        for key, starts in _columns(started).items()
        if np.isfinite(starts).any()
    }


class _Asked:
    def __init__(self, source: Source, span: Span, where: Where) -> None:
        self._source, self._where = source, where
        self.span = span

    def steps(self, metric: Metric, part: str = "") -> pd.DataFrame:
        return self._source.increase(metric, QUEUE, self.span, self._where, part)

    def gauge(self, metric: Metric, label: str = "", where: Where | None = None) -> pd.DataFrame:
        """At the begin of the span and at the end of each step."""
        span = self.span
        ends = Span(
            span.end_seconds - (span.steps + 1) * span.step_seconds, span.end_seconds, span.step_seconds
        )
        by = (*QUEUE, label) if label else QUEUE
        return self._source.gauge(metric, by, ends, {**self._where, **(where or {})})

    def total(self, metric: Metric, part: str, label: str) -> pd.DataFrame:
        """How much a counter grew over the whole span."""
        by = (*QUEUE, label) if label else QUEUE
        return self._source.increase(metric, by, self.span.whole(), self._where, part)


def _grown(totals: Sequence[pd.DataFrame]) -> dict[Key, dict[tuple[str, Labels], float]]:
    """The totals of each counter by queue."""
    found: dict[Key, dict[tuple[str, Labels], float]] = {}
    for (metric, part, label), frame in zip(_COUNTERS, totals, strict=True):
        sample = f"{metric.name}_{part}" if part else metric.name
        for labels, value in frame.iloc[-1].items() if len(frame) else ():
            if not math.isnan(value):
                prefix, queue, *inner = labels
                own = ((label, inner[0]),) if inner else ()
                found.setdefault((prefix, queue), {})[sample, own] = float(value)
    return found


@dataclass(frozen=True, slots=True, eq=False)
class _AllGauges:
    """Gauges of all queues; that of sizes by state as well."""

    moments: int
    sizes: Columns
    plain: Mapping[str, Columns]

    def of(self, key: Key) -> Gauges:
        absent = np.full(self.moments, np.nan)
        states = {state: self.sizes.get((*key, state), absent) for state in _STATES}
        ready = sum((states[state] for state in READY_STATES), np.zeros(self.moments))
        plain = (self.plain[metric.name].get(key, absent) for metric in _PLAIN)
        return Gauges(np.asarray(ready), states["active"], *plain)


def _columns(frame: pd.DataFrame) -> Columns:
    """As arrays: a look-up in pandas for each figure of a thousand queues takes a second."""
    return dict(zip(frame.columns, frame.to_numpy(dtype=float).T, strict=True))


def _counted(
    key: Key, span: Span, starts: Vector, own: Vector | None, grown: Grown, gauges: Gauges
) -> Counted:
    """As the planner counts what a Prometheus holds; a step of which nothing is known is no quiet one."""
    begin = span.end_seconds - span.steps * span.step_seconds
    known = np.isfinite(starts)
    counts = arrived_in_steps(starts, gauges.ready)
    # Steps, of each of which the copy that saw most counts, add up to more than one saw; totals hold unknown steps too.
    in_steps = {_STARTS: starts} if own is None else {_STARTS: starts, _SQUARES: own}
    least = {
        name: min(float(np.nansum(each[known])), grown.get(name, np.inf)) for name, each in in_steps.items()
    }
    return Counted(
        whose=((), *key),
        source="prometheus",
        start=begin,
        seconds=float(known.sum()) * span.step_seconds,
        grown={**grown, **least},
        steps=Steps(begin, span.step_seconds, counts, own),
        gauges=gauges,
        doubts=_doubts(known, span),
    )


def _doubts(known: np.ndarray, span: Span) -> list[str]:
    missing = int((~known).sum())
    return (
        [f"nothing is known of {missing:,} of {len(known):,} steps of {span.step_seconds:g} s"]
        if missing
        else []
    )
