"""Knows how sure a fitted number is: the number, its 95 % band, and how many values it rests on."""

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

from planner.laws.named import Law

SURE = 1.959964


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value and its 95 % band from `count` values; value None where it can't be known, and `why` says so."""

    value: float | None
    low: float | None
    high: float | None
    count: float
    why: str = ""

    @classmethod
    def around(cls, value: float, half_width: float, count: float, least: float = 0.0) -> "Estimate":
        return cls(value, max(least, value - half_width), value + half_width, count)

    @classmethod
    def unknown(cls, why: str, low: float | None = None, high: float | None = None) -> "Estimate":
        return cls(None, low, high, 0, why)


def share(hits: float, of: float) -> Estimate:
    """A ratio of counts with the exact band of Clopper and Pearson (1934)."""
    if of <= 0:
        return Estimate.unknown("nothing was seen")
    hits = min(hits, of)
    low = float(special.betaincinv(hits, of - hits + 1, 0.025)) if hits > 0 else 0.0
    high = float(special.betaincinv(hits + 1, of - hits, 0.975)) if hits < of else 1.0
    return Estimate(hits / of, low, high, of)


def mean_of(law: Law, count: float) -> Estimate:
    """The mean of `count` values that follow the law."""
    spread = math.sqrt(max(0.0, law.moment(2) - law.mean**2) / count)
    return Estimate.around(law.mean, SURE * spread, count)


def scv_of(law: Law, value: float, count: float) -> Estimate:
    """The squared coefficient of variation of `count` values that follow the law, by the delta method."""
    m1, m2, m3, m4 = (law.moment(order) for order in (1, 2, 3, 4))
    if not all(math.isfinite(m) for m in (m1, m2, m3, m4)) or m1 <= 0:
        return Estimate.unknown("the law has no fourth moment")
    by_first, by_second = -2.0 * m2 / m1**3, 1.0 / m1**2
    spread = (
        by_first**2 * (m2 - m1**2) + by_second**2 * (m4 - m2**2) + 2 * by_first * by_second * (m3 - m1 * m2)
    )
    return Estimate.around(value, SURE * float(np.sqrt(max(spread, 0.0) / count)), count)
