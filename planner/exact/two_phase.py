"""Knows the chance to wait longer than a time in M/H2/c: Poisson arrivals, services that are one of two exponentials.

The chain of qbd.py for this one law, made to be asked a thousand times: only the number of slots that serve
a slow job counts, numbers far from the usual are left out, and the wait needs no list of completions: jobs that come
while one waits are Poisson (Haji & Newell 1971), so P(W > t) = π·(I - R)⁻¹·exp((S + R·A)·t)·1, where S moves and A
refills the slots.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from planner.laws.named import Matrix, Vector

# Deviations of the number of slow jobs, and of jobs in all, that are kept; a few more either side.
_DEVIATIONS, _MARGIN = 4.5, 4
_BUSY_DEVIATIONS = 5.5


@dataclass(frozen=True, slots=True)
class TwoPhases:
    """A service is slow with chance `slow`; means in seconds, the fast one first."""

    slow: float
    means: tuple[float, float]

    @property
    def mean(self) -> float:
        return (1.0 - self.slow) * self.means[0] + self.slow * self.means[1]

    def window(self, busy: int) -> tuple[int, int]:
        """Fewest and most slow ones among `busy` slots."""
        usual = self.slow * self.means[1] / self.mean
        reach = _DEVIATIONS * np.sqrt(busy * usual * (1.0 - usual)) + _MARGIN
        return max(0, int(busy * usual - reach)), min(busy, int(busy * usual + reach) + 1)

    def done(self, busy: int) -> Vector:
        """Completions a second, by the number of slow ones."""
        low, high = self.window(busy)
        slow = np.arange(low, high + 1)
        return np.asarray(slow / self.means[1] + (busy - slow) / self.means[0])


# Asked again for the same law on one slot more or fewer.
@lru_cache(maxsize=1024)
def _leave(law: TwoPhases, busy: int) -> Matrix:
    """Rates into states of busy - 1; rows are the window of `busy`."""
    low, high = law.window(busy)
    slow = np.arange(low, high + 1)
    fast_rate, slow_rate = (busy - slow) / law.means[0], slow / law.means[1]
    return _moved(law.window(busy - 1), slow - 1, slow_rate, slow, fast_rate)


@lru_cache(maxsize=1024)
def _enter(law: TwoPhases, busy: int) -> Matrix:
    """Chances into states of busy + 1."""
    low, high = law.window(busy)
    slow = np.arange(low, high + 1)
    return _moved(law.window(busy + 1), slow + 1, law.slow, slow, 1.0 - law.slow)


def _moved(window: tuple[int, int], first: Any, weight: Any, second: Any, other: Any) -> Matrix:
    """From each row `weight` to the state `first`, `other` to `second`; the window's edges keep who would leave it."""
    low, high = window
    found = np.zeros((len(first), high - low + 1))
    place = np.arange(len(first))
    found[place, np.minimum(np.maximum(first, low), high) - low] = weight
    found[place, np.minimum(np.maximum(second, low), high) - low] += other
    return found


@dataclass(frozen=True)
class TwoPhaseWait:
    """`waiting` are the chances of the states that a job which waits finds, `generator` is what ends its wait."""

    waiting: Vector
    generator: Matrix

    @cached_property
    def _rate(self) -> float:
        return float(-self.generator.diagonal().min())

    @property
    def mean(self) -> float:
        return float(self.waiting @ np.linalg.solve(-self.generator, np.ones(len(self.waiting))))

    def tail(self, t: float) -> float:
        """By ticks of the largest rate: nothing cancels."""
        step = np.eye(len(self.generator)) + self.generator / self._rate
        ticks, state = self._rate * t, self.waiting
        log_weight, found = -ticks, np.exp(-ticks) * state.sum()
        for n in range(1, int(ticks + 8.0 * np.sqrt(ticks) + 12)):
            state = state @ step
            log_weight += np.log(ticks / n) if ticks > 0 else -np.inf
            found += np.exp(log_weight) * state.sum()
        return float(found)


