"""This file knows how fast the work grows from day to day, and in how many days it reaches a ceiling."""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from dashboard.sources.source import Source, Span
from exporter.catalogue import PROCESSED

DAY_SECONDS = 86_400.0
WEEK_DAYS = 7
DAYS = 4 * WEEK_DAYS
FEWEST_DAYS = 2 * WEEK_DAYS
"""Of one week nobody can tell a weekend from a fall, or a Monday from growth."""
SURE = 0.975
"""A slope is growth that one could plan by when chance alone would be below it that surely, by Student's law."""


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
    """A line through the logarithms of daily counts, each weekday at its own height; an empty day is left out."""
    known = np.isfinite(daily) & (daily > 0)
    # The first day that a history holds is seldom whole.
    if known.any():
        known[int(np.argmax(known))] = False
    days = int(known.sum())
    if days < FEWEST_DAYS:
        return Growth(None, days, f"needs {FEWEST_DAYS} whole days of history, there are {days}")
    slope, chance = _slope(np.flatnonzero(known), np.log(daily[known]))
    if slope < chance:
        return Growth(0.0, days, f"no growth that stands out in {days} days")
    return Growth(math.expm1(slope), days)


def _slope(at: np.ndarray, heights: np.ndarray) -> tuple[float, float]:
    """Of the line of least squares, and what chance makes of none; infinite where weekdays can't be told from it."""
    weekdays = at[:, None] % WEEK_DAYS == np.unique(at % WEEK_DAYS)
    terms = np.column_stack([at, weekdays]).astype(float)
    free = len(at) - terms.shape[1]
    if free < 1 or np.linalg.matrix_rank(terms) < terms.shape[1]:
        return 0.0, math.inf
    found, *_ = np.linalg.lstsq(terms, heights, rcond=None)
    spread = float(((heights - terms @ found) ** 2).sum()) / free
    error = math.sqrt(spread * float(np.linalg.inv(terms.T @ terms)[0, 0]))
    return float(found[0]), float(stdtrit(free, SURE)) * error
