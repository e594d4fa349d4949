"""Knows in a millisecond whether jobs wait too long more often than allowed, or that this is too near to tell.

A queue that resembles the real one is solved. How far such answers were off the truth (docs/decisions/0104) says how
near is too near.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from scipy import optimize

from planner.exact.capped_twin import capped_twin, long_jobs
from planner.exact.deterministic import DeterministicWait, deterministic_wait
from planner.exact.erlang import exponential_wait
from planner.exact.load_twin import load_twin
from planner.exact.mixture import ErlangMixture
from planner.exact.single_slot import single_slot_wait
from planner.exact.two_phase import TwoPhases, mean_and_tails
from planner.laws.named import (
    BoundedPareto,
    Deterministic,
    Exponential,
    Law,
    Mixture,
    Vector,
    is_continuous,
    scv,
)

Verdict = Literal["holds", "broken", "unsure"]
# What rounding, and states that are left out, may make of an exact answer.
ROUNDING = 1e-4


@dataclass(frozen=True)
class Likeness:
    """A queue near the real one that can be solved: its service law, and its mean wait and P(W > t) for some t."""

    law: Law
    solved: Callable[[Vector], Vector]


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
        near = capped_twin if long_jobs(self.service) else load_twin
        return two_speeds(self.service) or near(self.service)

    @cached_property
    def margin(self) -> float:
        """By what part of itself the answer may be off (seen: 9 % up to a variability of 4.3, 12 % at 10).

        Of laws with few values, several parts or no long jobs for their variability 19 %, of power tails 60 %.
        """
        if isinstance(self.service, BoundedPareto):
            return 0.8
        if isinstance(self.service, Mixture) or not is_continuous(self.service):
            return 0.25
        if self.variability > 1.0 and not long_jobs(self.service):
            return 0.25
        return 0.11 if self.variability <= 5.0 else 0.15

    def exact(self, slots: int) -> bool:
        """Whether the likeness is the queue itself."""
        law = self.service
        if isinstance(law, Exponential | Deterministic) or two_speeds(law) is not None:
            return True
        return slots == 1 and is_continuous(law)

    def likeness(self, slots: int) -> str:
        """What is solved in place of the queue."""
        if isinstance(self.service, Exponential):
            return "Erlang C (exact)"
        if isinstance(self.service, Deterministic):
            return "M/D/c (exact)"
        if slots == 1 and is_continuous(self.service):
            return "M/G/1 (exact)"
        if two_speeds(self.service) is not None:
            return "M/H2/c (exact)"
        if self.variability > 1.0 + 1e-9:
            return "M/H2/c with the law's mean and load in short jobs"
        return "M/D/c and M/M/c, between them"

    def tail(self, slots: int) -> float:
        """About P(W > seconds); utilisation below 1."""
        if slots == 1 and is_continuous(self.service):
            return single_slot_wait(self.arrival_rate, self.service).tail(self.seconds)
        if self.variability > 1.0 + 1e-9:
            return float(mean_and_tails(self.arrival_rate, self.twin, slots, np.array([self.seconds]))[1])
        return self._between(slots)

    def _between(self, slots: int) -> float:
        """A quantile is near a straight line between those of constant and exponential service (Tijms 1994), and so is
        the logarithm of the chance to wait; the times at which both wait as often are sought.
        """
        mean, varied = self.service.mean, min(self.variability, 1.0)
        exponential = exponential_wait(slots, self.arrival_rate, mean)
        if varied > 1.0 - 1e-9:
            return exponential.tail(self.seconds)
        constant = deterministic_wait(slots, self.arrival_rate, mean)
        if varied < 1e-9:
            return constant.tail(self.seconds)
        by_chance, by_crowd = exponential.tail(0.0), constant.tail(0.0)
        if by_crowd <= 0.0:
            return by_chance

        def gap(seconds: float) -> float:
            """Of how often constant services wait longer than `seconds`, and exponential ones than what is left."""
            other = max(self.seconds - (1.0 - varied) * seconds, 0.0) / varied
            return math.log(max(constant.tail(seconds), 1e-300) / by_crowd) - math.log(
                max(exponential.tail(other), 1e-300) / by_chance
            )

        longest = self.seconds / (1.0 - varied)
        at = longest if gap(longest) >= 0.0 else optimize.brentq(gap, 0.0, longest, xtol=1e-4 * longest)
        return float(constant.tail(at) / by_crowd * by_chance**varied * by_crowd ** (1.0 - varied))

    def likenesses(self, slots: int) -> tuple[Likeness, ...]:
        """What runs beside the real queue on the same chance."""
        rate, mean = self.arrival_rate, self.service.mean
        if self.variability > 1.0 + 1e-9:
            twin = self.twin
            law = Mixture(
                (1.0 - twin.slow, twin.slow), (Exponential(twin.means[0]), Exponential(twin.means[1]))
            )
            return (Likeness(law, lambda times: mean_and_tails(rate, twin, slots, times)),)
        return (
            Likeness(Exponential(mean), _told(exponential_wait(slots, rate, mean))),
            Likeness(Deterministic(mean), _told(deterministic_wait(slots, rate, mean))),
        )

    def verdict(self, slots: int) -> Verdict:
        if slots <= self.arrival_rate * self.service.mean:
            return "broken"
        margin = ROUNDING if self.exact(slots) else self.margin
        distance = np.log(max(self.tail(slots), 1e-300) / self.share)
        if abs(distance) <= np.log1p(margin):
            return "unsure"
        return "holds" if distance < 0 else "broken"

    def forgotten_after(self, slots: int) -> float:
        """Jobs after which the queue has forgotten its start (as in planner/simulation/replications.py)."""
        slack = max(1.0 - self.arrival_rate * self.service.mean / slots, 1e-3)
        variability = min(self.variability, 100.0)
        return float(4.0 * slots * (1.0 + variability) + 2.0 * (2.0 + variability) / slack**2)

    @cached_property
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


def two_speeds(law: Law) -> TwoPhases | None:
    """The law as two exponentials, where it is that."""
    if not isinstance(law, Mixture) or len(law.laws) != 2:
        return None
    if not all(isinstance(part, Exponential) for part in law.laws):
        return None
    (fast, _), (slow, share) = sorted((part.mean, p) for part, p in zip(law.laws, law.p, strict=True))
    return TwoPhases(share, (fast, slow)) if 0.0 < fast < slow and 0.0 < share < 1.0 else None


def _told(wait: ErlangMixture | DeterministicWait) -> Callable[[Vector], Vector]:
    return lambda times: np.array([wait.mean, *(wait.tail(t) for t in times)])
