"""This file knows how fast the work grows from day to day, and in how many days it reaches a ceiling."""

import math
from dataclasses import dataclass

import numpy as np

from dashboard.sources import Source, Span
from exporter.catalogue import PROCESSED

DAY_SECONDS = 86_400.0
DAYS = 28
FEWEST_DAYS = 7
SURE = 2.0
"""A slope of less than two standard errors is no growth that one could plan by."""


@dataclass(frozen=True, slots=True)
class Growth:
    """Growth a day as a share, from `days` whole days; None where `why` says what is missing."""

    per_day: float | None
    days: int
    why: str = ""

    def days_until(self, factor: float) -> float | None:
        """Days until the work has grown by `factor`; None while it does not grow."""
        if self.per_day is None or self.per_day <= 0 or factor < 1:
            return None
        return math.log(factor) / math.log1p(self.per_day)


def growth(source: Source, now_seconds: float) -> Growth:
    """From finished jobs of the last whole days. Raises SourceError."""
    end = math.floor(now_seconds / DAY_SECONDS) * DAY_SECONDS
    ended = source.increase(PROCESSED, (), Span(end - DAYS * DAY_SECONDS, end, DAY_SECONDS))
    daily = ended["value"].to_numpy() if len(ended.columns) else np.empty(0)
    return of_days(daily)


def of_days(daily: np.ndarray) -> Growth:
    """A line through the logarithms of daily counts; a day without jobs, or unknown, is left out."""
    known = np.isfinite(daily) & (daily > 0)
    # The first day that a history holds is seldom whole.
    if known.any():
        known[int(np.argmax(known))] = False
    days = int(known.sum())
    if days < FEWEST_DAYS:
        return Growth(None, days, f"needs {FEWEST_DAYS} whole days of history, there are {days}")
    at = np.flatnonzero(known).astype(float)
    logs = np.log(daily[known])
    (slope, _), covariance = np.polyfit(at, logs, 1, cov=True)
    if slope < SURE * math.sqrt(covariance[0, 0]):
        return Growth(0.0, days, f"no growth that stands out in {days} days")
    return Growth(math.expm1(float(slope)), days)
