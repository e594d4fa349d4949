"""Knows how far truth strays from a forecast: measured on the past, by forecasting it from ever later moments.

A count scatters by its square root (Poisson) and by a part of itself; the part is what the errors show, week by week
ahead. How these scaled errors are spread, and how they hang together within a day, is taken from the errors too.
"""

import math
from dataclasses import dataclass
from datetime import UTC, tzinfo

import numpy as np
from scipy import special

from planner.forecast_hours import DAY_HOURS, HOUR, WEEK_HOURS, Hourly, slots_of_week
from planner.forecast_model import PERIODS, fit_model, period_of
from planner.laws import Vector

# So many moments of the past are forecast from at most.
ORIGINS = 8
LOW, HIGH = 0.05, 0.95
# Days must have been measured so many times over for days that followed one another to stand for the future.
FOLLOWING = 4
# An hour in which fewer are expected is off by one job as easily as by none.
LEAST_JOBS = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Band:
    """`parts` is the proportional error for each week ahead; `errors` are scaled errors, a row a day."""

    parts: tuple[float, ...]
    errors: Vector
    weeks_measured: int
    periods_learned: float

    def spread(self, expected: Vector, hours_ahead: Vector) -> Vector:
        """What a scaled error of 1 means in jobs. Beyond what was measured the part grows as a random walk does."""
        week = (np.maximum(hours_ahead, 0.0) // WEEK_HOURS).astype(int)
        last = len(self.parts) - 1
        beyond = np.sqrt((np.maximum(week, last) + 1) / (last + 1))
        part = np.asarray(self.parts)[np.minimum(week, last)] * beyond
        return np.asarray(self.widened * _scale(expected, part))

    @property
    def widened(self) -> float:
        """Few days tell little of how errors are spread: Student's factor for as many days."""
        days = max(len(self.errors), 2)
        return float(special.stdtrit(days - 1, HIGH) / special.ndtri(HIGH)) * math.sqrt(1.0 + 1.0 / days)

    @property
    def quantiles(self) -> tuple[float, float]:
        """Scaled errors that one in twenty is below, and above."""
        low, high = np.nanquantile(self.errors, (LOW, HIGH))
        return float(low), float(high)


def measure_band(history: Hourly, weeks: int, zone: tzinfo = UTC) -> Band:
    """Forecast the past from up to eight moments, as far ahead as it reaches, and take the errors."""
    period = period_of(history)
    moments = origins(history, period)
    found = [_errors(history, moment, weeks, period, zone) for moment in moments]
    expected, errors, week = (np.concatenate(parts) for parts in zip(*found, strict=True))
    measured = int(week.max()) + 1
    parts: list[float] = []
    for number in range(measured):
        own = week == number
        parts.append(max(_part(expected[own], errors[own]), parts[-1] if parts else 0.0))
    scale = _scale(expected, np.asarray(parts)[week])
    return Band(tuple(parts), _daily(errors / scale), measured, float(np.mean(moments)) / period)


def _scale(expected: Vector, part: Vector) -> Vector:
    """Poisson's scatter and a part of the count itself, together."""
    return np.asarray(np.sqrt(np.maximum(expected, LEAST_JOBS) + (part * expected) ** 2))


def origins(history: Hourly, period: int) -> list[int]:
    """Moments (hours from the start) with a period or more on either side; two before where there is enough."""
    latest = len(history) - period
    earliest = max(period, min(PERIODS * period, latest - period))
    steps = max(DAY_HOURS, -(-(latest - earliest) // (ORIGINS - 1)))
    return sorted(
        {latest - number * steps for number in range(ORIGINS) if latest - number * steps >= earliest}
    )


def _errors(
    history: Hourly, origin: int, weeks: int, period: int, zone: tzinfo
) -> tuple[Vector, Vector, Vector]:
    """Expected counts, errors and weeks ahead of the hours after the origin."""
    model = fit_model(history.before(origin), zone, period)
    hours = min(len(history) - origin, weeks * WEEK_HOURS) // DAY_HOURS * DAY_HOURS
    ahead = np.asarray(np.arange(hours) + 0.5, dtype=float)
    slots = slots_of_week(history.start + origin * HOUR, hours, zone)
    expected = model.expected(slots, ahead)
    return expected, history.counts[origin : origin + hours] - expected, (ahead // WEEK_HOURS).astype(int)


def _part(expected: Vector, errors: Vector) -> float:
    """The proportional part of the errors: what their squares hold beyond Poisson's."""
    known = np.isfinite(errors)
    square = float((expected[known] ** 2).sum())
    if square <= 0:
        return 0.0
    return math.sqrt(max(0.0, float((errors[known] ** 2 - expected[known]).sum()) / square))


def _daily(scaled: Vector) -> Vector:
    """A row a day: hours of one day err together."""
    return np.asarray(scaled.reshape(-1, DAY_HOURS))


def futures(band: Band, days: int, paths: int, random: np.random.Generator) -> Vector:
    """Scaled errors of possible futures, a row each: days that followed one another, or drawn where they were few.

    A profile of k periods errs by a k-th of what one of them does; that error is in the expected hours already, so
    it is taken off the errors: the largest of many hours would count it twice.
    """
    rows = np.nan_to_num(band.errors)
    days_own = rows.mean(axis=1, keepdims=True)
    fresh = math.sqrt(band.periods_learned / (band.periods_learned + 1.0))
    within = (rows - days_own) * fresh
    if len(rows) >= FOLLOWING * days:
        chosen = (random.integers(len(rows), size=paths)[:, None] + np.arange(days)) % len(rows)
        return np.asarray((days_own + within)[chosen].reshape(paths, -1))
    hourly = float((within**2).sum()) / (len(rows) * (DAY_HOURS - 1))
    daily = max(0.0, float((days_own**2).mean()) - hourly / DAY_HOURS)
    # How much of a day's error all days share can't be told from so few: half is taken.
    shared = random.standard_normal((paths, 1, 1)) * math.sqrt(daily / 2)
    own = random.standard_normal((paths, days, 1)) * math.sqrt(daily / 2)
    each = random.standard_normal((paths, days, DAY_HOURS)) * math.sqrt(hourly)
    return np.asarray((shared + own + each).reshape(paths, -1))
