"""Knows which law the buckets of a histogram follow, given the mean and, where it is known, the variability."""

import math
from collections.abc import Sequence

import numpy as np
from scipy import optimize, special

from planner.fit.laws import CONSTANT_SCV, FittedLaw
from planner.fit.nearest_laws import gap, nearest
from planner.fit.observed import Buckets, Sums
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
)

# Beside sampling error: what the shape inside a bucket may hide.
BLUR = 0.005
DISTANCE = 1.36
POINTS_A_BUCKET = 5
# The last bucket has no upper end; its values are taken to reach this many times its lower one.
REACH = 3.0


Laws = Sequence[tuple[str, Law]]


def of_buckets(sums: Sums, buckets: Buckets, near: Laws = ()) -> FittedLaw:
    """The law with the mean of `sums`, its variability where known, and the nearest to the buckets.

    `near` are the nearest laws, where they have been looked for together with those of other queues.
    """
    mean, scv = sums.mean, sums.scv
    assert mean is not None
    if scv is not None and scv < CONSTANT_SCV:
        return FittedLaw(Deterministic(mean), f"all {sums.count:,.0f} alike")
    edges, seen = _reached(buckets)
    known = (near or nearest_laws([(mean, buckets)])[0]) if scv is None else _of_variability(mean, scv)
    found = known if scv is not None and abs(scv - 1) > 0.1 else [("exponential", Exponential(mean)), *known]
    fits = [(float(gap(law, edges, seen)), name, law) for name, law in found]
    closest, name, law = min(fits, key=lambda fit: fit[0])
    if closest <= DISTANCE / math.sqrt(max(buckets.total, 1.0)) + BLUR:
        return FittedLaw(law, f"{name}, {closest:.3f} from the buckets of {buckets.total:,.0f} at most")
    return FittedLaw(
        spread(mean, buckets), f"kept as the buckets of {buckets.total:,.0f} show it: no simple law agrees"
    )


def nearest_laws(asked: Sequence[tuple[float, Buckets]]) -> list[list[tuple[str, Law]]]:
    """Of each mean and its buckets, whose variability is unknown, the nearest law of each kind."""
    found: list[list[tuple[str, Law]]] = [[] for _ in asked]
    alike: dict[tuple[float, ...], list[int]] = {}
    for place, (_, buckets) in enumerate(asked):
        alike.setdefault(buckets.edges, []).append(place)
    for places in alike.values():
        edges, _ = _reached(asked[places[0]][1])
        seen = np.stack([_reached(asked[place][1])[1] for place in places])
        for place, laws in zip(
            places, nearest([asked[place][0] for place in places], edges, seen), strict=True
        ):
            found[place] = laws
    return found


def _of_variability(mean: float, scv: float) -> list[tuple[str, Law]]:
    found: list[tuple[str, Law]] = [
        ("gamma", Gamma(1.0 / scv, mean)),
        ("lognormal", Lognormal(math.log(mean) - math.log1p(scv) / 2, math.sqrt(math.log1p(scv)))),
        ("weibull", _weibull(mean, scv)),
    ]
    return [*found, ("two exponentials", balanced(mean, scv))] if scv > 1.0 else found


def _weibull(mean: float, scv: float) -> Law:
    def excess(log_shape: float) -> float:
        shape = math.exp(log_shape)
        return float(special.gammaln(1 + 2 / shape) - 2 * special.gammaln(1 + 1 / shape)) - math.log1p(scv)

    shape = math.exp(optimize.brentq(excess, math.log(0.05), math.log(1000.0)))
    return Weibull(shape, mean / float(special.gamma(1 + 1 / shape)))


def balanced(mean: float, scv: float) -> Law:
    """Two exponentials that carry half of the work each; one exponential where it varies no more."""
    if scv <= 1.0 + 1e-9:
        return Exponential(mean)
    first = (1.0 + math.sqrt((scv - 1.0) / (scv + 1.0))) / 2.0
    return Mixture((first, 1.0 - first), (Exponential(mean / 2 / first), Exponential(mean / 2 / (1 - first))))


def _reached(buckets: Buckets) -> tuple[Vector, Vector]:
    """The edges, and the share of the values up to each."""
    return np.array(buckets.edges[:-1]), np.cumsum(buckets.counts)[:-1] / buckets.total


def spread(mean: float, buckets: Buckets) -> Law:
    """The buckets kept: some points in each, all moved up or down within theirs until the mean is right."""
    lows, highs, shares = _filled(buckets)
    inside = (np.arange(POINTS_A_BUCKET) + 0.5) / POINTS_A_BUCKET

    def points(bend: float) -> Vector:
        return np.asarray((lows[:, None] + (highs - lows)[:, None] * inside ** math.exp(bend)).ravel())

    each = np.repeat(shares / POINTS_A_BUCKET, POINTS_A_BUCKET)

    def excess(bend: float) -> float:
        return float(points(bend) @ each) - mean

    bend = optimize.brentq(excess, -6.0, 6.0) if excess(-6.0) > 0 > excess(6.0) else 0.0
    values = points(bend)
    values *= mean / float(values @ each)
    return Discrete(tuple(map(float, values)), tuple(map(float, each / each.sum())))


def _filled(buckets: Buckets) -> tuple[Vector, Vector, Vector]:
    """Lower and upper ends and shares of the buckets that hold something."""
    edges = np.array(buckets.edges)
    edges[-1] = edges[-2] * REACH
    lows = np.append(0.0, edges[:-1])
    shares = np.array(buckets.counts) / buckets.total
    some = shares > 0
    return lows[some], edges[some], shares[some]


def scv_bounds(mean: float, buckets: Buckets) -> tuple[float, float]:
    """The least and the greatest variability that values in these buckets with this mean can have."""
    lows, highs, shares = _filled(buckets)
    middle_low, middle_high = float(lows @ shares), float(highs @ shares)
    if not middle_low < mean < middle_high:
        return 0.0, float((highs**2 @ shares) / mean**2 - 1.0)
    part = (mean - middle_low) / (middle_high - middle_low)
    # Least: all values of a bucket at one point. Greatest: all of them at its two ends.
    level = optimize.brentq(lambda t: float(np.clip(t, lows, highs) @ shares) - mean, 0.0, float(highs.max()))
    least = float(np.clip(level, lows, highs) ** 2 @ shares)
    greatest = _greatest_square(lows, highs, shares, part * (middle_high - middle_low))
    return max(0.0, least / mean**2 - 1.0), max(0.0, greatest / mean**2 - 1.0)


def _greatest_square(lows: Vector, highs: Vector, shares: Vector, spare: float) -> float:
    """Values go to the upper ends of the highest buckets first until the mean is spent: squares gain most there."""
    square = float(lows**2 @ shares)
    for low, high, weight in sorted(zip(lows, highs, shares, strict=True), reverse=True):
        moved = min(spare, weight * (high - low))
        square += moved * (high + low)
        spare -= moved
    return square
