"""Knows the laws of service times, intervals and patience by name; long tails are in planner/laws/long_tails.py."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from planner.laws.long_tails import BoundedPareto, Lognormal, Weibull
from planner.laws.protocol import Ints, Law, Matrix, Vector, scv

__all__ = [
    "BoundedPareto", "Deterministic", "Discrete", "Exponential", "Gamma", "Ints", "IoThenCpu", "Law", "Lognormal",
    "Matrix", "Mixture", "Vector", "Weibull", "is_continuous", "is_whole_gamma", "scv",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Exponential:
    """No memory; squared coefficient of variation 1."""

    mean: float

    def moment(self, order: int) -> float:
        return math.factorial(order) * self.mean**order

    def tail(self, t: Any) -> Vector:
        return np.asarray(np.exp(-np.maximum(t, 0.0) / self.mean))

    def upper_quantile(self, p: Any) -> Vector:
        with np.errstate(divide="ignore"):
            return np.asarray(-self.mean * np.log(p))

    def capped_mean(self, t: Any) -> Vector:
        return -self.mean * np.expm1(-np.asarray(t) / self.mean)

    def laplace(self, s: Any) -> Any:
        return 1.0 / (1.0 + s * self.mean)

    def draw(self, random: np.random.Generator, count: int) -> Vector:
        return self.mean * random.standard_exponential(count)


@dataclass(frozen=True, slots=True)
class Deterministic:
    """Always the same."""

    value: float

    @property
    def mean(self) -> float:
        return self.value

    def moment(self, order: int) -> float:
        return self.value**order

    def tail(self, t: Any) -> Vector:
        return np.where(np.asarray(t) < self.value, 1.0, 0.0)

    def upper_quantile(self, p: Any) -> Vector:
        return np.full(np.shape(p), self.value)

    def capped_mean(self, t: Any) -> Vector:
        return np.asarray(np.minimum(t, self.value))

    def laplace(self, s: Any) -> Any:
        return np.exp(-s * self.value)

    def draw(self, random: np.random.Generator, count: int) -> Vector:  # noqa: ARG002
        return np.full(count, self.value)


@dataclass(frozen=True, slots=True)
class Gamma:
    """`shape` stages' worth of variability 1/shape; a whole shape is the Erlang law."""

    shape: float
    mean: float

    def moment(self, order: int) -> float:
        return float(special.poch(self.shape, order)) * (self.mean / self.shape) ** order

    def tail(self, t: Any) -> Vector:
        return np.asarray(special.gammaincc(self.shape, np.maximum(t, 0.0) * self.shape / self.mean))

    def upper_quantile(self, p: Any) -> Vector:
        return np.asarray(special.gammainccinv(self.shape, p) * self.mean / self.shape)

    def capped_mean(self, t: Any) -> Vector:
        x = np.asarray(t) * self.shape / self.mean
        return np.asarray(
            self.mean * special.gammainc(self.shape + 1.0, x) + t * special.gammaincc(self.shape, x)
        )

    def laplace(self, s: Any) -> Any:
        return (1.0 + s * self.mean / self.shape) ** -self.shape

    def draw(self, random: np.random.Generator, count: int) -> Vector:
        return random.standard_gamma(self.shape, count) * (self.mean / self.shape)


@dataclass(frozen=True, slots=True)
class Discrete:
    """Finitely many values, in rising order; also what a recorded sample is when it is kept as it is."""

    values: tuple[float, ...]
    p: tuple[float, ...]

    @property
    def mean(self) -> float:
        return self.moment(1)

    def moment(self, order: int) -> float:
        return float(np.dot(self.p, np.asarray(self.values) ** order))

    def _tails(self) -> Vector:
        """P(X > values[i]), summed from the small end so that the last is exactly 0."""
        rest = np.cumsum(np.asarray(self.p)[::-1])[::-1]
        return np.append(rest[1:], 0.0)

    def tail(self, t: Any) -> Vector:
        above = np.searchsorted(self.values, t, side="right")
        return np.asarray(np.append(1.0, self._tails())[above])

    def upper_quantile(self, p: Any) -> Vector:
        index = len(self.values) - np.searchsorted(self._tails()[::-1], p, side="right")
        return np.asarray(np.asarray(self.values)[np.maximum(index, 0)])

    def capped_mean(self, t: Any) -> Vector:
        return np.tensordot(np.minimum.outer(np.asarray(t), self.values), self.p, axes=1)

    def laplace(self, s: Any) -> Any:
        return np.tensordot(np.exp(-np.multiply.outer(np.asarray(s), self.values)), self.p, axes=1)

    def draw(self, random: np.random.Generator, count: int) -> Vector:
        return self.upper_quantile(1.0 - random.random(count))


@dataclass(frozen=True, slots=True)
class Mixture:
    """One of several laws, chosen anew each time; exponentials make the hyperexponential law."""

    p: tuple[float, ...]
    laws: tuple[Law, ...]

    @property
    def mean(self) -> float:
        return self.moment(1)

    def moment(self, order: int) -> float:
        return float(sum(p * law.moment(order) for p, law in zip(self.p, self.laws, strict=True)))

    def tail(self, t: Any) -> Vector:
        return np.asarray(sum(p * law.tail(t) for p, law in zip(self.p, self.laws, strict=True)))

    def upper_quantile(self, p: Any) -> Vector:
        """By bisection between the smallest and the largest quantile of the parts."""
        p = np.asarray(p, dtype=float)
        parts = np.stack([law.upper_quantile(p) for law in self.laws])
        low, high = np.minimum(parts.min(axis=0), 1e300), np.minimum(parts.max(axis=0), 1e300)
        for _ in range(90):
            middle = (low + high) / 2
            above = self.tail(middle) > p
            low, high = np.where(above, middle, low), np.where(above, high, middle)
        return np.asarray(high)

    def capped_mean(self, t: Any) -> Vector:
        return np.asarray(sum(p * law.capped_mean(t) for p, law in zip(self.p, self.laws, strict=True)))

    def laplace(self, s: Any) -> Any:
        return sum(p * law.laplace(s) for p, law in zip(self.p, self.laws, strict=True))

    def draw(self, random: np.random.Generator, count: int) -> Vector:
        which = np.searchsorted(np.cumsum(self.p)[:-1], random.random(count), side="right")
        drawn = np.empty(count)
        for index, law in enumerate(self.laws):
            chosen = which == index
            drawn[chosen] = law.draw(random, int(chosen.sum()))
        return drawn


@dataclass(frozen=True, slots=True)
class IoThenCpu:
    """A slot is held while the job waits for others (`io`) and then while it shares the process's cores
    (`cpu`).
    """

    io: Law
    cpu: Law

    @property
    def mean(self) -> float:
        """Seconds a slot is held when nobody else wants the core."""
        return self.io.mean + self.cpu.mean


def is_continuous(law: Law) -> bool:
    """Whether the law has no single value of positive probability."""
    if isinstance(law, Mixture):
        return all(is_continuous(part) for part in law.laws)
    return not isinstance(law, Deterministic | Discrete)


def is_whole_gamma(law: Law) -> bool:
    return isinstance(law, Gamma) and abs(law.shape - round(law.shape)) < 1e-12
