"""Knows the laws whose tails are longer than an exponential's may be, and whose transforms have no formula."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from planner.laws.protocol import Law, Vector, quadrature


def _numeric_laplace(law: Law, s: Any) -> Any:
    values, weights = quadrature(law)
    s = np.asarray(s)
    return np.tensordot(np.exp(-np.multiply.outer(s, values)), weights, axes=1)


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
