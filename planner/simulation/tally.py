"""Knows how to count a million durations so that any mean, share or quantile can be asked later.

A duration's bin is the exponent and the first eight bits of its mantissa: bins are 0.3 % wide, whatever the
scale, and cost one shift a value.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from planner.laws.named import Vector

_SHIFT = 52 - 8
# From 2**-34 s (0.06 ns) to 2**30 s (34 years).
_FIRST = (1023 - 34) << 8
_BINS = (34 + 30) << 8


@dataclass(frozen=True, slots=True)
class Tally:
    """`shares[k]`: which part of the values lies above the lower edge of bin k; the first is that of all above 0."""

    count: int
    total: float
    shares: Vector

    @property
    def mean(self) -> float:
        return self.total / self.count if self.count else float("nan")


def tally(values: Vector) -> Tally:
    """Counts of values >= 0 (seconds)."""
    positive = values[values > 0.0]
    place = (np.ascontiguousarray(positive).view(np.int64) >> _SHIFT) - _FIRST
    counts = np.bincount(np.clip(place, 0, _BINS - 1), minlength=_BINS)
    above = np.cumsum(counts[::-1])[::-1]
    return Tally(len(values), float(values.sum()), above / max(len(values), 1))


@cache
def edges() -> Vector:
    """Lower edges of the bins; the first stands for 0."""
    lower = ((np.arange(_BINS, dtype=np.int64) + _FIRST) << _SHIFT).view(np.float64)
    lower[0] = 0.0
    return lower


def share_above(shares: Vector, t: float) -> float:
    """P(X > t) by straight lines between the edges."""
    return float(np.interp(t, edges(), shares))


def crossing(shares: Vector, rest: float) -> float:
    """The t at which the share above falls to `rest`; 0 where it never was above."""
    if shares[0] <= rest:
        return 0.0
    over = np.flatnonzero(shares > rest)[-1]
    lower = edges()
    if over + 1 >= len(shares):
        return float(lower[over])
    part = (shares[over] - rest) / (shares[over] - shares[over + 1])
    return float(lower[over] + part * (lower[over + 1] - lower[over]))
