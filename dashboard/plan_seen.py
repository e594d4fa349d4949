"""This file knows how a source's figures become what the planner fits workloads to: one observation a queue."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from dashboard.page import queue_name
from dashboard.queues_now import QUEUE, covered_seconds
from dashboard.sources import Source, Span, Where
from exporter import catalogue as c
from exporter.catalogue import Metric
from planner.observed import Buckets, Crowded, Observed, Payload, Steps, Sums

Key = tuple[str, str]
_ABSENT = {
    "arrivals": f"the source has no {c.ADDED.name}",
    "service": f"no attempt ended in this range ({c.JOB_DURATION.name})",
    "intervals": f"the source has no {c.ARRIVAL_SQUARE.name}",
    "failed": f"no job ended in this range ({c.PROCESSED.name})",
    "requeued": f"the source has no {c.REQUEUED.name}",
    "payload": f"no size was sampled ({c.PAYLOAD.name})",
}


def seen(source: Source, span: Span, where: Where | None = None) -> dict[str, Observed]:
    """Every queue of the source over the span, by its name here. Raises SourceError."""
    seconds = covered_seconds(source, span)
    asked = _Asked(source, span, where or {})
    arrivals = asked.steps(c.ADDED)
    if not len(arrivals.columns) or seconds <= 0:
        return {}
    found = _Found(
        seconds=seconds,
        arrivals=arrivals,
        gauges={metric.name: asked.gauge(metric) for metric in (c.WORKERS, c.WORKERS_SATURATED)},
        active=asked.gauge(c.SIZE, {"state": "active"}),
        sums={name: asked.total(metric, part) for name, (metric, part) in _SUMS.items()},
        by_label={metric.name: asked.by_label(metric, label) for metric, label in _BY_LABEL},
        buckets={
            metric.name: asked.by_label(metric, "le", "bucket") for metric in (c.JOB_WAIT, c.JOB_DURATION)
        },
    )
    return {queue_name(*key): _observed(key, span, found) for key in found.keys}


_SUMS: Mapping[str, tuple[Metric, str]] = {
    "added": (c.ADDED, ""),
    "interval_squares": (c.ARRIVAL_SQUARE, ""),
    "attempts": (c.JOB_DURATION, "count"),
    "working": (c.JOB_DURATION, "sum"),
    "working_squares": (c.JOB_DURATION_SQUARE, ""),
    "payloads": (c.PAYLOAD, "count"),
    "payload_bytes": (c.PAYLOAD, "sum"),
    "lost": (c.EVENTS_LOST, ""),
}
_BY_LABEL = ((c.PROCESSED, "status"), (c.REQUEUED, "reason"))


@dataclass(frozen=True, slots=True)
class _Found:
    """The answers of a source, each by queue."""

    seconds: float
    arrivals: pd.DataFrame
    gauges: Mapping[str, pd.DataFrame]
    active: pd.DataFrame
    sums: Mapping[str, Mapping[Key, float]]
    by_label: Mapping[str, Mapping[Key, Mapping[str, float]]]
    buckets: Mapping[str, Mapping[Key, Mapping[str, float]]] = field(default_factory=dict)

    @property
    def keys(self) -> list[Key]:
        return [(prefix, queue) for prefix, queue in self.arrivals.columns]

    def sum(self, name: str, key: Key) -> float | None:
        return self.sums[name].get(key)


class _Asked:
    def __init__(self, source: Source, span: Span, where: Where) -> None:
        self._source, self._span, self._where = source, span, where

    def steps(self, metric: Metric) -> pd.DataFrame:
        return self._source.increase(metric, QUEUE, self._span, self._where)

    def gauge(self, metric: Metric, where: Where | None = None) -> pd.DataFrame:
        return self._source.gauge(metric, QUEUE, self._span, {**self._where, **(where or {})})

    def total(self, metric: Metric, part: str) -> dict[Key, float]:
        return {key: inner[""] for key, inner in self.by_label(metric, "", part).items()}

    def by_label(self, metric: Metric, label: str, part: str = "") -> dict[Key, dict[str, float]]:
        by = (*QUEUE, label) if label else QUEUE
        frame = self._source.increase(metric, by, self._span.whole(), self._where, part)
        found: dict[Key, dict[str, float]] = {}
        for labels, value in frame.iloc[-1].items() if len(frame) else ():
            if not math.isnan(value):
                prefix, queue, *inner = labels
                found.setdefault((prefix, queue), {})[inner[0] if inner else ""] = float(value)
        return found


def _observed(key: Key, span: Span, found: _Found) -> Observed:
    processed = found.by_label[c.PROCESSED.name].get(key)
    requeued = found.by_label[c.REQUEUED.name].get(key)
    workers = _series(found.gauges[c.WORKERS.name], key)
    saturated = _series(found.gauges[c.WORKERS_SATURATED.name], key)
    active = _series(found.active, key)
    added = found.sum("added", key)
    payloads = found.sum("payloads", key)
    return Observed(
        prefix=key[0],
        queue=key[1],
        source="exporter",
        start=span.end_seconds - found.seconds,
        seconds=found.seconds,
        arrivals=added,
        steps=_steps(span, found.arrivals[key]),
        intervals=_sums(added, found.seconds, found.sum("interval_squares", key)),
        service=_sums(
            found.sum("attempts", key), found.sum("working", key), found.sum("working_squares", key)
        ),
        durations=_buckets(found.buckets[c.JOB_DURATION.name].get(key)),
        waits=_buckets(found.buckets[c.JOB_WAIT.name].get(key)),
        completed=None if processed is None else processed.get("completed", 0.0),
        failed=None if processed is None else processed.get("failed", 0.0),
        requeued=requeued,
        workers=_mean(workers),
        saturated=_mean(saturated),
        active=_mean(active),
        active_most=None if active.dropna().empty else float(active.max()),
        crowded=tuple(_crowded(active, workers, saturated)),
        payload=Payload(payloads, found.sum("payload_bytes", key) or 0.0) if payloads else None,
        lost=found.sum("lost", key),
        absent=_ABSENT,
    )


def _series(frame: pd.DataFrame, key: Key) -> "pd.Series[float]":
    return frame[key] if key in frame.columns else pd.Series(np.nan, frame.index, dtype=float)


def _steps(span: Span, counts: "pd.Series[float]") -> Steps:
    start = span.end_seconds - span.steps * span.step_seconds
    return Steps(start, span.step_seconds, counts.to_numpy(dtype=float))


def _sums(count: float | None, seconds: float | None, squares: float | None) -> Sums | None:
    return None if count is None or seconds is None else Sums(count, seconds, squares)


def _buckets(cumulative: Mapping[str, float] | None) -> Buckets | None:
    if not cumulative:
        return None
    edges = sorted((float(edge), count) for edge, count in cumulative.items())
    counts = np.diff([0.0, *(count for _, count in edges)])
    return Buckets(tuple(edge for edge, _ in edges), tuple(float(max(count, 0.0)) for count in counts))


def _mean(values: "pd.Series[float]") -> float | None:
    known = values.dropna()
    return None if known.empty else float(known.mean())


def _crowded(
    active: "pd.Series[float]", workers: "pd.Series[float]", saturated: "pd.Series[float]"
) -> Sequence[Crowded]:
    full = (saturated >= workers) & (workers > 0) & active.notna()
    return [Crowded(float(active[at]), float(workers[at])) for at in active.index[full]]
