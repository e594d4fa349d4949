"""Knows the laws of service times, intervals and patience: their moments, tails, quantiles and transforms.

Every law is over seconds and never negative. Arrays in, arrays out: `tail`, `upper_quantile` and `laplace`
take any shape and answer the same shape.
"""

import math
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import special

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
Ints = NDArray[np.int64]


class Law(Protocol):
    """A distribution of seconds."""

    @property
    def mean(self) -> float: ...

    def moment(self, order: int) -> float:
        """E[X**order]."""
        ...

    def tail(self, t: Any) -> Vector:
        """P(X > t)."""
        ...

    def upper_quantile(self, p: Any) -> Vector:
        """The smallest x with P(X > x) <= p."""
        ...

    def capped_mean(self, t: Any) -> Vector:
        """E[min(X, t)], the integral of the tail up to t."""
        ...

    def laplace(self, s: Any) -> Any:
        """E[exp(-s X)] for real or complex s with a real part that is not negative."""
        ...

    def draw(self, random: np.random.Generator, count: int) -> Vector: ...


def scv(law: Law) -> float:
    """Squared coefficient of variation, variance / mean²; 0 for the law of a constant 0."""
    return law.moment(2) / law.mean**2 - 1.0 if law.mean > 0 else 0.0


def quadrature(law: Law, step: float = 0.02, reach: float = 9.0) -> tuple[Vector, Vector]:
    """Values and weights (sum 1) that integrate smooth functions of a continuous law.

    The trapezoid rule on the normal scale: exact to near rounding, because the integrand and all its
    derivatives vanish at both ends.
    """
    z = np.arange(-reach, reach + step / 2, step)
    weights = np.exp(-z * z / 2)
    return law.upper_quantile(special.ndtr(-z)), weights / weights.sum()


def _numeric_laplace(law: Law, s: Any) -> Any:
    values, weights = quadrature(law)
    s = np.asarray(s)
    return np.tensordot(np.exp(-np.multiply.outer(s, values)), weights, axes=1)


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
class Lognormal:
    """The exponential of a normal law with mean `log_mean` and deviation `sigma`."""

    log_mean: float
    sigma: float

    @property
    def mean(self) -> float:
        return self.moment(1)

    def moment(self, order: int) -> float:
        return float(np.exp(order * self.log_mean + (order * self.sigma) ** 2 / 2))

    def tail(self, t: Any) -> Vector:
        with np.errstate(divide="ignore"):
            return np.asarray(special.ndtr((self.log_mean - np.log(np.maximum(t, 0.0))) / self.sigma))

    def upper_quantile(self, p: Any) -> Vector:
        return np.asarray(np.exp(self.log_mean - self.sigma * special.ndtri(p)))

    def capped_mean(self, t: Any) -> Vector:
        with np.errstate(divide="ignore"):
            z = (np.log(np.asarray(t, dtype=float)) - self.log_mean) / self.sigma
        return np.asarray(self.mean * special.ndtr(z - self.sigma) + t * special.ndtr(-z))

    def laplace(self, s: Any) -> Any:
        return _numeric_laplace(self, s)

    def draw(self, random: np.random.Generator, count: int) -> Vector:
        return random.lognormal(self.log_mean, self.sigma, count)


@dataclass(frozen=True, slots=True)
class Weibull:
    """P(X > t) = exp(-(t/scale)**shape)."""

    shape: float
    scale: float

    @property
    def mean(self) -> float:
        return self.moment(1)

    def moment(self, order: int) -> float:
        return float(self.scale**order * special.gamma(1.0 + order / self.shape))

    def tail(self, t: Any) -> Vector:
        return np.asarray(np.exp(-((np.maximum(t, 0.0) / self.scale) ** self.shape)))

    def upper_quantile(self, p: Any) -> Vector:
        with np.errstate(divide="ignore"):
            return np.asarray(self.scale * (-np.log(p)) ** (1.0 / self.shape))

    def capped_mean(self, t: Any) -> Vector:
        x = (np.asarray(t) / self.scale) ** self.shape
        return np.asarray(self.mean * special.gammainc(1.0 / self.shape, x))

    def laplace(self, s: Any) -> Any:
        return _numeric_laplace(self, s)

    def draw(self, random: np.random.Generator, count: int) -> Vector:
        return self.scale * random.weibull(self.shape, count)


@dataclass(frozen=True, slots=True)
class BoundedPareto:
    """A power tail t**-alpha cut to [low, high]."""

    alpha: float
    low: float
    high: float

    @property
    def mean(self) -> float:
        return self.moment(1)

    @property
    def _cut(self) -> float:
        return float((self.low / self.high) ** self.alpha)

    def moment(self, order: int) -> float:
        factor = self.alpha * self.low**self.alpha / (1.0 - self._cut)
        power = order - self.alpha
        if abs(power) < 1e-12:
            return float(factor * np.log(self.high / self.low))
        return float(factor * (self.high**power - self.low**power) / power)

    def tail(self, t: Any) -> Vector:
        inside = np.clip(t, self.low, self.high)
        return np.asarray(((self.low / inside) ** self.alpha - self._cut) / (1.0 - self._cut))

    def upper_quantile(self, p: Any) -> Vector:
        kept = np.asarray(p) * (1.0 - self._cut) + self._cut
        return np.asarray(self.low * kept ** (-1.0 / self.alpha))

    def capped_mean(self, t: Any) -> Vector:
        inside = np.clip(t, self.low, self.high)
        power = 1.0 - self.alpha
        if abs(power) < 1e-12:
            area = self.low * np.log(inside / self.low)
        else:
            area = self.low**self.alpha * (inside**power - self.low**power) / power
        return np.asarray(
            np.minimum(t, self.low) + (area - self._cut * (inside - self.low)) / (1.0 - self._cut)
        )

    def laplace(self, s: Any) -> Any:
        return _numeric_laplace(self, s)

    def draw(self, random: np.random.Generator, count: int) -> Vector:
        return self.upper_quantile(1.0 - random.random(count))


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
