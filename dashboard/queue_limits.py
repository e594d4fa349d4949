"""This file knows the limits, schedulers and payloads of one queue, each with its value and where it comes from."""

from collections.abc import Iterator

import pandas as pd

from dashboard import amounts
from dashboard.page import Page
from dashboard.sources.histogram import quantile
from dashboard.sources.source import Span
from exporter import catalogue as c
from exporter.catalogue import Metric

Row = tuple[str, str, str]
NONE = "none"


def limits(page: Page) -> Iterator[Row]:
    """A limit that is absent is none in Redis; a worker may have one of its own."""
    most = _now(page, c.CONCURRENCY_LIMIT)
    yield "global concurrency", NONE if most is None else amounts.jobs(most), c.CONCURRENCY_LIMIT.name
    jobs, window = _now(page, c.RATE_LIMIT_JOBS), _now(page, c.RATE_LIMIT_WINDOW)
    rate = NONE if jobs is None or window is None else f"{amounts.jobs(jobs)} in {amounts.seconds(window)}"
    yield "global rate limit", rate, c.RATE_LIMIT_JOBS.name
    yield "rate-limited now", _yes(_now(page, c.RATE_LIMITED)), c.RATE_LIMITED.name
    yield "paused", _yes(_now(page, c.PAUSED)), c.PAUSED.name
    yield "active without a lock", amounts.jobs(_now(page, c.ACTIVE_UNLOCKED)), c.ACTIVE_UNLOCKED.name
    yield "delayed and overdue", amounts.jobs(_now(page, c.DELAYED_OVERDUE)), c.DELAYED_OVERDUE.name


def schedulers(page: Page) -> Iterator[Row]:
    yield "schedulers", amounts.jobs(_now(page, c.SCHEDULERS)), c.SCHEDULERS.name
    yield "stopped ones", amounts.jobs(_now(page, c.SCHEDULERS_OVERDUE)), c.SCHEDULERS_OVERDUE.name
    following = _now(page, c.SCHEDULER_NEXT_RUN)
    due = None if following is None else following - page.recent.end_seconds
    text = amounts.NOTHING if due is None else f"in {amounts.seconds(due)}" if due > 0 else "due"
    yield "next run", text, c.SCHEDULER_NEXT_RUN.name


def payloads(page: Page) -> Iterator[Row]:
    """Of a sample of the jobs that arrived in the range."""
    whole = page.span.whole()
    buckets = page.source.increase(c.PAYLOAD, ("le",), whole, page.where, "bucket")
    counts = {float(edge): float(buckets[(edge,)].iloc[0]) for (edge,) in buckets.columns}
    total = _first(page.source.increase(c.PAYLOAD, (), whole, page.where, "sum"))
    count = counts.get(float("inf"), 0.0)
    mean = total / count if total is not None and count else None
    yield "payload, mean", amounts.size(mean), c.PAYLOAD.name
    yield "payload, 95th percentile", amounts.size(quantile(0.95, counts)), c.PAYLOAD.name


def _now(page: Page, metric: Metric) -> float | None:
    end = page.recent.end_seconds
    return _first(page.source.gauge(metric, (), Span(end - 15, end, 15), page.where))


def _first(answer: pd.DataFrame) -> float | None:
    if not len(answer.columns) or answer.iloc[-1].isna().all():
        return None
    return float(answer.iloc[-1, 0])


def _yes(value: float | None) -> str:
    return amounts.NOTHING if value is None else "yes" if value else "no"
