"""Knows arrivals that come in spells: two rates that take turns (MMPP), found from how counts scatter by window.

The rate of two phases has variance σ² and forgets itself at r a second. For windows of t seconds, half the mean square
of the difference of neighbours, over the mean, is then 1 + σ²·(2(rt − 1 + e⁻ʳᵗ) − (1 − e⁻ʳᵗ)²) / (λ·t·r²); differences
leave slow rises and falls out. The third cumulant of the counts tells how lopsided the two phases are.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy import optimize

from planner.fit.observed import Steps
from planner.laws.arrivals import Mmpp
from planner.laws.named import Vector

WINDOWS = 100
# Scatter must grow this much from the shortest window to the longest, or the spells are shorter than a step.
GROWTH = 1.4
# The two rates must explain the scatter at every window this closely.
MISFIT = 0.25
LEAST_SHARE = 0.02


@dataclass(frozen=True, slots=True, eq=False)
class Scatter:
    """Scatter of counts (1 for Poisson) at windows of some lengths, seconds."""

    windows: Vector
    values: Vector


def scatter_by_window(steps: Steps) -> Scatter | None:
    """At windows of 1, 2, 4, … steps, as long as there are a hundred of each; None where a step is unknown."""
    counts = steps.counts
    if not np.isfinite(counts).all() or counts.sum() <= 0:
        return None
    found: list[tuple[float, float]] = []
    each = 1
    while len(counts) // each >= WINDOWS:
        sums = windows_of(counts, each)
        found.append((each * steps.step_seconds, float((np.diff(sums) ** 2).mean() / 2 / sums.mean())))
        each *= 2
    return Scatter(*map(np.array, zip(*found, strict=True))) if len(found) > 2 else None


def windows_of(counts: Vector, each: int) -> Vector:
    """Counts of windows of so many steps."""
    return np.asarray(counts[: len(counts) // each * each].reshape(-1, each).sum(axis=1))


def fit_spells(steps: Steps, per_second: float, interval_scv: float | None) -> Mmpp | None:
    """Two rates that explain the scatter of the counts; None where none do, or where the intervals alone do.

    Independent intervals scatter the counts of long windows as much as their squared CV.
    """
    seen = scatter_by_window(steps)
    if seen is None or seen.values.max() < GROWTH * max(seen.values[0], 1.0, interval_scv or 0.0):
        return None
    variance, forgets = _variance_and_speed(seen, per_second)
    foretold = theory(seen.windows, variance, forgets, per_second)
    if np.abs(foretold / seen.values - 1.0).max() > MISFIT:
        return None
    return _two_rates(per_second, variance, forgets, _skewness(steps, variance, forgets))


def theory(windows: Vector, variance: float, forgets: float, per_second: float) -> Vector:
    """The scatter that two rates bring about."""
    turns = forgets * windows
    kept = np.exp(-turns)
    excess = variance * (2.0 * (turns - 1.0 + kept) - (1.0 - kept) ** 2) / forgets**2
    return np.asarray(1.0 + excess / (per_second * windows))


def _variance_and_speed(seen: Scatter, per_second: float) -> tuple[float, float]:
    def gaps(log_parts: Vector) -> Vector:
        variance, forgets = np.exp(log_parts)
        return np.asarray(np.log(theory(seen.windows, variance, forgets, per_second) / seen.values))

    start = np.log([per_second**2, 2.0 / float(np.median(seen.windows))])
    found = optimize.least_squares(gaps, start)
    return float(math.exp(found.x[0])), float(math.exp(found.x[1]))


def _skewness(steps: Steps, variance: float, forgets: float) -> float:
    """Of the rate, from the third factorial cumulant of counts in windows about as long as a phase lasts."""
    each = min(max(1, round(1.0 / forgets / steps.step_seconds)), max(1, len(steps.counts) // WINDOWS))
    sums, window = windows_of(steps.counts, each), each * steps.step_seconds
    centred = sums - sums.mean()
    third = float((centred**3).mean() - 3.0 * (centred**2).mean() + 2.0 * sums.mean())
    turns = forgets * window
    kept = math.exp(-turns)
    area = window * (1.0 - kept * (1.0 + turns)) / forgets**2
    area -= (2.0 - kept * (turns**2 + 2.0 * turns + 2.0)) / forgets**3
    return float(third / (6.0 * variance**1.5 * area))


def _two_rates(per_second: float, variance: float, forgets: float, skewness: float) -> Mmpp:
    """The busy phase takes the share of time that gives this skewness; the quiet one has no negative rate."""
    busy = (1.0 - skewness / math.sqrt(4.0 + skewness**2)) / 2.0
    busy = min(max(busy, LEAST_SHARE), per_second**2 / (per_second**2 + variance))
    deviation = math.sqrt(variance)
    high = per_second + deviation * math.sqrt((1.0 - busy) / busy)
    low = max(0.0, per_second - deviation * math.sqrt(busy / (1.0 - busy)))
    return Mmpp((high, low), (forgets * (1.0 - busy), forgets * busy))
