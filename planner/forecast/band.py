"""Knows how far truth strays from a forecast: measured on the past, by forecasting it from ever later moments.

A count scatters by its square root (Poisson) and by a part of itself; the part is what the errors show, week by week
ahead. How these scaled errors are spread is taken from the errors too.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, tzinfo

import numpy as np
from numpy.typing import NDArray

from planner.forecast.hours import DAY_HOURS, HOUR, WEEK_HOURS, Hourly, slots_of_week
from planner.forecast.model import PERIODS, Model, fit_model, period_of
from planner.laws.named import Ints, Vector

# So many moments of the past are forecast from at most.
ORIGINS = 8
# An hour in which fewer are expected is off by one job as easily as by none.
LEAST_JOBS = 1.0
# Where fewer are expected none come in nineteen of twenty hours: whether they do tells nothing of busy hours.
QUIET_JOBS = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class Tried:
    """One moment of the past that was forecast from: scaled errors after it, a row a day, and what was expected."""

    errors: Vector
    expected: Vector
    model: Model

    @property
    def tells(self) -> NDArray[np.bool_]:
        """Hours that are known and in which jobs were expected; all that are known where none ever were."""
        known = np.isfinite(self.errors)
        busy = known & (self.expected >= QUIET_JOBS)
        return busy if busy.any() else known

    @property
    def live(self) -> NDArray[np.bool_]:
        """Days with such hours."""
        return np.asarray(self.tells.any(axis=1))


@dataclass(frozen=True, slots=True, eq=False)
class Band:
    """`parts` is the proportional error for each week ahead; `days` is how many different days told of errors."""

    parts: tuple[float, ...]
    tried: tuple[Tried, ...]
    days: int

    @property
    def weeks_measured(self) -> int:
        return len(self.parts)

    def spread(self, expected: Vector, hours_ahead: Vector) -> Vector:
        """What a scaled error of 1 means in jobs. Beyond what was measured the part grows as a random walk does."""
        week = (np.maximum(hours_ahead, 0.0) // WEEK_HOURS).astype(int)
        last = len(self.parts) - 1
        beyond = np.sqrt((np.maximum(week, last) + 1) / (last + 1))
        part = np.asarray(self.parts)[np.minimum(week, last)] * beyond
        return _scale(expected, part)


def measure_band(history: Hourly, weeks: int, zone: tzinfo = UTC) -> Band:
    """Forecast the past from up to eight moments, as far ahead as it reaches, and take the errors.

    Where every day is taken alike each day is foretold from all others: from five weekdays alone no weekend would be.
    """
    period = period_of(history)
    if period == DAY_HOURS:
        return _of_days(history, zone)
    moments = origins(history, period)
    models = [fit_model(history.before(moment), zone, period) for moment in moments]
    found = [
        _errors(history, moment, model, weeks, zone) for moment, model in zip(moments, models, strict=True)
    ]
    expected, errors, week = (np.concatenate(parts) for parts in zip(*found, strict=True))
    parts: list[float] = []
    for number in range(int(week.max()) + 1):
        own = week == number
        parts.append(max(_part(expected[own], errors[own]), parts[-1] if parts else 0.0))
    tried = [
        Tried(_daily(each / _scale(jobs, np.asarray(parts)[number])), _daily(jobs), model)
        for (jobs, each, number), model in zip(found, models, strict=True)
    ]
    return Band(tuple(parts), tuple(tried), _live_days(tried, (len(history) - moments[0]) // DAY_HOURS))


def _of_days(history: Hourly, zone: tzinfo) -> Band:
    days = len(history) // DAY_HOURS
    first = len(history) - days * DAY_HOURS
    models, found = [], []
    for start in range(first, len(history), DAY_HOURS):
        day = slice(start, start + DAY_HOURS)
        counts = history.counts.copy()
        counts[day] = np.nan
        models.append(fit_model(Hourly(history.start, counts), zone, DAY_HOURS))
        slots = slots_of_week(history.start + start * HOUR, DAY_HOURS, zone)
        expected = models[-1].expected(slots, np.zeros(DAY_HOURS))
        found.append((expected, history.counts[day] - expected))
    expected, errors = (np.concatenate(parts) for parts in zip(*found, strict=True))
    part = _part(expected, errors)
    scaled = errors / _scale(expected, np.full(len(expected), part))
    learned = replace(models[0], periods=max(1.0, models[0].periods - 1.0))
    tried = Tried(_daily(scaled), _daily(expected), learned)
    return Band((part,), (tried,), _live_days((tried,), days))


def _live_days(tried: Sequence[Tried], days: int) -> int:
    """Of so many different days those in which jobs were expected."""
    return max(1, round(days * float(np.mean(np.concatenate([one.live for one in tried])))))


def _daily(hours: Vector) -> Vector:
    """A row a day: hours of one day err together."""
    return np.asarray(hours.reshape(-1, DAY_HOURS))


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
    history: Hourly, origin: int, model: Model, weeks: int, zone: tzinfo
) -> tuple[Vector, Vector, Ints]:
    """Expected counts, errors and weeks ahead of the hours after the origin."""
    hours = min(len(history) - origin, weeks * WEEK_HOURS) // DAY_HOURS * DAY_HOURS
    ahead = np.asarray(np.arange(hours) + 0.5, dtype=float)
    expected = model.expected(slots_of_week(history.start + origin * HOUR, hours, zone), ahead)
    return (
        expected,
        history.counts[origin : origin + hours] - expected,
        (ahead // WEEK_HOURS).astype(np.int64),
    )


def _part(expected: Vector, errors: Vector) -> float:
    """The proportional part of the errors: what their squares hold beyond Poisson's."""
    known = np.isfinite(errors)
    square = float((expected[known] ** 2).sum())
    if square <= 0:
        return 0.0
    return math.sqrt(max(0.0, float((errors[known] ** 2 - expected[known]).sum()) / square))
