"""Knows how errors of a forecast scatter: what hours, days and all hours share, and where nine of ten lie.

What the models of the past erred by themselves is taken off: they had learned less than the one that looks ahead.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

from planner.forecast.band import Band, Tried
from planner.forecast.hours import DAY_HOURS, WEEK_HOURS
from planner.forecast.model import Model
from planner.laws.named import Vector

LOW, HIGH = 0.05, 0.95
WEEK_DAYS = WEEK_HOURS // DAY_HOURS
# The largest of some alike scatters by about this part of the variance of one (0.45 of five, 0.40 of seven).
OF_LARGEST = 0.45
# A correlation nearer to 1 can't be told from a level that wanders.
MOST_KEPT = 0.8


@dataclass(frozen=True, slots=True)
class Scatter:
    """Variances of scaled errors: an hour within its day, a day within its week, the level, and what it wandered.

    `days` is how many independent days told of them: days that follow each other and err alike count less.
    """

    hourly: float
    daily: float
    level: float
    wandering: float
    days: float

    def of_an_hour(self, model: Model) -> float:
        """Variance of an error of such a model."""
        hourly = self.hourly * (1.0 + noise_of_hours(model))
        return hourly + self.daily * (1.0 + noise_of_days(model)) + self.level + self.wandering

    def shared(self, model: Model) -> float:
        """What makes the largest hour unsure beside the days and hours ahead."""
        noise = self.daily * noise_of_days(model) + self.hourly * noise_of_hours(model)
        return self.level + self.wandering + OF_LARGEST * noise


def scatter_of(model: Model, band: Band) -> Scatter:
    """What the errors of the past show."""
    squares = sum(float((within(one) ** 2).sum()) for one in band.tried)
    hourly = squares / max(1, sum(int(one.tells.sum()) - int(one.live.sum()) for one in band.tried))
    days = np.concatenate([own_days(one) for one in band.tried])
    freedom = max(1, len(days) - len(band.tried))
    learned = float(np.mean([noise_of_days(one.model) for one in band.tried]))
    of_hours = hourly * float(np.mean([(_weights(one) ** 2).sum(axis=1).mean() for one in band.tried]))
    daily = max(0.0, (float((days**2).sum()) / freedom - of_hours) / (1.0 + learned))
    # The level is that of the last week, whose days were off as the days ahead are. What returns each week is no such
    # error, but where every day is taken alike it can't be told from chance: half is taken.
    # Where every day is taken alike a weekend is off together without any memory.
    kept = _kept_by_the_next(band) if model.is_weekly else 0.0
    independent = (1.0 - kept) / (1.0 + kept)
    seen = (
        independent
        * min(WEEK_DAYS, model.weeks * WEEK_DAYS)
        * float(np.mean([one.live.mean() for one in band.tried]))
    )
    level = daily / seen * (1.0 if model.is_weekly else 0.5)
    weeks = np.array([_days(one).mean() for one in band.tried])
    wandering = max(0.0, float((weeks**2).mean()) - 2.0 * level * (1.0 + learned))
    return Scatter(hourly, daily, level, wandering, max(2.0, independent * band.days))


def _kept_by_the_next(band: Band) -> float:
    """How much of a day's error the next day has (its correlation), 0 where there is no sign of any.

    Beside their own mean days seem to alternate, and what they keep seems less, by 1 and 4 ÷ their number (Marriott &
    Pope 1954). The second is made good only where it is not larger than what is left: seven days tell too little.
    """
    own = [days for days in map(own_days, band.tried) if len(days) > 2]
    squares = sum(float((days**2).sum()) for days in own)
    if not squares:
        return 0.0
    pairs = sum(float((days[:-1] * days[1:]).sum()) * len(days) / (len(days) - 1) for days in own)
    kept = pairs / squares + float(np.mean([1.0 / len(days) for days in own]))
    lost = 4.0 / band.days
    return min(MOST_KEPT, max(0.0, kept / (1.0 - lost) if lost < 0.5 else kept))


def noise_of_days(model: Model) -> float:
    """Part of a day's variance that is in the expected hours; where every day is alike no day is set apart."""
    return 1.0 / model.periods if model.is_weekly else 0.0


def noise_of_hours(model: Model) -> float:
    """Part of an hour's variance that is in the expected hours: its own mean, and those of its weekday and hour."""
    of_product = 1.0 / DAY_HOURS + 1.0 / WEEK_DAYS
    return (model.own**2 + (1.0 - model.own) ** 2 * of_product) / model.periods


def own_days(one: Tried) -> Vector:
    """By how much each live day was off beside all days of that moment."""
    return np.asarray(_days(one) - _days(one).mean())


def within(one: Tried) -> Vector:
    """Errors of hours beside that of their day, as a model that knew the profile would have erred; 0 where unknown."""
    apart = np.where(one.tells, np.nan_to_num(one.errors), 0.0)[one.live] - _days(one)[:, None]
    return np.asarray(np.where(one.tells[one.live], apart, 0.0) / math.sqrt(1.0 + noise_of_hours(one.model)))


def beside_neighbours(one: Tried) -> float:
    """Variance of what an hour is off by itself: beside the mean of the hours before and after (von Neumann 1941)."""
    errors = np.where(one.tells, one.errors, np.nan)
    apart = errors[:, 1:-1] - (errors[:, :-2] + errors[:, 2:]) / 2.0
    known = apart[np.isfinite(apart)]
    return float((known**2).mean()) / 1.5 if len(known) else 0.0


def _days(one: Tried) -> Vector:
    """Busy hours tell how far a day is off: in quiet ones the count is chance."""
    return np.asarray((np.nan_to_num(one.errors)[one.live] * _weights(one)).sum(axis=1))


def _weights(one: Tried) -> Vector:
    jobs = np.where(one.tells, np.maximum(one.expected, 1e-9), 0.0)[one.live]
    return np.asarray(jobs / jobs.sum(axis=1, keepdims=True))


def sure(days: float) -> float:
    """Few days tell little of how errors are spread: Student's 95 % for as many; a normal law has 1.64."""
    return float(special.stdtrit(max(days, 2.0) - 1.0, HIGH))


def wider(days: float) -> float:
    """By how much the band of a figure that was made of few days is wider than that of the normal law."""
    return sure(days) / float(special.ndtri(HIGH)) * math.sqrt(1.0 + 1.0 / days)


def ends_of_hours(model: Model, band: Band, scatter: Scatter) -> tuple[float, float]:
    """Scaled errors that one in twenty is below, and above.

    For few days errors farther out are taken, up to a quarter of a day; these are scaled for the rest of the way.
    """
    whole = scatter.of_an_hour(model)
    fair = [
        one.errors[one.tells] * math.sqrt(whole / max(scatter.of_an_hour(one.model), 1e-12))
        for one in band.tried
    ]
    outside = max(float(special.ndtr(-sure(scatter.days))), min(LOW, 0.25 / scatter.days))
    ends = np.nanquantile(np.concatenate(fair), (outside, 1.0 - outside))
    low, high = ends * sure(scatter.days) / -float(special.ndtri(outside))
    return min(float(low), 0.0), max(float(high), 0.0)
