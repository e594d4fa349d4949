"""This file knows two stretches of time, or two queues, side by side, and whether the report's claims hold."""

import math
from dataclasses import dataclass, replace
from typing import Literal

import pandas as pd

from dashboard import amounts, trends
from dashboard.queues_now import covered_seconds
from dashboard.scorecard import Verdict
from dashboard.sources.histogram import quantile
from dashboard.sources.source import Source, Span, Where
from exporter import catalogue as c
from planner.file.claims import ClaimsWords

BACKLOG_LESS = 0.6
REDIS_LESS = 0.4
Unit = Literal["jobs", "per hour", "seconds", "share", "bytes", "per job"]
WRITTEN = {
    "jobs": amounts.jobs,
    "per hour": amounts.per_hour,
    "seconds": amounts.seconds,
    "share": amounts.share,
    "bytes": amounts.size,
    "per job": amounts.jobs,
}


@dataclass(frozen=True, slots=True)
class Side:
    """What one stretch of time says of one queue, or of all. None is not known."""

    per_hour: float | None
    wait_mean_seconds: float | None
    wait_p95_seconds: float | None
    work_mean_seconds: float | None
    backlog: float | None
    failure_ratio: float | None
    redis_bytes: float | None
    commands_per_job: float | None
    covered_seconds: float


@dataclass(frozen=True, slots=True)
class Row:
    """One figure before and after, and the claim about it, where the report makes one."""

    figure: str
    unit: Unit
    before: float | None
    after: float | None
    claim: str = ""
    verdict: Verdict | None = None

    @property
    def change(self) -> float | None:
        """After over before, less one."""
        if self.before is None or self.after is None or not self.before:
            return None
        return self.after / self.before - 1

    @property
    def cells(self) -> tuple[str, str, str]:
        """Before, after and the change, as people write them."""
        write, change = WRITTEN[self.unit], self.change
        if change is None:
            return write(self.before), write(self.after), amounts.NOTHING
        sign = "+" if change > 0 else "−" if change < 0 else ""
        return write(self.before), write(self.after), f"{sign}{amounts.share(abs(change))}"


def side(source: Source, span: Span, where: Where) -> Side:
    """Raises SourceError."""
    whole, known = span.whole(), covered_seconds(source, span)
    ended = source.increase(c.PROCESSED, ("status",), whole, where)
    finished = _last(ended)
    failed = float(ended[("failed",)].iloc[-1]) if ("failed",) in ended.columns else 0.0
    # Redis counts the commands of all queues together.
    commands = None if where else _last(source.increase(c.COMMANDS, (), whole))
    ready = trends.states(source, span, where, ("waiting", "prioritized"))
    buckets = source.increase(c.JOB_WAIT, ("le",), whole, where, "bucket")
    waits = {float(edge): float(buckets[(edge,)].iloc[-1]) for (edge,) in buckets.columns}
    return Side(
        per_hour=finished / known * 3600 if finished is not None and known else None,
        wait_mean_seconds=_mean(source, whole, where, "wait"),
        wait_p95_seconds=quantile(0.95, waits),
        work_mean_seconds=_mean(source, whole, where, "work"),
        backlog=_average(ready.sum(axis=1, min_count=1)),
        failure_ratio=failed / finished if finished else None,
        redis_bytes=_average(trends.total(source.gauge(c.MEMORY, (), span))),
        commands_per_job=commands / finished if commands is not None and finished else None,
        covered_seconds=known,
    )


def _mean(source: Source, whole: Span, where: Where, of: str) -> float | None:
    metric = c.JOB_WAIT if of == "wait" else c.JOB_DURATION
    seconds, count = (_last(source.increase(metric, (), whole, where, part)) for part in ("sum", "count"))
    return seconds / count if seconds is not None and count else None


def _last(answer: pd.DataFrame) -> float | None:
    value = float(trends.total(answer).iloc[-1])
    return None if math.isnan(value) else value


def _average(series: "pd.Series[float]") -> float | None:
    value = float(series.mean())
    return None if math.isnan(value) else value


def compared(before: Side, after: Side, claims: ClaimsWords) -> tuple[Row, ...]:
    """All figures, those with a claim first."""
    low, high = claims.throughput_gain
    lost = 1 - claims.processed

    def of(figure: str, unit: Unit, name: str) -> Row:
        return Row(figure, unit, getattr(before, name), getattr(after, name))

    return (
        _times(of("throughput", "per hour", "per_hour"), f"{low:g} to {high:g} times", at_least=low),
        _below(of("mean wait", "seconds", "wait_mean_seconds"), claims.mean_latency),
        _times(of("backlog, mean", "jobs", "backlog"), "60 % less", at_most=1 - BACKLOG_LESS),
        _times(
            of("Redis commands a job", "per job", "commands_per_job"), "40 % less", at_most=1 - REDIS_LESS
        ),
        _times(of("Redis memory, mean", "bytes", "redis_bytes"), "40 % less", at_most=1 - REDIS_LESS),
        _below(of("failures", "share", "failure_ratio"), lost),
        of("wait, 95th percentile", "seconds", "wait_p95_seconds"),
        of("processing, mean", "seconds", "work_mean_seconds"),
    )


def _times(row: Row, claim: str, *, at_least: float = 0.0, at_most: float = math.inf) -> Row:
    """A claim about after ÷ before."""
    verdict: Verdict = "can't be known"
    if row.before and row.after is not None:
        verdict = "met" if at_least <= row.after / row.before <= at_most else "missed"
    return replace(row, claim=claim, verdict=verdict)


def _below(row: Row, bound: float) -> Row:
    """A claim about after alone."""
    verdict: Verdict = "can't be known" if row.after is None else "met" if row.after <= bound else "missed"
    return replace(row, claim=f"at most {WRITTEN[row.unit](bound)}", verdict=verdict)


def laid_over(before: pd.DataFrame, after: pd.DataFrame, column: str, names: tuple[str, str]) -> pd.DataFrame:
    """One figure of both, by the time of the second; steps are matched by their place."""
    found = {}
    for name, table in zip(names, (before, after), strict=True):
        if column in table and table[column].notna().any():
            found[name] = pd.Series(table[column].to_numpy()[-len(after) :], after.index[-len(table) :])
    return pd.DataFrame(found)
