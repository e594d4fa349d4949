"""Knows the hours ahead of a queue: expected jobs with a band, the peak, and how well the last hours are foretold.

Pure functions of counts by the hour: no clock, no reading, and one seed gives one answer.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, tzinfo

import numpy as np

from planner.forecast.band import Band, measure_band
from planner.forecast.hours import DAY_HOURS, HOUR, WEEK_HOURS, Hourly, slots_of_week
from planner.forecast.model import Model, TooShortError, fit_model, period_of
from planner.forecast.peak import Peak, peak_of
from planner.forecast.scatter import ends_of_hours, scatter_of
from planner.laws.named import Vector

# Two days to learn the day from, and one to measure the error on.
LEAST_HOURS = 3 * DAY_HOURS
# Held back at most a quarter of what there is.
HELD_SHARE = 4


@dataclass(frozen=True, slots=True)
class Holdout:
    """The last hours, foretold from those before: share inside the 90 % band, error, and the peer's error.

    An error is the sum of the hours' errors over the sum of their jobs. The peer repeats the last period.
    """

    hours: int
    coverage: float
    error: float
    peer_error: float
    peak: Peak
    peak_seen: float


@dataclass(frozen=True, slots=True, eq=False)
class Ahead:
    """Jobs expected in each hour from `start` on, and the 90 % band of each."""

    start: float
    expected: Vector
    low: Vector
    high: Vector
    model: Model
    band: Band
    peak: Peak

    def times(self) -> Vector:
        return np.asarray(self.start + np.arange(len(self.expected)) * HOUR)

    def columns(self) -> Mapping[str, Vector]:
        """What a data frame is made of."""
        return {"time": self.times(), "expected": self.expected, "low": self.low, "high": self.high}


@dataclass(frozen=True, slots=True, eq=False)
class Forecast:
    """The hours ahead, the test on the hours held back (None where there are too few), and doubts."""

    ahead: Ahead
    holdout: Holdout | None
    doubts: tuple[str, ...]


def forecast(history: Hourly, weeks: int = 1, zone: tzinfo = UTC, seed: int = 1) -> Forecast:
    """Foretell so many weeks of hours after the history. Raises TooShortError."""
    ahead = look_ahead(history, weeks * WEEK_HOURS, zone, seed)
    held = held_back(history)
    holdout = backtest(history, held, zone, seed) if held else None
    return Forecast(ahead, holdout, tuple(_doubts(history, ahead, holdout, weeks)))


def look_ahead(history: Hourly, hours: int, zone: tzinfo = UTC, seed: int = 1) -> Ahead:
    """Raises TooShortError."""
    if history.known < LEAST_HOURS * 0.9:
        raise TooShortError(f"{history.known} hours are known; {LEAST_HOURS} are the least (three days)")
    model = fit_model(history, zone)
    band = measure_band(history, -(-hours // WEEK_HOURS), zone)
    ahead = np.asarray(np.arange(hours) + 0.5, dtype=float)
    expected = model.expected(slots_of_week(history.end, hours, zone), ahead)
    spread = band.spread(expected, ahead)
    scatter = scatter_of(model, band)
    low, high = ends_of_hours(model, band, scatter)
    peak = peak_of(history.end, expected, spread, model, band, scatter, np.random.default_rng(seed))
    return Ahead(
        history.end,
        expected,
        np.maximum(expected + low * spread, 0.0),
        expected + high * spread,
        model,
        band,
        peak,
    )


def held_back(history: Hourly) -> int:
    """Hours to hold back: a week or a quarter, in whole days; 0 where the rest would be too short."""
    hours = min(WEEK_HOURS, len(history) // HELD_SHARE) // DAY_HOURS * DAY_HOURS
    rest = history.before(len(history) - hours)
    return hours if rest.known >= LEAST_HOURS else 0


def backtest(history: Hourly, held: int, zone: tzinfo = UTC, seed: int = 1) -> Holdout:
    """Foretell the last `held` hours from those before. Raises TooShortError."""
    past = history.before(len(history) - held)
    truth = history.counts[len(past) :]
    ahead = look_ahead(past, held, zone, seed)
    known = np.isfinite(truth)
    inside = (truth >= ahead.low - 0.5) & (truth <= ahead.high + 0.5)
    return Holdout(
        int(known.sum()),
        float(inside[known].mean()) if known.any() else float("nan"),
        relative_error(truth, ahead.expected),
        relative_error(truth, naive(past, held)),
        ahead.peak,
        float(np.nanmax(truth)) if known.any() else float("nan"),
    )


def naive(past: Hourly, hours: int) -> Vector:
    """The peer: the last period again and again, as it was; an hour that is unknown as it was the time before."""
    period = period_of(past)
    last = np.full(period, np.nanmean(past.counts))
    for first in range(len(past) % period, len(past), period):
        own = past.counts[first : first + period]
        last = np.where(np.isfinite(own), own, last)
    return np.asarray(np.resize(last, hours))


def relative_error(truth: Vector, foretold: Vector) -> float:
    """Sum of the absolute errors over the sum of the truth; NaN where nothing arrived."""
    known = np.isfinite(truth)
    total = float(truth[known].sum())
    return float(np.abs(truth[known] - foretold[known]).sum()) / total if total > 0 else float("nan")


def _doubts(history: Hourly, ahead: Ahead, holdout: Holdout | None, weeks: int) -> list[str]:
    found = []
    if not ahead.model.is_weekly:
        found.append(
            f"{history.known} hours known: every day is taken alike; two weeks ({2 * WEEK_HOURS} hours) tell weekdays"
        )
    if history.known < len(history):
        found.append(f"{len(history) - history.known} of {len(history)} hours are unknown and left out")
    if ahead.band.weeks_measured < weeks:
        measured = ahead.band.weeks_measured
        found.append(f"the band is measured {measured} week ahead and widened beyond as a random walk would")
    if holdout is None:
        found.append("too short to hold hours back: how good the forecast is was not tried")
    elif holdout.error > holdout.peer_error:
        found.append(
            f"on the hours held back it erred by {holdout.error:.0%}, "
            f"repeating the last period by {holdout.peer_error:.0%}"
        )
    return found
