"""This file knows what a source of figures answers: gauges and increases by label over a span of time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd

from exporter.catalogue import Metric

Where = Mapping[str, str | tuple[str, ...]]
"""Labels that must have this value, or one of these."""
INCOMPLETE = "incomplete"
"""Among the `attrs` of a frame: why figures of it may be missing, in the source's own words."""
CLOCK_SLACK_SECONDS = 2.0
"""Clocks that differ by less are one."""


class SourceError(Exception):
    """A source can't answer: one line that says what, where and what to do."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time in steps, by the clock of the source. The sample at t stands for the step (t - step, t]."""

    start_seconds: float
    end_seconds: float
    step_seconds: float

    @property
    def steps(self) -> int:
        return max(1, round((self.end_seconds - self.start_seconds) / self.step_seconds))

    @property
    def seconds(self) -> float:
        return self.steps * self.step_seconds

    @property
    def times(self) -> pd.DatetimeIndex:
        """The end of each step, in UTC."""
        ends = self.end_seconds - self.step_seconds * np.arange(self.steps - 1, -1, -1)
        return pd.to_datetime(np.round(ends * 1000), unit="ms", utc=True).rename("time")

    def whole(self) -> "Span":
        """The same stretch as one step."""
        return Span(self.start_seconds, self.end_seconds, self.end_seconds - self.start_seconds)

    def before(self, seconds: float) -> "Span":
        """The same stretch, earlier."""
        return Span(self.start_seconds - seconds, self.end_seconds - seconds, self.step_seconds)


class Source(Protocol):
    """Where figures come from. Every frame has the times of the span (UTC) as its index and label values as columns.

    A series that is not there has no column, a sample that is not there is NaN. Several exporters on one Redis count
    once. `part` picks `bucket`, `sum` or `count` of a histogram; buckets have the label `le`.
    """

    name: str
    """What and where, for people: `Prometheus at http://localhost:9090`."""

    @property
    def ahead_seconds(self) -> float:
        """How far its clock is ahead of this machine's, as last seen; 0 where they agree."""
        ...

    def gauge(
        self, metric: Metric, by: Sequence[str], span: Span, where: Where | None = None, part: str = ""
    ) -> pd.DataFrame:
        """The last value in each step. Raises SourceError."""
        ...

    def increase(
        self, metric: Metric, by: Sequence[str], span: Span, where: Where | None = None, part: str = ""
    ) -> pd.DataFrame:
        """How much a counter grew in each step; one that starts anew is allowed for. Raises SourceError."""
        ...

    def mix(
        self, metric: Metric, by: Sequence[str], span: Span, where: Where | None = None, part: str = ""
    ) -> pd.DataFrame:
        """The same, of which only ratios are right: of bucket to bucket, of sum to count. It may cost much less."""
        ...

    def least_step_seconds(self, now_seconds: float) -> float:
        """Of the shortest step of a chart that has something to tell. Raises SourceError."""
        ...

    def newest_seconds(self) -> float | None:
        """When the exporter last read Redis with success, as epoch seconds; None when that is not known."""
        ...


def joining(metric: Metric) -> str:
    """How series that differ in labels one did not ask for become one: sum, or min or max where a sum means nothing."""
    if metric.name.endswith("_timestamp_seconds"):
        return "min"
    if metric.kind == "gauge" and metric.name.endswith(
        ("_ratio", "_up", "_paused", "_limited", "_lag_seconds")
    ):
        return "max"
    return "sum"


def frame(span: Span, by: Sequence[str], columns: Mapping[tuple[str, ...], np.ndarray]) -> pd.DataFrame:
    """Columns by label values, sorted, with the span's times."""
    keys = sorted(columns)
    data = np.column_stack([columns[key] for key in keys]) if keys else np.empty((span.steps, 0))
    return as_frame(span, by, keys, data)


def as_frame(
    span: Span, by: Sequence[str], keys: Sequence[tuple[str, ...]], data: np.ndarray
) -> pd.DataFrame:
    """The same of a table that has a column for each of the sorted keys."""
    if by:
        index: pd.Index = pd.MultiIndex.from_tuples(keys, names=list(by)) if keys else _no_columns(by)
    else:
        index = pd.Index(["value"][: len(keys)])
    return pd.DataFrame(data, index=span.times, columns=index)


def _no_columns(by: Sequence[str]) -> pd.MultiIndex:
    return pd.MultiIndex.from_arrays([[] for _ in by], names=list(by))