def wait(arrival_rate: float, law: TwoPhases, slots: int) -> TwoPhaseWait:
    """Utilisation below 1."""
    refill = _leave(law, slots) @ _enter(law, slots - 1)
    done = refill.sum(axis=1)
    rate_matrix = _rate_matrix(arrival_rate, refill, done)
    top = rate_matrix @ refill - np.diag(arrival_rate + done)
    level, below = _level(arrival_rate, law, slots, top)
    identity = np.eye(len(top))
    waiting: Vector = np.asarray(np.linalg.solve((identity - rate_matrix).T, level))
    waiting /= below + waiting.sum()
    return TwoPhaseWait(waiting, top + arrival_rate * identity)


def mean_and_tails(arrival_rate: float, law: TwoPhases, slots: int, times: Vector) -> Vector:
    """The mean wait, and P(W > t) for each of `times`; utilisation below 1."""
    from planner.acceleration import COMPILED
    from planner.exact import two_phase_kernel  # loads the compiler, which who asks for one wait does without

    if not COMPILED:
        found = wait(arrival_rate, law, slots)
        return np.array([found.mean, *(found.tail(t) for t in times)])
    low, high = law.window(slots)
    size = max(high - low + 4, 8)
    rooms, out = np.empty((two_phase_kernel.ROOMS, size, 3 * size)), np.empty(len(times) + 1 + size)
    shape = (_DEVIATIONS, _BUSY_DEVIATIONS, float(_MARGIN))
    two_phase_kernel.solve(
        arrival_rate, law.slow, law.means[0], law.means[1], slots, shape, np.asarray(times), rooms, out
    )
    return out[: len(times) + 1]


def _rate_matrix(arrival_rate: float, refill: Matrix, done: Vector) -> Matrix:
    """R by logarithmic reduction (Latouche & Ramaswami 1993)."""
    size, identity = len(refill), np.eye(len(refill))
    rise: Any
    fall: Any
    rise, fall = np.diag(arrival_rate / (arrival_rate + done)), refill / (arrival_rate + done)[:, None]
    passage, through = fall.copy(), rise.copy()
    for _ in range(60):
        both = np.linalg.solve(identity - rise @ fall - fall @ rise, np.hstack([rise @ rise, fall @ fall]))
        rise, fall = both[:, :size], both[:, size:]
        passage += through @ fall
        through = through @ rise
        if through.sum(axis=1).max() < 1e-9:
            break
    return np.asarray(arrival_rate * np.linalg.inv(np.diag(arrival_rate + done) - arrival_rate * passage))


def _level(arrival_rate: float, law: TwoPhases, slots: int, top: Matrix) -> tuple[Vector, float]:
    """Weights of the states with all slots busy and nobody waiting, and the sum of those of all fewer."""
    load = arrival_rate * law.mean
    lowest = max(0, min(slots - 1, int(load - _BUSY_DEVIATIONS * np.sqrt(load) - _MARGIN)))
    censored, ratios = top, []
    for busy in range(slots - 1, lowest - 1, -1):
        ratios.append(arrival_rate * (_enter(law, busy) @ np.linalg.inv(-censored)))
        censored = ratios[-1] @ _leave(law, busy + 1)
        done = law.done(busy) if busy > lowest else 0.0
        censored[np.diag_indices(len(censored))] -= arrival_rate + done
    weights = _left_null(censored)
    below = 0.0
    for ratio in reversed(ratios):
        below += float(weights.sum())
        weights = np.asarray(weights @ ratio)
    return weights, below


def _left_null(generator: Matrix) -> Vector:
    """x with x·generator = 0 and sum 1."""
    system = np.vstack([generator.T, np.ones(len(generator))])
    return np.asarray(np.linalg.lstsq(system, np.append(np.zeros(len(generator)), 1.0), rcond=None)[0])
