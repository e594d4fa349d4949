"""Knows the hours that bring more than can be done, by mean rates alone: how far the backlog grows and when it is gone.

The flow is taken as a fluid. That is near the truth where the backlog is long; what chance adds is in the waits.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from planner.arrivals import Periodic
from planner.laws import Vector

# Rates between steps are taken as straight over this part of the period: a minute of a day.
_GRAIN = 1440
# The backlog repeats from the second period on when the mean load can be done; the third is what is told.
_PERIODS = 3


@dataclass(frozen=True, slots=True)
class Overload:
    """One stretch with a backlog. Moments are seconds from the start of the period in which it begins.

    More arrives than can be done from `begins` to `ends`; then `largest_backlog` jobs wait, until `drained`.
    """

    begins: float
    ends: float
    largest_backlog: float
    drained: float


def overloads(arrivals: Periodic, attempts_per_job: float, per_second: float) -> tuple[Overload, ...]:
    """All of a period, in order; `per_second` attempts can be done, which is more than come on average."""
    if arrivals.largest_rate * attempts_per_job <= per_second:
        return ()
    times, backlog = fluid(arrivals, attempts_per_job, per_second)
    found, period = [], arrivals.period
    for begins, ends in _busy(times, backlog):
        if (_PERIODS - 2) * period <= begins < (_PERIODS - 1) * period:
            inside = (times >= begins) & (times <= ends)
            peak = int(np.argmax(np.where(inside, backlog, -1.0)))
            start = begins // period * period
            found.append(
                Overload(begins - start, float(times[peak]) - start, float(backlog[peak]), ends - start)
            )
    return tuple(found)


def fluid(arrivals: Periodic, attempts_per_job: float, per_second: float) -> tuple[Vector, Vector]:
    """Moments and the backlog at each; a moment at which it runs dry is one of them."""
    grid = np.union1d(np.linspace(0.0, arrivals.period, _GRAIN + 1), arrivals.steps)
    grid = grid[np.append(np.diff(grid) > 1e-9 * arrivals.period, True)]
    times, backlog = [0.0], [0.0]
    for turn in range(_PERIODS):
        for start, end in pairwise(grid):
            growth = arrivals.rate_at((start + end) / 2) * attempts_per_job - per_second
            after = backlog[-1] + growth * (end - start)
            if after < 0.0 < backlog[-1]:
                times.append(turn * arrivals.period + start - backlog[-1] / growth)
                backlog.append(0.0)
            times.append(turn * arrivals.period + end)
            backlog.append(max(after, 0.0))
    return np.array(times), np.array(backlog)


def _busy(times: Vector, backlog: Vector) -> list[tuple[float, float]]:
    """Begin and end of each stretch with a backlog that has run dry by the end of `times`."""
    turns = np.diff(np.concatenate([[False], backlog > 0.0, [False]]).astype(int))
    pairs = zip(np.flatnonzero(turns == 1), np.flatnonzero(turns == -1), strict=True)
    return [(float(times[a - 1]), float(times[b])) for a, b in pairs if a > 0 and b < len(times)]
