"""Knows how variable a law of a given mean must be to come nearest to buckets, for many histograms at once."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from scipy import special

from planner.laws.long_tails import Lognormal, Weibull
from planner.laws.named import Exponential, Gamma, Law, Mixture, Vector

# Variabilities looked at: from e**-4, a spread of 14 % of the mean, to e**4, fifty-five times that of the exponential.
WIDEST = 4.0
# Weibull's shapes with these variabilities.
WEIBULL_SHAPES = (0.2619, 8.8251)
# Golden sections, which leave 1e-6 of the width: far below what some thousand jobs can tell.
ROUNDS = 29
GOLDEN = (math.sqrt(5.0) - 1.0) / 2.0


@dataclass(frozen=True)
class Family:
    """Laws of one mean by the logarithm of one number; `make` takes arrays too, a row for each histogram."""

    name: str
    make: Callable[[Any, Any], Law]
    low: float
    high: float


def _gamma(log_scv: Any, mean: Any) -> Law:
    return Gamma(np.exp(-log_scv), mean)


def _lognormal(log_scv: Any, mean: Any) -> Law:
    square = np.log1p(np.exp(log_scv))
    return Lognormal(np.log(mean) - square / 2, np.sqrt(square))


def _weibull(log_shape: Any, mean: Any) -> Law:
    shape = np.exp(log_shape)
    return Weibull(shape, mean / special.gamma(1 + 1 / shape))


def _balanced(log_scv: Any, mean: Any) -> Law:
    """Two exponentials that carry half of the work each."""
    scv = np.exp(log_scv)
    first = (1.0 + np.sqrt((scv - 1.0) / (scv + 1.0))) / 2.0
    return Mixture((first, 1.0 - first), (Exponential(mean / 2 / first), Exponential(mean / 2 / (1 - first))))


FAMILIES = (
    Family("gamma", _gamma, -WIDEST, WIDEST),
    Family("lognormal", _lognormal, -WIDEST, WIDEST),
    Family("weibull", _weibull, *map(math.log, WEIBULL_SHAPES)),
    Family("two exponentials", _balanced, 0.0, WIDEST),
)


def nearest(means: Sequence[float], edges: Vector, seen: Vector) -> list[list[tuple[str, Law]]]:
    """Of each family the nearest law to each row of `seen`, which holds the shares up to the edges."""
    mean = np.asarray(means, dtype=float)[:, None]
    found: list[list[tuple[str, Law]]] = [[] for _ in means]
    for family in FAMILIES:
        for row, best in enumerate(_least(family, mean, edges, seen)):
            found[row].append((family.name, _plain(family.make(float(best), float(mean[row, 0])))))
    return found


def gap(law: Law, edges: Vector, seen: Vector) -> Vector:
    """The largest between a law and the shares up to the edges, of each row."""
    return np.asarray(np.abs(1.0 - law.tail(edges) - seen).max(axis=-1))


def _plain(law: Law) -> Law:
    """With Python's own numbers in it, as it is written down."""
    if isinstance(law, Mixture):
        return Mixture(tuple(map(float, law.p)), tuple(map(_plain, law.laws)))
    assert isinstance(law, Gamma | Lognormal | Weibull | Exponential)
    return type(law)(*(float(getattr(law, one.name)) for one in fields(law)))


def _least(family: Family, mean: Vector, edges: Vector, seen: Vector) -> Vector:
    """Where the gap is least, by golden sections of all rows together."""

    def gaps(at: Vector) -> Vector:
        return gap(family.make(at[:, None], mean), edges, seen)

    low, high = np.full(len(mean), family.low), np.full(len(mean), family.high)
    left, right = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
    at_left, at_right = gaps(left), gaps(right)
    for _ in range(ROUNDS):
        is_left = at_left < at_right
        low, high = np.where(is_left, low, left), np.where(is_left, right, high)
        new = np.where(is_left, high - GOLDEN * (high - low), low + GOLDEN * (high - low))
        fresh = gaps(new)
        left, right = np.where(is_left, new, right), np.where(is_left, left, new)
        at_left, at_right = np.where(is_left, fresh, at_right), np.where(is_left, at_left, fresh)
    return np.asarray(np.where(at_left < at_right, left, right))
