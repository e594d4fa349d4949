"""Knows the two exponentials that resemble a law: same mean, same variability, same part of the load in short jobs.

The wait depends on the law through the work left in busy slots; so the third thing kept is the part of the load
below the mean, E[min(S, mean)]/mean, and not the third moment, which a few huge jobs make.
"""

from typing import Any

import numpy as np

from planner.exact.two_phase import TwoPhases
from planner.laws.named import Law, scv

# Parts of the load that the fast ones may have; straight lines between are near enough for a likeness.
_SHARES = np.linspace(0.02, 0.98, 97)


def load_twin(law: Law) -> TwoPhases:
    """For a squared coefficient of variation above 1; the nearest there is where none has all three."""
    mean, variability = law.mean, scv(law)
    shares, wanted = _SHARES, float(law.capped_mean(mean)) / mean
    excess = _short_load(shares, variability) - wanted
    crossing = np.flatnonzero(excess[1:] * excess[:-1] <= 0.0)
    if len(crossing):
        # Where two have it, the one with the larger part in fast jobs is nearer to long-tailed laws.
        at = crossing[-1]
        part = excess[at] / (excess[at] - excess[at + 1]) if excess[at] != excess[at + 1] else 0.0
        share = float(shares[at] + part * (shares[at + 1] - shares[at]))
    else:
        share = float(shares[int(np.argmin(np.abs(excess)))])
    fast, slow = (float(one) for one in _means(share, variability))
    return TwoPhases((1.0 - share) / slow, (fast * mean, slow * mean))


def _means(share: Any, variability: float) -> tuple[Any, Any]:
    """Means of the two when `share` of the load is fast and the mean is 1: share/fast + (1 - share)/slow = 1 and
    share·fast + (1 - share)·slow = (1 + variability)/2.
    """
    half = (1.0 + variability) / 2.0
    middle = (half + 2.0 * share - 1.0) / (2.0 * share)
    fast = middle - np.sqrt(np.maximum(middle * middle - half, 0.0))
    return fast, (half - share * fast) / (1.0 - share)


def _short_load(share: Any, variability: float) -> Any:
    """E[min(S, 1)] with mean 1."""
    fast, slow = _means(share, variability)
    return share * -np.expm1(-1.0 / fast) + (1.0 - share) * -np.expm1(-1.0 / slow)
