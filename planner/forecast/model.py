"""Knows the plain model of a forecast: a level with a trend, times a profile of the week or of the day.

expected(hour) = level × growth(hour) × profile[hour of the week]. Each part can be looked at and argued with.
"""

from dataclasses import dataclass
from datetime import UTC, tzinfo

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from planner.forecast.hours import DAY_HOURS, WEEK_HOURS, Hourly, slots_of_week
from planner.laws.named import Ints, Vector

# A profile is the mean of at least two of its periods; of an hour's own week only the last eight.
PERIODS = 2
WEEKS_KEPT = 8
# A trend is taken when as many weeks rising or falling by chance would be rarer than this (Mann 1945, Kendall).
TREND_CHANCE = 0.05
TREND_WEEKS = 4
# A trend dies away: each week it adds this part of the week before (Gardner & McKenzie 1985).
DAMPING = 0.9
# What is farther from the median of its hour than so many standard deviations is odd; one is 1.4826 × the median
# distance where errors are normal.
ODD, ROBUST = 4.0, 1.4826
# Known hours that a period needs for its level.
KNOWN_SHARE = 0.5


class TooShortError(ValueError):
    """The history is too short to forecast from; the text says how much is needed."""


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """`profile` is by hour of the week, mean 1; a daily one repeats. `growth` is how much a week adds to the last.

    `periods` are what the profile is the mean of, and `own` is how much of each hour is its own mean: the rest is that
    of its weekday and its hour of the day.
    """

    level: float
    profile: Vector
    growth: float
    period_hours: int
    weeks: float
    periods: float
    own: float

    @property
    def is_weekly(self) -> bool:
        return self.period_hours == WEEK_HOURS

    def expected(self, slots: Ints, hours_ahead: Vector) -> Vector:
        """Jobs expected in hours, by their hour of the week and by how far they are after the history's end."""
        ahead = np.maximum(hours_ahead, 0.0) / WEEK_HOURS
        # The sum of the damped steps; 0.9 + 0.9² + … for whole weeks.
        steps = DAMPING * (1.0 - DAMPING**ahead) / (1.0 - DAMPING)
        return np.asarray(self.level * (1.0 + self.growth) ** steps * self.profile[slots])


