"""Knows M_t/M/c: Poisson arrivals whose rate follows the clock, in the periodic steady state.

Kolmogorov's forward equations are integrated over one period again and again until the end equals the start.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from planner.exact.mixture import ErlangMixture
from planner.laws.arrivals import Periodic
from planner.laws.named import Vector

BINS = 24
# More states than this take longer than a simulation that is sure to 0.4 %: a backlog of thousands.
MOST_STATES = 4000
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(32)


@dataclass(frozen=True, slots=True)
class DailyWait:
    """The wait of all jobs, that of the jobs of each twenty-fourth of the period, and the share of each in
    all.
    """

    overall: ErlangMixture
    bins: tuple[ErlangMixture, ...]
    lost: float = 0.0

    @property
    def worst_bin(self) -> int:
        return int(np.nanargmax([wait.mean for wait in self.bins]))  # no mean where nobody comes


def daily_wait(
    slots: int, arrivals: Periodic, service_seconds: float, places: int | None = None
) -> DailyWait | None:
    """Any load whose mean is below the slots; with `places`, any load. None where the backlog has too many states."""
    room = places or _enough_room(slots, arrivals, service_seconds)
    while room <= MOST_STATES + slots:
        seen = _seen_by_arrivals(slots, room, arrivals, service_seconds)
        if places or seen[:, -1].sum() < 1e-10 * seen.sum():
            return _waits(slots, seen, service_seconds, finite=places is not None)
        room = 2 * room
    return None


def _waits(slots: int, seen: Vector, service_seconds: float, finite: bool) -> DailyWait:
    accepted = seen[:, :-1] if finite else seen
    waits = tuple(_mixture(slots, states, service_seconds) for states in accepted)
    overall = _mixture(slots, accepted.sum(axis=0), service_seconds)
    return DailyWait(overall, waits, float(1.0 - accepted.sum() / seen.sum()))


def _mixture(slots: int, states: Vector, service_seconds: float) -> ErlangMixture:
    with np.errstate(invalid="ignore"):  # a part of the period in which nobody comes has no wait
        queued = states[slots:] / states.sum()
    return ErlangMixture(slots / service_seconds, np.append(np.cumsum(queued[::-1])[::-1], 0.0))


def _enough_room(slots: int, arrivals: Periodic, service_seconds: float) -> int:
    """States for the fluid's largest backlog and seven times its deviation, or for the tail of the busiest hour."""
    speed = slots / service_seconds
    times = np.linspace(0.0, 2 * arrivals.period, 4001)
    step = times[1] - times[0]
    backlog = variance = largest = 0.0
    for rate in (arrivals.rate_at(t) for t in times):
        backlog = max(0.0, backlog + (rate - speed) * step)
        variance = variance + (rate + speed) * step if backlog else 0.0
        largest = max(largest, backlog + 7.0 * np.sqrt(variance))
    spare = max(0.02, 1.0 - arrivals.largest_rate / speed)
    return int(slots + max(largest, 35 / spare) + 12 * np.sqrt(slots))


def _seen_by_arrivals(slots: int, room: int, arrivals: Periodic, service_seconds: float) -> Vector:
    """Mean number of arrivals of each bin that find n jobs; shape (BINS, room + 1)."""
    state = _start(slots, room, arrivals, service_seconds)
    pieces = _pieces(arrivals)
    for _ in range(200):
        seen, end = _one_period(state, slots, arrivals, service_seconds, pieces)
        drift = float(np.abs(end - state).sum())
        state = end
        if drift < 1e-9:
            break
    return seen


def _start(slots: int, room: int, arrivals: Periodic, service_seconds: float) -> Vector:
    n = np.arange(room + 1)
    load = min(arrivals.rate_at(0.0) * service_seconds, 0.97 * slots)
    busy = np.minimum(n, slots)
    log_p = np.cumsum(np.append(0.0, np.log(max(load, 1e-12)) - np.log(busy[1:])))
    p = np.exp(log_p - log_p.max())
    return np.asarray(p / p.sum())


def _pieces(arrivals: Periodic) -> Vector:
    """Edges between which the rate is smooth and the bin the same."""
    edges = np.union1d(np.linspace(0.0, arrivals.period, BINS + 1), arrivals.steps)
    return np.asarray(edges[np.append(True, np.diff(edges) > 1e-9 * arrivals.period)])


def _one_period(
    state: Vector, slots: int, arrivals: Periodic, service_seconds: float, pieces: Vector
) -> tuple[Vector, Vector]:
    from scipy import integrate  # takes as long to load as a whole answer without it

    seen = np.zeros((BINS, len(state)))
    leave = np.minimum(np.arange(len(state)), slots) / service_seconds
    for start, end in pairwise(pieces):
        half = (end - start) / 2
        nodes = start + half * (1.0 + _NODES)
        solved = integrate.solve_ivp(
            _Flow(arrivals, (start + end) / 2, leave), (start, end), state, method="LSODA",
            t_eval=np.append(nodes, end), rtol=1e-8, atol=1e-13, lband=1, uband=1,
        )  # fmt: skip
        at_nodes = np.maximum(solved.y[:, :-1], 0.0)
        rates = np.array([arrivals.rate_at(t) for t in nodes])
        seen[int((start + end) / 2 / arrivals.period * BINS)] += at_nodes @ (rates * _WEIGHTS * half)
        state = np.maximum(solved.y[:, -1], 0.0)
        state /= state.sum()
    return seen, state


@dataclass(frozen=True, slots=True)
class _Flow:
    """dp/dt of the birth-and-death chain. `middle` lies inside the smooth piece: a step belongs to its
    other side.
    """

    arrivals: Periodic
    middle: float
    leave: Vector

    def __call__(self, t: float, p: Vector) -> Vector:
        up = self.arrivals.rate_at(t + 1e-9 * (self.middle - t)) * p
        up[-1] = 0.0
        down = self.leave * p
        change = -up - down
        change[1:] += up[:-1]
        change[:-1] += down[1:]
        return np.asarray(change)
