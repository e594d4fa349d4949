"""Knows the hours that bring more than can be done, by mean rates alone: how far the backlog grows and when it is gone.

The flow is taken as a fluid. That is near the truth where the backlog is long; what chance adds is in the waits.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from planner.laws.arrivals import Periodic
from planner.laws.named import Vector

# Rates between steps are taken as straight over this part of the period: a minute of a day.
_GRAIN = 1440
# The backlog repeats from the second period on when the mean load can be done; the third is what is told.
_PERIODS = 3
Stretches = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Overload:
    """One stretch with a backlog. Moments are seconds from the start of the period in which it begins.

    More arrives than can be done from `begins` to `ends`; then `largest_backlog` jobs wait, until `drained`. It is
    `paused` where it begins with a pause.
    """

    begins: float
    ends: float
    largest_backlog: float
    drained: float
    paused: bool = False


def overloads(arrivals: Periodic, per_second: float, closed: Stretches = ()) -> tuple[Overload, ...]:
    """All of a period, in order; `per_second` jobs can be done with all their attempts while open, more than come on
    average.
    """
    if arrivals.largest_rate <= per_second and not closed:
        return ()
    times, backlog = fluid(arrivals, per_second, closed)
    found, period = [], arrivals.period
    for begins, ends in _busy(times, backlog):
        if (_PERIODS - 2) * period <= begins < (_PERIODS - 1) * period:
            inside = (times >= begins) & (times <= ends)
            peak = int(np.argmax(np.where(inside, backlog, -1.0)))
            start = begins // period * period
            paused = any(abs(begins - start - begin) < 1e-6 * period for begin, _ in closed)
            moments = begins - start, float(times[peak]) - start, float(backlog[peak]), ends - start
            found.append(Overload(*moments, paused))
    return tuple(found)


def fluid(arrivals: Periodic, per_second: float, closed: Stretches = ()) -> tuple[Vector, Vector]:
    """Moments and the jobs of the backlog at each; a moment at which it runs dry is one of them."""
    steps = [*arrivals.steps, *(moment for stretch in closed for moment in stretch)]
    grid = np.union1d(np.linspace(0.0, arrivals.period, _GRAIN + 1), steps)
    grid = grid[np.append(np.diff(grid) > 1e-9 * arrivals.period, True)]
    times, backlog = [0.0], [0.0]
    for turn in range(_PERIODS):
        for start, end in pairwise(grid):
            middle = (start + end) / 2
            is_closed = any(begin <= middle < over for begin, over in closed)
            growth = arrivals.rate_at(middle) - (0.0 if is_closed else per_second)
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