def fit_model(history: Hourly, zone: tzinfo = UTC, period: int | None = None) -> Model:
    """The model of a history, by the week or the day as `period` says or as it is long. Raises TooShortError."""
    period = period or period_of(history)
    slots = slots_of_week(history.start, len(history), zone)
    place = slots if period == WEEK_HOURS else slots % DAY_HOURS
    known = np.isfinite(history.counts)
    levels = period_levels(history, period)
    growth = weekly_growth(levels) if period == WEEK_HOURS else 0.0
    running = _running_level(levels, len(history), period)
    profile, own = _profile(history.counts, place, known, running, period)
    if not known.all():  # a level of the hours that are known is too high where quiet ones are missing
        levels = period_levels(history, period, profile[place])
        growth = weekly_growth(levels) if period == WEEK_HOURS else 0.0
        running = _running_level(levels, len(history), period)
        profile, own = _profile(history.counts, place, known, running, period)
    whole = profile if period == WEEK_HOURS else np.tile(profile, WEEK_HOURS // DAY_HOURS)
    level = _last_level(history, place, profile, growth)
    periods = min(len(history), WEEKS_KEPT * WEEK_HOURS) / period
    return Model(level, whole, growth, period, history.known / WEEK_HOURS, periods, own)


def period_of(history: Hourly) -> int:
    """A week when each hour of it was seen twice, else a day. Raises TooShortError."""
    for period in (WEEK_HOURS, DAY_HOURS):
        if len(history) >= PERIODS * period and history.known >= PERIODS * period * 0.9:
            return period
    raise TooShortError(
        f"{history.known} hours are known; {PERIODS * DAY_HOURS} are the least (two days), "
        f"and {PERIODS * WEEK_HOURS} (two weeks) for the shape of the week"
    )


def period_levels(history: Hourly, period: int, shape: Vector | None = None) -> Vector:
    """Level of each whole period, counted back from the end: jobs over what `shape` says of the hours that are known.

    Without a shape every hour counts alike. NaN where too little is known.
    """
    number = len(history) // period
    first = len(history) - number * period
    blocks = history.counts[first:].reshape(number, period)
    known = np.isfinite(blocks)
    each = np.ones(len(history)) if shape is None else shape
    sums = np.where(known, blocks, 0.0).sum(axis=1)
    weights = np.where(known, each[first:].reshape(number, period), 0.0).sum(axis=1)
    enough = (known.sum(axis=1) >= KNOWN_SHARE * period) & (weights > 0)
    return np.asarray(np.where(enough, sums / np.where(weights > 0, weights, 1.0), np.nan))


def weekly_growth(levels: Vector) -> float:
    """Relative growth a week by Theil and Sen's slope of the logarithms; 0 unless the trend is no chance."""
    known = np.isfinite(levels) & (levels > 0)
    if known.sum() < TREND_WEEKS:
        return 0.0
    weeks, logs = np.flatnonzero(known), np.log(levels[known])
    if float(stats.kendalltau(weeks, logs).pvalue) > TREND_CHANCE:
        return 0.0
    return float(np.expm1(stats.theilslopes(logs, weeks).slope))


def _running_level(levels: Vector, hours: int, period: int) -> Vector:
    """The level at each hour: that of its period; of hours before the first whole one, the first."""
    filled = np.where(np.isfinite(levels), levels, np.nanmean(levels) if np.isfinite(levels).any() else 0.0)
    each = np.repeat(filled, period)
    return np.concatenate([np.full(hours - len(each), filled[0]), each])


def _profile(
    counts: Vector, place: Ints, known: NDArray[np.bool_], level: Vector, period: int
) -> tuple[Vector, float]:
    """Mean of count ÷ level for each hour of the period, of the last weeks, with mean 1; and how much is its own."""
    first = max(0, len(counts) - WEEKS_KEPT * WEEK_HOURS)
    used = np.flatnonzero(known & (np.arange(len(counts)) >= first) & (level > 0))
    ratios, where = counts[used] / level[used], place[used]
    number = np.bincount(where, minlength=period)
    sums = np.bincount(where, weights=ratios, minlength=period)
    if not sums.sum():
        return np.ones(period), 1.0
    ratios = _without_odd(ratios, where, period, float(level[used].mean()))
    sums = np.bincount(where, weights=ratios, minlength=period)
    rough = np.where(number > 0, sums / np.maximum(number, 1), ratios.mean())
    squares = np.bincount(where, weights=(ratios - rough[where]) ** 2, minlength=period)
    noise = float(squares.sum()) / max(1, int((number[number > 0] - 1).sum())) / float(number.mean())
    drawn, own = _towards_product(rough, noise) if period == WEEK_HOURS else (rough, 1.0)
    return np.asarray(drawn / drawn.mean()), own


def _without_odd(ratios: Vector, where: Ints, period: int, level: float) -> Vector:
    """One odd hour is no habit: what is far off the median of its hour is brought to the edge (Huber 1964).

    Of two that differ the one that is nearer to what its weekday and its hour of the day bring; of one alone that.
    """
    order = np.lexsort((ratios, where))
    sorted_ratios, sorted_where = ratios[order], where[order]
    first = np.searchsorted(sorted_where, np.arange(period))
    number = np.bincount(where, minlength=period)
    middle = np.ones(period)
    seen = number > 0
    lower = sorted_ratios[(first + (number - 1) // 2)[seen]]
    upper = sorted_ratios[(first + number // 2)[seen]]
    middle[seen] = (lower + upper) / 2
    if period == WEEK_HOURS:
        product = _product(middle)[seen]
        middle[seen] = np.where(number[seen] > 1, np.clip(product, lower, upper), product)
    apart = ratios - middle[where]
    busy = middle[where] >= np.median(middle[seen])
    part = ROBUST * float(np.median(np.abs(apart[busy] / np.maximum(middle[where][busy], 1e-9))))
    edge = ODD * np.sqrt(middle[where] / max(level, 1e-9) + (part * middle[where]) ** 2)
    return np.asarray(middle[where] + np.clip(apart, -edge, edge))


def _product(rough: Vector) -> Vector:
    """Weekday × hour of the day."""
    table = rough.reshape(WEEK_HOURS // DAY_HOURS, DAY_HOURS)
    return np.asarray(
        (table.mean(axis=1)[:, None] * table.mean(axis=0)[None, :] / max(table.mean(), 1e-12)).ravel()
    )


def _towards_product(rough: Vector, noise: float) -> tuple[Vector, float]:
    """Each hour drawn towards weekday × hour of the day, as far as chance alone could have set it apart.

    `noise` is the variance that chance leaves in an hour's mean. Without this the largest of 168 noisy hours would
    be taken for the peak (Efron & Morris 1975 on the same with batting averages).
    """
    product = _product(rough)
    apart = float(((rough - product) ** 2).sum()) / ((DAY_HOURS - 1) * (WEEK_HOURS // DAY_HOURS - 1))
    own = max(0.0, 1.0 - noise / apart) if apart > 0 else 0.0
    return np.asarray(own * rough + (1.0 - own) * product), own


def _last_level(history: Hourly, place: Ints, profile: Vector, growth: float) -> float:
    """The level at the end: the last week's jobs over what the profile says of it, half a week's growth added.

    A week, also where the profile is of a day: a Sunday alone would tell too little of Monday.
    """
    last = slice(max(0, len(history) - WEEK_HOURS), len(history))
    counts = history.counts[last]
    known = np.isfinite(counts)
    if known.sum() < KNOWN_SHARE * len(counts):
        last, counts = slice(0, len(history)), history.counts
        known = np.isfinite(counts)
    weight = float(profile[place[last]][known].sum())
    level = float(counts[known].sum()) / weight if weight > 0 else 0.0
    return level * (1.0 + growth) ** 0.5 if len(profile) == WEEK_HOURS else level
