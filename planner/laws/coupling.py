"""Knows how to turn unit exponentials into draws of any law, so that two laws can be driven by the same
chance.

A large exponential becomes a long service in both laws; that makes the difference of two runs far quieter
than either run (control variates, planner/simulation/controls.py).
"""

from functools import lru_cache

import numpy as np

from planner.laws.named import (
    BoundedPareto,
    Deterministic,
    Discrete,
    Exponential,
    Law,
    Mixture,
    Vector,
    Weibull,
    is_continuous,
)

# 40 / 16,384: the error of the straight lines between is below 1e-6 of the quantile for every law offered.
CELLS = 16_384
LARGEST = 40.0
_CLOSED = (Exponential, Deterministic, Discrete, BoundedPareto, Weibull)


def from_exponential(law: Law, unit: Vector) -> Vector:
    """Draws of `law`, one for each unit exponential, rising with it. Shape of `unit`."""
    if isinstance(law, Exponential):
        return law.mean * unit
    if isinstance(law, Mixture) and not is_continuous(law):
        return _by_parts(law, np.exp(-unit))
    if isinstance(law, _CLOSED):
        return law.upper_quantile(np.exp(-unit))
    quantiles, slopes = _table(law)  # type: ignore[arg-type]  # every law is a frozen dataclass
    place = np.minimum(unit, LARGEST * 0.999999) * (CELLS / LARGEST)
    cell = place.astype(np.int64)
    return quantiles[cell] + (place - cell) * slopes[cell]


def _by_parts(law: Mixture, above: Vector) -> Vector:
    """The largest parts for the largest draws: `above` is P(drawing more), cut at the shares of the parts."""
    order = sorted(range(len(law.laws)), key=lambda part: -law.laws[part].mean)
    out, below = np.empty_like(above), 0.0
    for part in order:
        here = (above >= below) & (above <= below + law.p[part])
        inside = np.clip((above[here] - below) / law.p[part], 1e-300, 1.0)
        out[here] = from_exponential(law.laws[part], -np.log(inside))
        below += law.p[part]
    return out


@lru_cache(maxsize=64)
def _table(law: Law) -> tuple[Vector, Vector]:
    quantiles = law.upper_quantile(np.exp(-np.linspace(0.0, LARGEST, CELLS + 1)))
    return quantiles[:-1], np.diff(quantiles)
