"""Knows which law a sample of seconds follows: the simplest one that the sample does not refute, else the sample kept.

A law must agree with the sample in its mean (by construction), its whole distribution function, its variability and
its third moment.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import optimize, special

from planner.fit.estimates import SURE, scv_of
from planner.laws.named import (
    Deterministic,
    Discrete,
    Exponential,
    Gamma,
    Law,
    Lognormal,
    Mixture,
    Vector,
    Weibull,
    scv,
)

# Lilliefors (1969): 1.25/√n is what the distance of an exponential sample from its own fit exceeds once in a hundred.
DISTANCE = 1.25
# Standard errors by which a moment may differ.
STRAY = 3.0
# A law that varies less than 1 % is constant for a queue.
CONSTANT_SCV = 1e-4
FEW = 20
# Points that stand for a large sample where each of them costs.
POINTS = 2000
# Part of the whole variance from which on a group is told by two values.
WIDE = 2e-4
_EM_ROUNDS = 400


@dataclass(frozen=True, slots=True)
class FittedLaw:
    """A law and how it was found."""

    law: Law
    how: str
    doubts: tuple[str, ...] = ()


def of_sample(values: Vector) -> FittedLaw:
    """The law of a sample with a positive mean."""
    ordered = np.sort(values)
    mean, count = float(ordered.mean()), len(ordered)
    if float(ordered.var()) <= CONSTANT_SCV * mean**2:
        return FittedLaw(Deterministic(mean), f"all {count:,} alike")
    if count < FEW:
        return FittedLaw(
            Exponential(mean),
            f"too few ({count}) to tell the law",
            (f"only {count} values: taken as exponential",),
        )
    resolution = resolution_of(ordered)
    for group in _simple_first(ordered):
        fits = [(distance(law, ordered, resolution), name, law) for name, law in group]
        far, name, law = min(fits, key=lambda fit: fit[0])
        if far <= DISTANCE / math.sqrt(count) and second_agrees(law, ordered) and third_agrees(law, ordered):
            return FittedLaw(law, f"{name}, {far:.3f} from the {count:,} seen at most")
    return FittedLaw(kept(ordered), f"kept as seen: no simple law agrees with the {count:,} values")


def _simple_first(ordered: Vector) -> list[list[tuple[str, Law]]]:
    """Laws of one parameter, then of two, then of three; each with the mean of the sample."""
    mean = float(ordered.mean())
    points = compressed(ordered, POINTS)
    positive = np.maximum(points, points[points > 0].min() / 2)
    two: list[tuple[str, Callable[[], Law]]] = [
        ("gamma", lambda: _gamma(positive, mean)),
        ("lognormal", lambda: _lognormal(positive, mean)),
        ("weibull", lambda: _weibull(positive, mean)),
    ]
    found = [(name, law) for name, make in two if (law := _made(make)) is not None]
    groups: list[list[tuple[str, Law]]] = [[("exponential", Exponential(mean))]]
    if found:
        groups.append(found)
    return [*groups, [("two exponentials", two_exponentials(points, mean))]]


def _made(make: Callable[[], Law]) -> Law | None:
    try:
        return make()
    except (ValueError, RuntimeError):  # no root: this law can't have such a sample
        return None


def _gamma(positive: Vector, mean: float) -> Law:
    """Greatest likelihood: log k − ψ(k) = log of the mean − mean of the logs."""
    gap = math.log(float(positive.mean())) - float(np.log(positive).mean())
    shape = optimize.brentq(lambda k: math.log(k) - float(special.psi(k)) - gap, 1e-3, 1e5)
    return Gamma(float(shape), mean)


def _lognormal(positive: Vector, mean: float) -> Law:
    sigma = float(np.log(positive).std())
    if sigma <= 0:
        raise ValueError("constant")
    return Lognormal(math.log(mean) - sigma**2 / 2, sigma)


def _weibull(positive: Vector, mean: float) -> Law:
    logs = np.log(positive / positive.max())

    def slope(shape: float) -> float:
        powers = np.exp(shape * logs)
        return float((powers @ logs) / powers.sum() - logs.mean() - 1.0 / shape)

    shape = float(optimize.brentq(slope, 0.05, 200.0))
    return Weibull(shape, mean / float(special.gamma(1.0 + 1.0 / shape)))


def two_exponentials(points: Vector, mean: float) -> Law:
    """A mixture by expectation and maximisation (Dempster, Laird & Rubin 1977), which keeps the mean."""
    scaled = points * (mean / points.mean())
    share, fast, slow = 0.5, float(np.quantile(scaled, 0.4)) + 1e-9, 2.0 * mean
    for _ in range(_EM_ROUNDS):
        first = share / fast * np.exp(-scaled / fast)
        second = (1.0 - share) / slow * np.exp(-scaled / slow)
        of_first = first / np.maximum(first + second, 1e-300)
        weight = float(of_first.sum())
        if not 0 < weight < len(scaled):
            return Exponential(mean)
        share = weight / len(scaled)
        fast = max(float(of_first @ scaled) / weight, 1e-9 * mean)
        slow = float((1.0 - of_first) @ scaled) / (len(scaled) - weight)
    return Mixture((share, 1.0 - share), (Exponential(fast), Exponential(slow)))


def resolution_of(ordered: Vector) -> float:
    """The step of the clock that the values were rounded to; 0 when most of them differ."""
    distinct = np.unique(ordered)
    if len(distinct) > 0.9 * len(ordered):
        return 0.0
    return float(np.diff(distinct).min())


def distance(law: Law, ordered: Vector, resolution: float = 0.0) -> float:
    """The largest gap between the two distribution functions (Kolmogorov), rounding of the sample allowed for."""
    distinct, first = np.unique(ordered, return_index=True)
    below = first / len(ordered)
    above = np.append(first[1:], len(ordered)) / len(ordered)
    half = resolution / 2
    over = np.abs(1.0 - law.tail(distinct + half) - above).max()
    under = np.abs(1.0 - law.tail(np.maximum(distinct - half, 0.0)) - below).max()
    return float(max(over, under))


def second_agrees(law: Law, ordered: Vector) -> bool:
    """Whether the squared coefficient of variation of the sample may be that of the law."""
    band = scv_of(law, scv(law), len(ordered))
    seen = float(ordered.var()) / float(ordered.mean()) ** 2
    return band.value is not None and abs(seen - band.value) <= STRAY / SURE * (
        (band.high or 0.0) - band.value
    )


def third_agrees(law: Law, ordered: Vector) -> bool:
    """Whether the third moment of the sample may be that of the law."""
    third, sixth = law.moment(3), law.moment(6)
    if not math.isfinite(sixth):
        return False
    spread = math.sqrt(max(sixth - third**2, 0.0) / len(ordered))
    return abs(float((ordered**3).mean()) - third) <= STRAY * spread + 1e-9 * third


def compressed(ordered: Vector, most: int) -> Vector:
    """At most `most` values that stand for equal parts of the sample; the mean stays."""
    if len(ordered) <= most:
        return ordered
    edges = np.linspace(0, len(ordered), most + 1).astype(int)
    return np.asarray(np.add.reduceat(ordered, edges[:-1]) / np.diff(edges))


def kept(ordered: Vector) -> Law:
    """The sample as it is, in some hundred groups that grow finer towards the largest; mean and variance stay."""
    edges = group_edges(len(ordered))
    sizes = np.diff(edges)
    means = np.add.reduceat(ordered, edges[:-1]) / sizes
    spreads = np.maximum(np.add.reduceat(ordered**2, edges[:-1]) / sizes - means**2, 0.0)
    above = means - ordered[edges[:-1]]
    # A group that is wide for what it weighs is told by two values: its least, and one that makes its variance.
    wide = (spreads * sizes > WIDE * ordered.var() * len(ordered)) & (above > 0)
    gap, spread, size = above[wide], spreads[wide], sizes[wide]
    high = gap**2 / (gap**2 + spread)
    values = np.concatenate([means[~wide], means[wide] - gap, means[wide] + spread / gap])
    weights = np.concatenate([sizes[~wide], size * (1.0 - high), size * high])
    distinct, place = np.unique(values, return_inverse=True)
    shares = np.bincount(place, weights=weights / weights.sum())
    return Discrete(tuple(map(float, distinct)), tuple(map(float, shares)))


def group_edges(count: int) -> np.ndarray:
    """Where groups begin and end: 60 equal ones for the lower 90 %, each of the rest 15 % smaller."""
    body = np.linspace(0, int(0.9 * count), 61).astype(int)
    edges, left = list(body), count - int(body[-1])
    while left > 0:
        taken = max(1, round(0.15 * left))
        edges.append(edges[-1] + taken)
        left -= taken
    return np.unique(np.array(edges))
