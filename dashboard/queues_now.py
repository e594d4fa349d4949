"""This file knows how a source is asked for all queues as they are now: a dozen questions, whatever their number."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import pandas as pd

from dashboard.page import queue_name
from dashboard.queue_now import QueueNow
from dashboard.sources.asking import at_once
from dashboard.sources.source import Source, Span, Where
from exporter import catalogue as c
from exporter.catalogue import Metric
from planner.fit.counters import READY_STATES

QUEUE = ("prefix", "queue")
Key = tuple[str, str]
Answer = Mapping[Key, Mapping[str, float]]
LEAST_SECONDS = 30.0
"""A history younger than this says nothing of rates."""
_NOW_SECONDS = 15.0
_GRAINS = 180


def queues_now(source: Source, recent: Span, where: Where | None = None) -> list[QueueNow]:
    """Every queue that has a size now. Raises SourceError."""
    asked = _Asked(source, recent, where or {})
    waits, states, ended, back, added, wait_sum, attempts, attempt_sum, *now = at_once(
        lambda: asked.increase(c.JOB_WAIT, "le", part="bucket"),  # first, for it takes longest
        lambda: asked.gauge(c.SIZE, "state"),
        lambda: asked.increase(c.PROCESSED, "status"),
        lambda: asked.increase(c.REQUEUED, "reason"),
        lambda: asked.increase(c.ADDED),
        lambda: asked.increase(c.JOB_WAIT, part="sum"),
        lambda: asked.increase(c.JOB_DURATION, part="count"),
        lambda: asked.increase(c.JOB_DURATION, part="sum"),
        *(partial(asked.gauge, metric) for metric in _GAUGES),
    )
    gauges = {metric.name: one for metric, one in zip(_GAUGES, now, strict=True)}
    found = _Found(ended, back, waits, added, wait_sum, attempts, attempt_sum, gauges)
    return [_queue(key, states[key], found, asked) for key in states]


_GAUGES = (
    c.OLDEST_WAITING,
    c.WORKERS,
    c.WORKERS_SATURATED,
    c.PAUSED,
    c.RATE_LIMITED,
    c.CONCURRENCY_LIMIT,
    c.RATE_LIMIT_JOBS,
    c.RATE_LIMIT_WINDOW,
)


@dataclass(frozen=True, slots=True)
class _Found:
    """The answers, each by queue and by one further label."""

    ended: Answer
    back: Answer
    waits: Answer
    added: Answer
    wait_sum: Answer
    attempts: Answer
    attempt_sum: Answer
    now: Mapping[str, Answer]

    def of_now(self, metric: Metric, key: Key) -> float | None:
        return _of(self.now[metric.name], key)


def _queue(key: Key, states: dict[str, float], found: _Found, asked: "_Asked") -> QueueNow:
    oldest = found.of_now(c.OLDEST_WAITING, key)
    if not any(states.get(state) for state in (*READY_STATES, "delayed")):
        # A gauge that has gone is gone at once where Prometheus scraped it; stored otherwise it stays for five minutes.
        # What is delayed may be overdue, and waits then.
        oldest = None
    limit, window = found.of_now(c.RATE_LIMIT_JOBS, key), found.of_now(c.RATE_LIMIT_WINDOW, key)
    return QueueNow(
        name=queue_name(*key),
        seconds=asked.seconds,
        states=states,
        completed=_of(found.ended, key, "completed"),
        failed=_of(found.ended, key, "failed"),
        added=_of(found.added, key),
        retried=_total(found.back, key, "delayed", "waiting"),
        stalled=_total(found.back, key, "stalled"),
        waits={float(edge): count for edge, count in found.waits.get(key, {}).items()},
        wait_sum_seconds=_of(found.wait_sum, key),
        attempts=_of(found.attempts, key),
        attempt_sum_seconds=_of(found.attempt_sum, key),
        oldest_waiting_seconds=None if oldest is None else max(0.0, asked.moment - oldest),
        workers=found.of_now(c.WORKERS, key),
        saturated=found.of_now(c.WORKERS_SATURATED, key),
        paused=found.of_now(c.PAUSED, key) == 1.0,
        limited=found.of_now(c.RATE_LIMITED, key) == 1.0,
        concurrency_limit=found.of_now(c.CONCURRENCY_LIMIT, key),
        rate_limit_per_second=limit / window if limit is not None and window else None,
    )


class _Asked:
    """One source over one stretch of time; answers are by queue and, within it, by a further label."""

    def __init__(self, source: Source, recent: Span, where: Where) -> None:
        self._source, self._recent, self._where = source, recent, where
        self.seconds = covered_seconds(source, recent)
        self.moment = recent.end_seconds
        self._now = Span(recent.end_seconds - _NOW_SECONDS, recent.end_seconds, _NOW_SECONDS)

    def gauge(self, metric: Metric, label: str = "") -> dict[Key, dict[str, float]]:
        return _by_queue(self._source.gauge(metric, self._by(label), self._now, self._where))

    def increase(self, metric: Metric, label: str = "", part: str = "") -> dict[Key, dict[str, float]]:
        if self.seconds < LEAST_SECONDS:
            return {}
        whole = self._recent.whole()
        return _by_queue(self._source.increase(metric, self._by(label), whole, self._where, part))

    def _by(self, label: str) -> tuple[str, ...]:
        return (*QUEUE, label) if label else QUEUE


def covered_seconds(source: Source, span: Span) -> float:
    """How much of the end of a span is known: less than all of it when the history is younger, 0 of nothing."""
    grain = span.seconds / _GRAINS
    seen = source.gauge(c.REDIS_UP, (), Span(span.end_seconds - span.seconds, span.end_seconds, grain))
    if not len(seen.columns):
        return 0.0
    known = int(seen.notna().any(axis=1).to_numpy().argmax())
    # The first look lies somewhere within the first grain that is known.
    return span.seconds - (known + 0.5) * grain if known else span.seconds


def _by_queue(answer: pd.DataFrame) -> dict[Key, dict[str, float]]:
    found: dict[Key, dict[str, float]] = {}
    for labels, value in answer.iloc[-1].items() if len(answer) else ():
        if not math.isnan(value):
            prefix, queue, *inner = labels
            found.setdefault((prefix, queue), {})[inner[0] if inner else ""] = float(value)
    return found


def _of(found: Answer, key: Key, label: str = "") -> float | None:
    return found.get(key, {}).get(label)


def _total(found: Answer, key: Key, *labels: str) -> float | None:
    values = [value for label in labels if (value := _of(found, key, label)) is not None]
    return sum(values) if values else None
