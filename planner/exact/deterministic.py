"""Knows the wait in M/D/c: Poisson arrivals, every job takes the same time (Crommelin 1932, Franx 2001)."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from planner.laws.named import Vector

# Queue lengths less likely than this are left out.
NEGLIGIBLE = 1e-16
TOGETHER = 32


@dataclass(frozen=True, slots=True)
class DeterministicWait:
    """`queue_at_most[m]` = P(at most m jobs wait), at any moment."""

    slots: int
    arrival_rate: float
    service_seconds: float
    queue_at_most: Vector

    @property
    def mean(self) -> float:
        """By Little's law from the mean queue length."""
        return float((1.0 - self.queue_at_most).sum() / self.arrival_rate)

    def tail(self, t: float) -> float:
        """Franx: W <= t when the slots' worth of jobs that t allows are not exceeded by those ahead."""
        periods = int(t // self.service_seconds) + 1
        if periods * self.slots > len(self.queue_at_most) + 40 * (self.slots + 10):
            return 0.0
        expected = self.arrival_rate * (periods * self.service_seconds - t)
        j = np.arange(periods * self.slots)
        poisson = np.exp(special.xlogy(j, expected) - expected - special.gammaln(j + 1))
        below = self.queue_at_most[np.minimum(periods * self.slots - 1 - j, len(self.queue_at_most) - 1)]
        return max(0.0, 1.0 - float(poisson @ below))


def deterministic_wait(slots: int, arrival_rate: float, service_seconds: float) -> DeterministicWait:
    """The wait in M/D/c with utilisation below 1."""
    load = arrival_rate * service_seconds
    points = 1 << int(np.ceil(np.log2(2 * _longest_queue(slots, load) + 64)))
    waiting = _queue_lengths(slots, load, points)
    return DeterministicWait(slots, arrival_rate, service_seconds, np.minimum(np.cumsum(waiting), 1.0))


def _longest_queue(slots: int, load: float) -> float:
    """Queue length where the tail is negligible: it falls as z**-m, z the root of z**slots =
    exp(load·(z-1)).
    """
    low, high = 1.0 + 1e-12, 1.0 + 3.0 * (slots / load - 1.0) + 3.0 / slots
    while slots * math.log(high) > load * (high - 1.0):
        high *= 2.0
    peak = slots / load
    low = max(low, peak)
    # A length is wanted: a thousandth of what the root is above 1 is near enough.
    while high - low > 1e-3 * (low - 1.0):
        middle = (low + high) / 2
        if not low < middle < high:
            break
        low, high = (middle, high) if slots * math.log(middle) > load * (middle - 1.0) else (low, middle)
    return -math.log(NEGLIGIBLE) / math.log(low) + 10.0 * math.sqrt(slots)


def _queue_lengths(slots: int, load: float, points: int) -> Vector:
    """P(m jobs wait), m < points: M' = max(M + Poisson(load) - slots, 0), through its generating function

    E[z**M] = (slots - load)·(z - 1) / (z**slots - exp(load·(z - 1))) · Π (z - z_k)/(1 - z_k),
    z_k the other roots inside the unit circle (Bailey 1954), read off on that circle.
    """
    z = np.exp(-2j * np.pi * np.arange(1, points // 2 + 1) / points)
    log_product, roots = np.zeros(len(z), dtype=complex), _roots(slots, load)
    # A few dozen factors at a time neither overflow nor need a logarithm each.
    for some in np.split(roots, range(TOGETHER, len(roots), TOGETHER)):
        log_product += np.log(((z[:, None] - some) / (1.0 - some)).prod(axis=1))
    values = (slots - load) * (z - 1.0) / (z**slots - np.exp(load * (z - 1.0))) * np.exp(log_product)
    return np.maximum(np.fft.irfft(np.append(1.0, values), points), 0.0)


def _roots(slots: int, load: float) -> NDArray[np.complex128]:
    """z_k = -(slots/load)·W(-(load/slots)·exp(-load/slots)·exp(2πik/slots)), Lambert's principal branch."""
    turns = np.exp(2j * np.pi * np.arange(1, slots) / slots)
    density = load / slots
    return np.asarray(-special.lambertw(-density * np.exp(-density) * turns) / density)
