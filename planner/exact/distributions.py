"""Knows what every waiting-time distribution can be asked, and finds quantiles of a falling tail."""

from collections.abc import Callable
from dataclasses import dataclass
from math import exp, expm1
from typing import Protocol

import numpy as np
from scipy import optimize

from planner.exact.mixture import ErlangMixture
from planner.laws.named import Deterministic, Discrete, Exponential, Law, Mixture, Vector


class Distribution(Protocol):
    """Seconds a job waits (or stays)."""

    @property
    def mean(self) -> float: ...

    def tail(self, t: float) -> float:
        """P(W > t), for t >= 0."""
        ...


def quantile(waits: Distribution, level: float) -> float:
    """Smallest t with P(W <= t) >= level; 0 where fewer than 1 - level of the jobs wait at all."""
    rest = 1.0 - level
    if waits.tail(0.0) <= rest:
        return 0.0
    low, high = 0.0, max(waits.mean, 1e-12)
    while waits.tail(high) > rest:
        low, high = high, 2 * high
        if high > 1e15:
            return float("inf")
    return _crossing(waits.tail, rest, low, high)


def _crossing(tail: Callable[[float], float], rest: float, low: float, high: float) -> float:
    return float(optimize.brentq(lambda t: tail(t) - rest, low, high, xtol=1e-14, rtol=1e-12))


@dataclass(frozen=True, slots=True)
class TailFunction:
    """A distribution known by its mean and a function for the tail."""

    mean: float
    function: Callable[[float], float]

    def tail(self, t: float) -> float:
        return self.function(t)


@dataclass(frozen=True, slots=True)
class Stay:
    """Wait plus an independent service: what a job spends in the system, first come first served.

    P(W + S > t) = P(S > t) + ∫ P(W > t - s) dF(s), by quadrature over the quantiles of S below t where it has no closed
    form.
    """

    wait: Distribution
    service: Law

    @property
    def mean(self) -> float:
        return self.wait.mean + self.service.mean

    def tail(self, t: float) -> float:
        if (
            isinstance(self.wait, ErlangMixture)
            and self.wait.is_geometric
            and isinstance(self.service, Exponential)
        ):
            return self._tail_of_exponentials(t, self.wait, 1.0 / self.service.mean)
        return sum(p * self._tail_of_part(t, law) for p, law in _parts(self.service))

    def _tail_of_exponentials(self, t: float, wait: ErlangMixture, served: float) -> float:
        """In closed form: who waits does so exponentially, and is served at the rate `served`."""
        called = wait.rate * (1.0 - wait.ratio)
        slow, apart = min(called, served), abs(called - served)
        both = exp(-slow * t) * (-expm1(-apart * t) / apart if apart > 0.0 else t)
        return exp(-served * t) + wait.tail(0.0) * served * both

    def _tail_of_part(self, t: float, law: Law) -> float:
        if isinstance(law, Deterministic):
            return self.wait.tail(t - law.value) if t >= law.value else 1.0
        longer = float(law.tail(t))
        below, weights = _quantiles_between(law, longer)
        waits = np.array([self.wait.tail(max(t - s, 0.0)) for s in below])
        return longer + float(waits @ weights)


def _parts(law: Law) -> list[tuple[float, Law]]:
    if isinstance(law, Discrete):
        return [(p, Deterministic(value)) for p, value in zip(law.p, law.values, strict=True)]
    if isinstance(law, Mixture):
        return [(p * q, inner) for p, part in zip(law.p, law.laws, strict=True) for q, inner in _parts(part)]
    return [(1.0, law)]


_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(48)


def _quantiles_between(law: Law, tail: float) -> tuple[Vector, Vector]:
    """Quadrature over the services with P(S > s) between `tail` and 1; the weights sum to 1 - tail.

    On the scale -log P(S > s) cut in two, so that neither end is coarse.
    """
    top = min(-np.log(max(tail, 1e-18)), 41.0)
    edges = np.array([0.0, min(1.0, top / 2), top / 2, top])
    half = np.diff(edges) / 2
    e = ((edges[:-1] + edges[1:]) / 2)[:, None] + half[:, None] * _NODES
    weights = np.exp(-e) * half[:, None] * _WEIGHTS
    return np.asarray(law.upper_quantile(np.exp(-e))).ravel(), weights.ravel()
