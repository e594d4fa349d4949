"""Knows what a law of seconds can be asked, and how to integrate over one.

Seconds are never negative. Arrays in, arrays out: `tail`, `upper_quantile` and `laplace` take any shape and answer the
same shape.
"""

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
