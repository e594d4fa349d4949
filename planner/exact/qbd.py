"""Knows quasi-birth-and-death chains: levels count jobs, phases say what the arrivals and the slots are
doing.

Below `slots` jobs each level has its own phases; from there on all levels are alike and their probabilities
fall as powers of a matrix R (Neuts 1981), found by logarithmic reduction (Latouche & Ramaswami 1993).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy import linalg, sparse

from planner.exact.mixture import ErlangMixture
from planner.laws.named import Matrix, Vector

# P(N > n) is listed until it is this small, or falls geometrically to this relative accuracy.
_SMALL, _STEADY = 1e-13, 1e-11


@dataclass(frozen=True, slots=True)
class ArrivalPhases:
    """A Markovian arrival process: rates of moving without (`quiet`, diagonal negative) and with an
    arrival.
    """

    quiet: Matrix
    arriving: Matrix

    @property
    def per_second(self) -> float:
        return float(stationary(self.quiet + self.arriving) @ self.arriving.sum(axis=1))


class ServicePhases(Protocol):
    """What n busy slots are doing, for every n up to `slots`; matrices of rates between such states."""

    @property
    def slots(self) -> int: ...

    def enter(self, busy: int) -> Matrix:
        """Where a new job leads from a state of `busy` slots: probabilities, into states of busy + 1."""
        ...

    def move(self, busy: int) -> Matrix:
        """Rates among states of `busy`, the diagonal minus the sum of these and of all completions."""
        ...

    def leave(self, busy: int) -> Matrix:
        """Rates of completion, into states of busy - 1."""
        ...


@dataclass(frozen=True, slots=True)
class QbdResult:
    """The wait, mean busy slots and the most jobs per second the slots could do."""

    wait: ErlangMixture
    mean_busy: float
    max_throughput: float


def solve(arrivals: ArrivalPhases, service: ServicePhases, lowest: int = 0) -> QbdResult:
    """Steady state with more work than can be done excluded by the caller.

    Levels below `lowest` must be so rare that leaving them out changes nothing.
    """
    slots = service.slots
    refill = service.leave(slots) @ service.enter(slots - 1)
    move = service.move(slots)
    up = np.asarray(np.kron(arrivals.arriving, np.eye(len(move))), dtype=np.float64)
    local = kron_sum(arrivals.quiet, move)
    down = np.asarray(np.kron(np.eye(len(arrivals.quiet)), refill), dtype=np.float64)
    r = rate_matrix(up, local, down)
    top = local + r @ down
    levels = levels_below(arrivals, service, top, lowest)
    beyond = np.asarray(linalg.solve((np.eye(len(r)) - r).T, levels[-1]))
    total = sum(float(level.sum()) for level in levels[:-1]) + float(beyond.sum())
    first = slots - len(levels) + 1
    busy = sum((first + i) * float(level.sum()) for i, level in enumerate(levels[:-1]))
    if len(arrivals.quiet) == 1:
        wait = _wait_by_length(top + up, beyond / total)
    else:
        wait = _wait(arrivals, r, levels[-1] / total, move, refill)
    return QbdResult(wait, (busy + slots * float(beyond.sum())) / total, max_throughput(service))


def max_throughput(service: ServicePhases) -> float:
    """Jobs per second when every slot is always taken."""
    refill = service.leave(service.slots) @ service.enter(service.slots - 1)
    return float(stationary(service.move(service.slots) + refill) @ refill.sum(axis=1))


def stationary(generator: Matrix) -> Vector:
    """π with π·generator = 0 and sum 1."""
    system = np.vstack([generator.T, np.ones(len(generator))])
    right = np.append(np.zeros(len(generator)), 1.0)
    return np.asarray(linalg.lstsq(system, right)[0])


def rate_matrix(up: Matrix, local: Matrix, down: Matrix) -> Matrix:
    """The smallest R >= 0 with up + R·local + R²·down = 0."""
    size = len(local)
    both = linalg.solve(-local, np.hstack([up, down]))
    rise, fall = both[:, :size], both[:, size:]
    first_passage, through = fall.copy(), rise.copy()
    for _ in range(60):
        mixed = np.eye(size) - rise @ fall - fall @ rise
        both = linalg.solve(mixed, np.hstack([rise @ rise, fall @ fall]))
        rise, fall = both[:, :size], both[:, size:]
        first_passage += through @ fall
        through = through @ rise
        if np.abs(through).sum(axis=1).max() < 1e-14:
            break
    return np.asarray(linalg.solve((-local - up @ first_passage).T, up.T).T)


def kron_sum(left: Matrix, right: Matrix) -> Matrix:
    return np.asarray(np.kron(left, np.eye(len(right))) + np.kron(np.eye(len(left)), right))


def levels_below(arrivals: ArrivalPhases, service: ServicePhases, top: Matrix, lowest: int) -> list[Vector]:
    """Probabilities (not yet scaled) of levels lowest..slots: each level's censored generator, from the top
    down.
    """
    phases = np.eye(len(arrivals.quiet))
    ratios: list[Matrix] = []
    censored = top
    for level in range(service.slots - 1, lowest - 1, -1):
        up = np.kron(arrivals.arriving, service.enter(level))
        ratios.append(linalg.solve(-censored.T, up.T).T)
        move = service.move(level)
        if level == lowest > 0:
            move = move + np.diag(service.leave(level).sum(axis=1))
        censored = kron_sum(arrivals.quiet, move) + ratios[-1] @ np.kron(phases, service.leave(level + 1))
    levels = [stationary(censored)]
    for ratio in reversed(ratios):
        levels.append(levels[-1] @ ratio)
    return levels


def _wait_by_length(ending: Matrix, waiting: Vector) -> ErlangMixture:
    """With Poisson arrivals: those that come while a job waits are what waits behind it (Haji & Newell 1971), so
    P(W > t) = waiting·exp(ending·t)·1, by ticks of its fastest clock.
    """
    rate = float(-ending.diagonal().min())
    step = np.eye(len(ending)) + ending / rate
    return _ticked(rate, waiting, lambda state: np.asarray(state @ step), np.sum)


def _wait(arrivals: ArrivalPhases, r: Matrix, level: Vector, move: Matrix, refill: Matrix) -> ErlangMixture:
    """Completions that must come before a job starts, on a clock that ticks at the largest rate of the slots.

    X_0 = (I - R)⁻¹·arrivals; every tick: X <- X·stay + R·X·complete; P(more than n ticks) = level·X_n·1.
    """
    rate = float(-move.diagonal().min())
    stay = sparse.csr_array(np.eye(len(move)) + move / rate)
    complete = sparse.csr_array(refill / rate)
    seen = np.kron(arrivals.arriving.sum(axis=1)[:, None], np.eye(len(move))) / arrivals.per_second
    start = np.asarray(linalg.solve(np.eye(len(r)) - r, seen))
    return _ticked(
        rate, start, lambda x: np.asarray(x @ stay + r @ (x @ complete)), lambda x: (level @ x).sum()
    )


def _ticked(
    rate: float, state: Matrix, tick: Callable[[Matrix], Matrix], share: Callable[[Matrix], float]
) -> ErlangMixture:
    """P(N > n) listed tick by tick, until it is nothing or falls by one ratio."""
    above = [float(share(state))]
    ratio = 0.0
    while above[-1] > _SMALL:
        state = tick(state)
        above.append(float(share(state)))
        if len(above) % 16 == 0:
            before, ratio = ratio, above[-1] / above[-2]
            if abs(ratio - before) < _STEADY * (1.0 - ratio):
                return ErlangMixture(rate, np.array(above), ratio)
    return ErlangMixture(rate, np.array(above))
