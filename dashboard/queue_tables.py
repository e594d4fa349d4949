"""This file knows the tables of one queue: times by bucket, job types, and what other slots would do."""

import math

import numpy as np
import pandas as pd

from dashboard.capacity import QueueCapacity
from dashboard.page import Page
from dashboard.queue_now import QueueNow
from exporter import catalogue as c
from exporter.metric import Metric

MOST_COLUMNS = 80


def heat(page: Page, metric: Metric) -> tuple[pd.DataFrame, list[str]]:
    """`time`, `until`, `edge`, `count` for each bucket that holds any, and the edges from low to high."""
    buckets = page.source.increase(metric, ("le",), page.span, page.where, "bucket")
    counts = buckets.set_axis([float(edge) for (edge,) in buckets.columns], axis=1).sort_index(axis=1)
    each = counts.diff(axis=1)
    if len(counts.columns):
        each.iloc[:, 0] = counts.iloc[:, 0]
    each = _coarser(each, page.span.step_seconds)
    step = each.index[1] - each.index[0] if len(each) > 1 else pd.Timedelta(seconds=page.span.step_seconds)
    edges = [_edge(edge) for edge in each.columns]
    table = (
        each.set_axis(edges, axis=1)
        .reset_index(names="until")
        .melt("until", var_name="edge", value_name="count")
    )
    table = table[table["count"] > 0.01]
    return table.assign(time=table["until"] - step)[["time", "until", "edge", "count"]], edges


def _coarser(each: pd.DataFrame, step_seconds: float) -> pd.DataFrame:
    """Few enough columns that a box can be seen."""
    times = math.ceil(len(each) / MOST_COLUMNS)
    if times <= 1:
        return each
    return each.resample(pd.Timedelta(seconds=step_seconds * times), closed="right", label="right").sum(
        min_count=1
    )


def _edge(edge: float) -> str:
    return "longer" if math.isinf(edge) else f"{edge:g}"


def job_types(page: Page) -> pd.DataFrame:
    """Attempts of the range by job type, the most first."""
    whole = page.span.whole()
    counts = page.source.increase(c.JOB_DURATION, ("job_type", "status"), whole, page.where, "count")
    seconds = page.source.increase(c.JOB_DURATION, ("job_type",), whole, page.where, "sum")
    rows = []
    for (name,) in seconds.columns:
        of = {status: float(counts[kind, status].iloc[0]) for kind, status in counts.columns if kind == name}
        attempts, ended = sum(of.values()), of.get("completed", 0.0) + of.get("failed", 0.0)
        if attempts > 0:
            mean = float(seconds[(name,)].iloc[0]) / attempts
            failed = of.get("failed", 0.0) / ended if ended else np.nan
            rows.append((name, round(attempts), mean, round(of.get("requeued", 0.0)), failed))
    table = pd.DataFrame(rows, columns=["Job type", "Attempts", "Mean (s)", "Went back", "Failed"])
    return table.sort_values("Attempts", ascending=False).round({"Mean (s)": 4})


def by_slots(now: QueueNow, one: QueueCapacity) -> pd.DataFrame | None:
    """Use and drain time at half to four times the slots; None where work or slots are not known."""
    busy, mean, slots = now.busy_slots, now.attempt_mean_seconds, one.slots.count
    if not busy or not mean or slots is None:
        return None
    counts = sorted({max(1, round(slots * times)) for times in (0.5, 0.75, 1, 1.5, 2, 3, 4)})
    rows = [(count, busy / count, _drain(now.ready or 0.0, count, busy, mean)) for count in counts]
    return pd.DataFrame(rows, columns=["Slots", "Used", "Backlog drained in (s)"])


def _drain(ready: float, slots: int, busy: float, mean_seconds: float) -> float | None:
    """While work arrives as now; None when the backlog would never go."""
    if ready == 0:
        return 0.0
    free = slots - busy
    return round(ready * mean_seconds / free, 1) if free > 0 else None
