"""Knows in a millisecond whether jobs wait too long more often than allowed, or that this is too near to tell.

A queue that resembles the real one is solved. How far such answers were off the truth (docs/decisions/0104) says how
near is too near.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from planner.deterministic import deterministic_wait
from planner.erlang import exponential_wait
from planner.laws import Deterministic, Law, scv
from planner.load_twin import load_twin
from planner.two_phase import TwoPhases, tail

Verdict = Literal["holds", "broken", "unsure"]


@dataclass(frozen=True)
class Screen:
    """P(W > `seconds`) must be at most `share`, with Poisson arrivals and any service law."""

    arrival_rate: float
    service: Law
    seconds: float
    share: float

    @cached_property
    def variability(self) -> float:
        return scv(self.service)

    @cached_property
    def twin(self) -> TwoPhases:
        return load_twin(self.service)

    @cached_property
    def margin(self) -> float:
        """By what part of itself the answer may be off (seen: 3 % up to 2, 6 % at 3, 15 % at 4)."""
        return min(max(0.045, 0.03 + 0.016 * (self.variability - 1.0) ** 2), 0.5)

    @property
    def exact(self) -> bool:
        return isinstance(self.service, Deterministic) or abs(self.variability - 1.0) < 1e-12

    def tail(self, slots: int) -> float:
        """About P(W > seconds); utilisation below 1."""
        if self.variability > 1.0 + 1e-9:
            return tail(self.arrival_rate, self.twin, slots, self.seconds)
        return self._between(slots)

    def _between(self, slots: int) -> float:
        """Between constant and exponential service the logarithm of the tail is near a straight line."""
        mean = self.service.mean
        varied = exponential_wait(slots, self.arrival_rate, mean).tail(self.seconds)
        if self.variability > 1.0 - 1e-9 or varied <= 0.0:
            return varied
        constant = deterministic_wait(slots, self.arrival_rate, mean).tail(self.seconds)
        return float(varied**self.variability * max(constant, 1e-300) ** (1.0 - self.variability))

    def verdict(self, slots: int) -> Verdict:
        if slots <= self.arrival_rate * self.service.mean:
            return "broken"
        margin = 1e-9 if self.exact else self.margin
        distance = np.log(max(self.tail(slots), 1e-300) / self.share)
        if abs(distance) <= np.log1p(margin):
            return "unsure"
        return "holds" if distance < 0 else "broken"

    def forgotten_after(self, slots: int) -> float:
        """Jobs after which the queue has forgotten its start (as in planner/simulation.py)."""
        slack = max(1.0 - self.arrival_rate * self.service.mean / slots, 1e-3)
        variability = min(self.variability, 100.0)
        return float(4.0 * slots * (1.0 + variability) + 2.0 * (2.0 + variability) / slack**2)

    def guess(self) -> int:
        """Slots to begin with: the wait at many slots is that of exponential services, longer by their variability."""
        load = self.arrival_rate * self.service.mean
        factor = 2.0 / (1.0 + max(self.variability, 0.1))
        slots = int(load) + 1
        while (
            exponential_wait(slots, self.arrival_rate, self.service.mean).tail(self.seconds * factor)
            > self.share
        ):
            slots += 1
        return slots
