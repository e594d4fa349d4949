"""Knows the two exponentials that resemble a law for the wait at many slots: its mean, and its load in jobs cut short.

The wait depends on the law through the work left in busy slots. Jobs far longer than the queue remembers hold a slot as
if for ever, whether ten or a thousand times as long as others; so two parts of the load are kept, E[min(S, mean)] and
E[min(S, 8·mean)], and not the variability, which a few huge jobs make (docs/decisions/0104).
"""

from functools import lru_cache
from math import exp, log, log1p

import numpy as np

from planner.exact.two_phase import TwoPhases
from planner.laws.named import Law, Matrix, Vector

# Where services are cut, in means.
CUTS = (1.0, 8.0)
_FAST, _SHARE = np.geomspace(0.01, 0.995, 60), 1.0 - np.geomspace(1e-4, 0.999, 80)


def long_jobs(law: Law) -> bool:
    """Whether more of the load lies beyond the last cut than an exponential law has there; else it tells nothing."""
    cut = CUTS[-1] * law.mean
    return float(law.capped_mean(cut)) < law.mean * (1.0 - exp(-CUTS[-1]))


def capped_twin(law: Law) -> TwoPhases:
    """For a squared coefficient of variation above 1 and a law with long jobs; the nearest there is where none has both
    parts of the load.
    """
    mean = law.mean
    wanted = [log(max(1.0 - float(law.capped_mean(cut * mean)) / mean, 1e-12)) for cut in CUTS]
    fast, share = _refined(*_nearest(wanted), wanted)
    slow = _slow(fast, share)
    return TwoPhases(1.0 - share, (fast * mean, slow * mean))


def _slow(fast: float, share: float) -> float:
    """The mean of the slow ones where that of all is 1."""
    return (1.0 - share * fast) / (1.0 - share)


def _cut_off(fast: float, share: float, cut: float) -> float:
    """Logarithm of the load that is cut off."""
    load = share * fast
    return log(load * exp(-cut / fast) + (1.0 - load) * exp(-cut / _slow(fast, share)))


@lru_cache(maxsize=1)
def _grid() -> list[Matrix]:
    fast, share = _FAST[:, None], _SHARE[None, :]
    load = share * fast
    slow = (1.0 - load) / (1.0 - share)
    return [np.log(load * np.exp(-cut / fast) + (1.0 - load) * np.exp(-cut / slow)) for cut in CUTS]


def _nearest(wanted: list[float]) -> tuple[float, float]:
    first, second = _grid()
    off = (first - wanted[0]) ** 2 + (second - wanted[1]) ** 2
    row, column = np.unravel_index(int(np.argmin(off)), off.shape)
    return float(_FAST[row]), float(_SHARE[column])


def _refined(fast: float, share: float, wanted: list[float]) -> tuple[float, float]:
    """Newton's steps on the scale of odds, each only as long as it helps."""

    def there(x: float, y: float) -> tuple[float, float]:
        return 1.0 / (1.0 + exp(-x)), 1.0 / (1.0 + exp(-y))

    def off(x: float, y: float) -> Vector:
        return np.array(
            [_cut_off(*there(x, y), cut) - value for cut, value in zip(CUTS, wanted, strict=True)]
        )

    x, y = log(fast) - log1p(-fast), log(share) - log1p(-share)
    here, h = off(x, y), 1e-5
    for _ in range(25):
        if abs(here).max() < 1e-9:
            break
        (a, c), (b, d) = (off(x + h, y) - here) / h, (off(x, y + h) - here) / h
        turn = a * d - b * c
        if abs(turn) < 1e-12:
            break
        step_x, step_y = (b * here[1] - d * here[0]) / turn, (c * here[0] - a * here[1]) / turn
        size = min(1.0, 0.5 / max(abs(step_x), abs(step_y), 1e-300))
        then = off(x + size * step_x, y + size * step_y)
        if then @ then >= here @ here:
            break
        x, y, here = x + size * step_x, y + size * step_y, then
    return there(x, y)
