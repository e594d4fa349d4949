"""This file knows the cards at the top of the overview: capacity, headroom, growth, pace, waits, failures."""

import streamlit as st

from alerts.signals import LATENCY
from dashboard import amounts, parts, trends
from dashboard.overview import Overview
from dashboard.page import Page
from dashboard.scorecard import JOBS_PER_HOUR
from dashboard.sources.histogram import quantile
from exporter import catalogue as c


def show_cards(page: Page, seen: Overview) -> None:
    """Two rows of four; on a narrow screen one below the other."""
    lately = f"of the last {amounts.seconds(seen.seconds)}" if seen.seconds else "not known yet"
    first, second = st.columns(4), st.columns(4)
    with first[0]:
        _used(seen)
    with first[1]:
        _headroom(seen)
    with first[2]:
        _growth(seen)
    with first[3]:
        _pace(page, seen, lately)
    with second[0]:
        _wait(page, seen, lately)
    with second[1]:
        _work(seen, lately)
    with second[2]:
        _failures(seen, lately)
    with second[3]:
        _connections(seen)


def _used(seen: Overview) -> None:
    whole = seen.capacity
    bound = "at most " if whole.is_lower_bound and whole.used is not None else ""
    note = whole.why
    if whole.first is not None:
        slots = whole.first.slots
        least = "at least " if slots.kind == "lower bound" else ""
        said = f"{least}{amounts.counted(slots.count or 0, 'slot')}, {slots.why}"
        note = f"{whole.first.name} gives way first ({said})"
    parts.number(
        "Capacity used",
        f"{bound}{amounts.share(whole.used)}" if whole.used is not None else amounts.NOTHING,
        f"Attempts a second × their mean time ÷ slots, of the fullest queue. From the sum and count of "
        f"{c.JOB_DURATION.name}; slots from --config, else a lower bound, seen while every worker was saturated.",
        note,
    )


def _headroom(seen: Overview) -> None:
    whole = seen.capacity
    bound = "at least " if whole.is_lower_bound else ""
    value = whole.headroom_per_hour
    most = whole.sustainable_per_hour
    parts.number(
        "Headroom",
        amounts.NOTHING if value is None else f"{bound}{amounts.per_hour(value)}",
        "Jobs an hour that could come on top before the first queue is at its ceiling, all queues growing alike. Waits "
        "grow long before that: see What-if.",
        f"{bound}{amounts.per_hour(most)} sustainable by the mix of now" if most is not None else whole.why,
    )


def _growth(seen: Overview) -> None:
    used, grown = seen.capacity.used, seen.growth
    days = grown.days_until(1 / used) if used else None
    note = grown.why
    if grown.per_day:
        note = f"{amounts.share(grown.per_day)} more each day, over {grown.days} days"
    if not used and not note:
        note = seen.capacity.why
    parts.number(
        "Growth left",
        amounts.NOTHING if days is None else f"{amounts.jobs(days)} days",
        "Days until the headroom of now is used up, by a line through the logarithms of finished jobs a day, each "
        f"weekday at its own height ({c.PROCESSED.name}, up to 28 whole days).",
        note,
    )


def _pace(page: Page, seen: Overview, lately: str) -> None:
    pace = trends.pace(page.source, page.span)
    trend = pace["finished"].dropna() if "finished" in pace else None
    parts.number(
        "Finished",
        amounts.per_hour(seen.capacity.finished_per_hour),
        f"Completed and finally failed jobs of all queues, {lately}, as an hour's. From {c.PROCESSED.name}.",
        f"target {JOBS_PER_HOUR:,.0f} /h",
        list(trend) if trend is not None else None,
    )


def _wait(page: Page, seen: Overview, lately: str) -> None:
    warning = page.thresholds.default(LATENCY, "warning")
    parts.number(
        "Wait, 95th percentile",
        amounts.seconds(quantile(0.95, seen.waits)),
        f"From ready to first start, all queues together, {lately}. From the buckets of {c.JOB_WAIT.name}.",
        f"warning above {amounts.seconds(warning)}" if warning is not None else "",
    )


def _work(seen: Overview, lately: str) -> None:
    known = [queue.attempts for queue in seen.queues if queue.attempts is not None]
    attempts, total = sum(known), sum(queue.attempt_sum_seconds or 0.0 for queue in seen.queues)
    parts.number(
        "Processing, mean",
        amounts.seconds(total / attempts if attempts else None),
        f"Working time of all attempts, {lately}. From the sum and count of {c.JOB_DURATION.name}.",
        f"{amounts.jobs(attempts)} attempts {lately}" if known else "no attempt is counted yet",
    )


def _failures(seen: Overview, lately: str) -> None:
    budget = 1 - seen.claims.processed
    note = "no finished jobs in this range"
    if seen.processed_ratio is not None and budget:
        spent = amounts.times((1 - seen.processed_ratio) / budget)
        note = f"{spent} × the error budget of {amounts.share(budget)} over the range"
    parts.number(
        "Failures",
        amounts.share(seen.failure_ratio),
        f"Final failures over finished jobs, {lately}. From {c.PROCESSED.name}. The budget is what the promised share "
        "of processed jobs leaves.",
        note,
    )


def _connections(seen: Overview) -> None:
    low, high = seen.claims.pool_utilisation
    fullest = seen.fullest
    parts.number(
        "Connections",
        amounts.NOTHING if fullest is None else amounts.share(fullest[1]),
        "Open connections over their limit: of the fullest named pool, else of all clients over maxclients. From "
        f"{c.POOL_CONNECTIONS.name} and {c.CONNECTION_UTILIZATION.name}.",
        f"{fullest[0]}; band {low:.0%} to {high:.0%}, a ceiling" if fullest else "maxclients may not be read",
    )
