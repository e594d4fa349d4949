"""Knows the hours that bring more than can be done, by mean rates alone: how far the backlog grows and when it is gone.

The flow is taken as a fluid. That is near the truth where the backlog is long; what chance adds is in the waits. What
fails comes back later, to the end of the line.
"""

from collections import deque
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from planner.laws.arrivals import Periodic
from planner.laws.named import Vector

# Rates between steps are taken as straight over this part of the period: a minute of a day.
_GRAIN = 1440
# The backlog repeats from the second period on when the mean load can be done; the third is what is told.
_PERIODS = 3
Stretches = tuple[tuple[float, float], ...]
# Of the first attempts, the second and so on: the share that comes back, and after how many seconds.
Returns = tuple[tuple[float, float], ...]


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


# Asked again for the same queue by all that simulate it.
@lru_cache(maxsize=64)
def overloads(
    arrivals: Periodic, per_second: float, closed: Stretches = (), returns: Returns = ()
) -> tuple[Overload, ...]:
    """All of a period, in order; `per_second` attempts can be done while open, more than there are on average."""
    shares = [share for share, _ in returns]
    if arrivals.largest_rate * float(1.0 + np.cumprod(shares).sum()) <= per_second and not closed:
        return ()
    times, backlog = fluid(arrivals, per_second, closed, returns)
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


def fluid(
    arrivals: Periodic, per_second: float, closed: Stretches = (), returns: Returns = ()
) -> tuple[Vector, Vector]:
    """Moments and the attempts that wait at each; a moment at which the line runs dry is one of them."""
    steps = [*arrivals.steps, *(moment for stretch in closed for moment in stretch)]
    grid = np.union1d(np.linspace(0.0, arrivals.period, _GRAIN + 1), steps)
    grid = grid[np.append(np.diff(grid) > 1e-9 * arrivals.period, True)]
    starts = np.concatenate([grid[:-1] + turn * arrivals.period for turn in range(_PERIODS)])
    ends = np.append(starts[1:], _PERIODS * arrivals.period)
    line = _Line(starts, returns)
    times, backlog = [0.0], [0.0]
    for cell, (start, end) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True)):
        middle = (start + end) / 2 % arrivals.period
        is_closed = any(begin <= middle < over for begin, over in closed)
        done = 0.0 if is_closed else per_second * (end - start)
        growth = line.go_on(cell, arrivals.rate_at(middle) * (end - start), done) - done
        after = backlog[-1] + growth
        if after < 0.0 < backlog[-1]:
            times.append(start - backlog[-1] / growth * (end - start))
            backlog.append(0.0)
        times.append(end)
        backlog.append(max(after, 0.0))
    return np.array(times), np.array(backlog)


@dataclass(frozen=True)
class _Line:
    """What waits, in order, each part by the number of its attempt; and what comes back when."""

    starts: Vector
    returns: Returns
    parts: deque[Vector] = field(default_factory=deque)
    back: dict[int, Vector] = field(default_factory=dict)

    def go_on(self, cell: int, coming: float, most: float) -> float:
        """How many come in this cell of time, those that come back included; `most` may start."""
        joining = self.back.pop(cell, np.zeros(len(self.returns) + 1))
        joining[0] += coming
        self.parts.append(joining)
        if self.returns:
            self._fail(cell, self._begun(most))
        return float(joining.sum())

    def _begun(self, most: float) -> Vector:
        begun = np.zeros(len(self.returns) + 1)
        while self.parts:
            first = self.parts.popleft()
            size = float(first.sum())
            if size > most:
                self.parts.appendleft((1.0 - most / size) * first)
                return begun + most / size * first
            begun += first
            most -= size
        return begun

    def _fail(self, cell: int, begun: Vector) -> None:
        for number, (share, seconds) in enumerate(self.returns):
            due = int(np.searchsorted(self.starts, self.starts[cell] + seconds, side="right")) - 1
            back = self.back.setdefault(max(due, cell + 1), np.zeros(len(begun)))
            back[number + 1] += share * begun[number]


def _busy(times: Vector, backlog: Vector) -> list[tuple[float, float]]:
    """Begin and end of each stretch with a backlog that has run dry by the end of `times`."""
    turns = np.diff(np.concatenate([[False], backlog > 0.0, [False]]).astype(int))
    pairs = zip(np.flatnonzero(turns == 1), np.flatnonzero(turns == -1), strict=True)
    return [(float(times[a - 1]), float(times[b])) for a, b in pairs if a > 0 and b < len(times)]
