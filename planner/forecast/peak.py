"""Knows the largest hour of many possible futures: how much of an error hours, days and all hours share.

The largest of many noisy hours is not the hour whose noise is largest: what of the noise is in the expected hours
already must not come again on top (it would lift the peak), but it makes them less sure (it widens its band).
"""

import math
from dataclasses import dataclass

import numpy as np

from planner.forecast.band import LEAST_JOBS, Band
from planner.forecast.hours import DAY_HOURS, HOUR
from planner.forecast.model import Model
from planner.forecast.scatter import (
    HIGH,
    LOW,
    Scatter,
    beside_neighbours,
    noise_of_days,
    noise_of_hours,
    own_days,
    wider,
    within,
)
from planner.laws.named import Vector

PATHS = 2000
# From so many days on errors multiply; fewer don't tell by which factors.
DAYS_TO_MULTIPLY = 28
# Between the hours that were seen others lie: noise of so many standard deviations, by the days (Silverman 1986).
SMOOTHED = -0.2


@dataclass(frozen=True, slots=True)
class Peak:
    """The largest hour ahead: its jobs with the 90 % band, when it is likely, and how likely that very hour is."""

    jobs: float
    low: float
    high: float
    hour: float
    chance: float


def peak_of(
    start: float,
    expected: Vector,
    spread: Vector,
    model: Model,
    band: Band,
    scatter: Scatter,
    random: np.random.Generator,
) -> Peak:
    errors = futures(scatter, model, band, -(-len(expected) // DAY_HOURS), random)[:, : len(expected)]
    jobs = (
        _multiplied(expected, spread, errors)
        if is_rich(model, band)
        else np.maximum(expected + errors * spread, 0.0)
    )
    hours, times = np.unique(jobs.argmax(axis=1), return_counts=True)
    low, middle, high = np.quantile(jobs.max(axis=1), (LOW, 0.5, HIGH))
    low, high = (middle + wider(scatter.days) * (end - middle) for end in (low, high))
    likely = int(times.argmax())
    hour, chance = start + float(hours[likely]) * HOUR, float(times[likely] / PATHS)
    return Peak(float(middle), max(float(low), 0.0), float(high), hour, chance)


def is_rich(model: Model, band: Band) -> bool:
    """Whether so many days were measured that their errors are known as factors."""
    return model.is_weekly and band.days >= DAYS_TO_MULTIPLY


def _multiplied(expected: Vector, spread: Vector, errors: Vector) -> Vector:
    """Counts that are off by so much: by factors as far as errors are a part of the count, by jobs for the rest.

    A day and an hour of 30 % more each make 69 %, not 60 %: the largest hour is larger than sums would tell.
    """
    part = np.sqrt(np.maximum(spread**2 - np.maximum(expected, LEAST_JOBS), 0.0))
    ratio = part / np.maximum(expected, LEAST_JOBS)
    grown = expected * np.exp(errors * ratio - ratio**2 / 2.0)
    return np.asarray(np.maximum(grown + errors * (spread - part), 0.0))


def _as_factors(errors: Vector, expected: Vector, part: float) -> Vector:
    """Scaled errors that were measured as differences, as `_multiplied` takes them: bent as far as they are a part."""
    jobs = np.maximum(expected, LEAST_JOBS)
    bent = part**2 * jobs / np.sqrt(jobs + (part * jobs) ** 2) + 1e-12
    return np.asarray(np.log1p(np.maximum(errors * bent, -0.9)) / bent)


def _nearest(values: Vector) -> Vector:
    """How far each value is from the one next to it: between values that were seen others lie, beyond them too."""
    order = np.argsort(values)
    apart = np.diff(values[order], prepend=-np.inf, append=np.inf)
    nearest = np.empty(len(values))
    nearest[order] = np.minimum(apart[:-1], apart[1:])
    return np.where(np.isfinite(nearest), nearest, 0.0)


def futures(scatter: Scatter, model: Model, band: Band, days: int, random: np.random.Generator) -> Vector:
    """Scaled errors of possible futures, a row each."""
    own = np.concatenate([own_days(one) for one in band.tried])
    hours = np.concatenate([within(one) for one in band.tried])
    if is_rich(model, band):
        expected = np.concatenate([one.expected[one.live] for one in band.tried])
        own = _as_factors(own, expected.max(axis=1), band.parts[0])
        hours = _as_factors(hours, expected, band.parts[0])
    near = _nearest(own)
    size = float(np.sqrt((own**2 + near**2).mean()))
    chosen = random.integers(len(own), size=(PATHS, days))
    day = own[chosen] + random.standard_normal((PATHS, days)) * near[chosen]
    day *= math.sqrt(scatter.daily * (1.0 - noise_of_days(model))) / size if size > 0 else 0.0
    alone = float(np.mean([beside_neighbours(one) for one in band.tried]))
    left = math.sqrt(max(0.0, 1.0 - noise_of_hours(model)))
    hour = hours[chosen]
    smooth = len(own) ** SMOOTHED
    hour += random.standard_normal(hour.shape) * (smooth * math.sqrt(alone))
    hour *= left * math.sqrt(scatter.hourly / max(scatter.hourly + smooth**2 * alone, 1e-12))
    shared = random.standard_normal((PATHS, 1, 1)) * math.sqrt(scatter.shared(model))
    return np.asarray((shared + day[:, :, None] + hour).reshape(PATHS, -1))
