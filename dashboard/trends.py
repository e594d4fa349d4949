"""This file knows how figures went over a range: pace, waits, work, failures, connections, one column a line."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from dashboard.sources.asking import at_once
from dashboard.sources.histogram import quantiles
from dashboard.sources.source import Source, Span, Where
from exporter import catalogue as c
from exporter.catalogue import Metric

P95, MEAN = "95th percentile", "mean"
RATIOS = "A step tells of the jobs between its scrapes; those before a queue's first scrape are in none."
"""What an increase leaves out, of numerator and denominator alike."""
MEBIBYTE = 1024 * 1024


def pace(source: Source, span: Span, where: Where | None = None) -> pd.DataFrame:
    """Jobs an hour: finished, and added."""
    hours = span.step_seconds / 3600
    ended, added = at_once(
        lambda: source.increase(c.PROCESSED, ("status",), span, where),
        lambda: source.increase(c.ADDED, (), span, where),
    )
    return _whole_steps(_named({"finished": total(ended) / hours, "added": total(added) / hours}))


def _whole_steps(rates: pd.DataFrame) -> pd.DataFrame:
    """Without the step in which a history begins: what was counted in a part of it is no rate of the whole."""
    known = rates.notna().any(axis=1)
    if known.any() and not known.iloc[0]:
        rates.loc[known.idxmax()] = np.nan
    return rates


def waits(source: Source, span: Span, where: Where | None = None) -> pd.DataFrame:
    """Seconds from ready to first start."""
    return _times(source, c.JOB_WAIT, span, where or {})


def work(source: Source, span: Span, where: Where | None = None) -> pd.DataFrame:
    """Seconds that attempts took, however they ended."""
    return _times(source, c.JOB_DURATION, span, where or {})


def _times(source: Source, metric: Metric, span: Span, where: Where) -> pd.DataFrame:
    buckets, seconds, counts = at_once(
        lambda: source.mix(metric, ("le",), span, where, "bucket"),
        lambda: source.mix(metric, (), span, where, "sum"),
        lambda: source.mix(metric, (), span, where, "count"),
    )
    count = total(counts)
    mean = total(seconds) / count.where(count > 0)
    p95 = quantiles(0.95, buckets) if len(buckets.columns) else pd.Series(np.nan, buckets.index)
    return _named({P95: p95, MEAN: mean})


def failures(source: Source, span: Span, where: Where | None = None) -> pd.DataFrame:
    """Final failures over finished jobs in each step; nothing finished, nothing said."""
    ended = source.increase(c.PROCESSED, ("status",), span, where)
    finished = total(ended)
    failed = ended.get(("failed",), pd.Series(np.nan, ended.index))
    return _named({"failed": failed / finished.where(finished > 0)})


def went_back(source: Source, span: Span, where: Where | None = None) -> pd.DataFrame:
    """Final failures and attempts that went back, an hour; kinds that never happened are left out."""
    hours = span.step_seconds / 3600
    ended = source.increase(c.PROCESSED, ("status",), span, where)
    found = {"failed": ended[("failed",)] / hours} if ("failed",) in ended.columns else {}
    for (reason,), column in source.increase(c.REQUEUED, ("reason",), span, where).items():
        name = "stalled" if reason == "stalled" else f"back to {reason.replace('_', ' ')}"
        found[name] = column / hours
    return _whole_steps(_named({name: column for name, column in found.items() if (column > 0).any()}))


def states(source: Source, span: Span, where: Where | None = None, only: Sequence[str] = ()) -> pd.DataFrame:
    """Jobs in each state."""
    found = source.gauge(c.SIZE, ("state",), span, where)
    found = found.set_axis([state for (state,) in found.columns], axis=1)
    return found[[state for state in only if state in found]] if only else found


def connections(source: Source, span: Span) -> pd.DataFrame:
    """Shares in use: all clients of the most the server takes, and each named pool of its size."""
    whole, used, sizes = at_once(
        lambda: source.gauge(c.CONNECTION_UTILIZATION, (), span),
        lambda: source.gauge(c.POOL_CONNECTIONS, ("pool",), span, {"state": "open"}),
        lambda: source.gauge(c.POOL_SIZE, ("pool",), span),
    )
    found = {"all clients": total(whole)}
    for key in used.columns:
        if key in sizes.columns:
            found[f"pool {key[0]}"] = used[key] / sizes[key]
    return _named(found)


def roles(source: Source, span: Span) -> pd.DataFrame:
    """Connections of the server by role; roles that nobody has are left out."""
    found = source.gauge(c.CONNECTIONS, ("role",), span)
    found = found.set_axis([role for (role,) in found.columns], axis=1)
    return found.loc[:, (found > 0).any()]


def pools(source: Source, span: Span) -> pd.DataFrame:
    """Connections of each named pool: open, and recently used."""
    found = source.gauge(c.POOL_CONNECTIONS, ("pool", "state"), span)
    return found.set_axis([f"{pool}, {state}" for pool, state in found.columns], axis=1)


def memory(source: Source, span: Span) -> pd.DataFrame:
    """Mebibytes in use, and the limit where there is one."""
    used, most = source.gauge(c.MEMORY, (), span), source.gauge(c.MEMORY_MAX, (), span)
    return _named({"in use": total(used) / MEBIBYTE, "limit": total(most) / MEBIBYTE})


def round_trips(source: Source, span: Span) -> pd.DataFrame:
    """Milliseconds of one small command of the exporter."""
    return _times(source, c.ROUND_TRIP, span, {}) * 1000


def commands(source: Source, span: Span) -> pd.DataFrame:
    """Commands a second, all clients together."""
    return _named({"commands": total(source.increase(c.COMMANDS, (), span)) / span.step_seconds})


def refusals(source: Source, span: Span) -> pd.DataFrame:
    """Evicted keys and refused connections, in each step."""
    evicted, refused = (source.increase(metric, (), span) for metric in (c.EVICTED, c.REJECTED))
    return _named({"evicted keys": total(evicted), "refused connections": total(refused)})


def total(answer: pd.DataFrame) -> "pd.Series[float]":
    """All columns together; NaN where none is known."""
    return answer.sum(axis=1, min_count=1)


def _named(columns: dict[str, "pd.Series[float]"]) -> pd.DataFrame:
    """Columns that are known at some time."""
    return pd.DataFrame({name: column for name, column in columns.items() if column.notna().any()})
