"""Knows how to make arrivals come faster or fewer of them, and a law of durations longer, added up or more varied."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from planner.laws import arrivals
from planner.laws import named as laws

# Points that stand for a law that has no name, and the draws that they are read from (one seed, one law).
POINTS = 2_000
DRAWS = 200_000
SEED = 1


def faster(given: Any, factor: float) -> Any:
    """Arrivals `factor` times as many a second. Bursts come as often as before, each with more jobs."""
    match given:
        case arrivals.Renewal():
            return replace(given, interval=longer(given.interval, 1.0 / factor))
        case arrivals.PoissonClasses():
            return replace(given, rates=tuple(rate * factor for rate in given.rates))
        case arrivals.Mmpp(rates=(first, second)):
            return replace(given, rates=(first * factor, second * factor))
        case arrivals.BatchPoisson():
            return replace(given, batches_per_second=given.batches_per_second * factor)
    return replace(given, per_second=given.per_second * factor)


def thinned(given: Any, share: float) -> Any:
    """Arrivals of which each stays with chance `share`, whatever happened to the others. `share` is above 0."""
    match given:
        case arrivals.Renewal() if share < 1.0:
            return arrivals.Renewal(_of_geometric_sums(given.interval, share))
        case arrivals.BatchPoisson() if share < 1.0:
            return _thinned_batches(given, share)
        case arrivals.Renewal() | arrivals.BatchPoisson():
            return given
    return faster(given, share)  # a thinned Poisson stream is one, also where its rate changes


def _thinned_batches(given: arrivals.BatchPoisson, share: float) -> arrivals.BatchPoisson:
    """What is left of a batch is binomial; batches of which nothing is left are none."""
    left = dict.fromkeys(range(1, max(given.sizes) + 1), 0.0)
    for size, p in zip(given.sizes, given.p, strict=True):
        for kept in range(1, size + 1):
            left[kept] += p * math.comb(size, kept) * share**kept * (1.0 - share) ** (size - kept)
    some = sum(left.values())
    return arrivals.BatchPoisson(
        given.batches_per_second * some, tuple(left), tuple(p / some for p in left.values())
    )


def _of_geometric_sums(interval: laws.Law, share: float) -> laws.Law:
    """From one that stays to the next: the sum of a geometric number of intervals."""
    random = np.random.default_rng(SEED)
    counts = random.geometric(share, DRAWS)
    ends = np.cumsum(counts)
    totals = np.cumsum(interval.draw(random, int(ends[-1])))[ends - 1]
    return of_draws(np.diff(totals, prepend=0.0), interval.mean / share)


def summed(law: Any, count: int) -> Any:
    """The sum of `count` independent durations."""
    match law:
        case _ if count == 1:
            return law
        case laws.Exponential():
            return laws.Gamma(float(count), count * law.mean)
        case laws.Gamma():
            return laws.Gamma(count * law.shape, count * law.mean)
        case laws.Deterministic():
            return laws.Deterministic(count * law.value)
    random = np.random.default_rng(SEED)
    draws = sum(law.draw(random, DRAWS) for _ in range(count))
    return of_draws(draws, count * law.mean)


def shifted(law: Any, seconds: float) -> Any:
    """The duration and a fixed time."""
    match law:
        case _ if seconds == 0.0:
            return law
        case laws.Deterministic():
            return laws.Deterministic(law.value + seconds)
        case laws.Discrete():
            return replace(law, values=tuple(value + seconds for value in law.values))
    return of_draws(law.draw(np.random.default_rng(SEED), DRAWS) + seconds, law.mean + seconds)


def of_draws(draws: laws.Vector, mean: float) -> laws.Law:
    """A law kept as equal groups of its draws, each told by its mean, with the whole mean as known."""
    groups = np.array_split(np.sort(draws), POINTS)
    values = np.array([group.mean() for group in groups])
    weights = np.array([len(group) for group in groups]) / len(draws)
    values *= mean / float(values @ weights)
    return laws.Discrete(tuple(values.tolist()), tuple(weights.tolist()))


def longer(law: Any, factor: float) -> Any:
    """Durations `factor` times as long."""
    match law:
        case laws.IoThenCpu():
            return replace(law, io=longer(law.io, factor), cpu=longer(law.cpu, factor))
        case laws.Lognormal():
            return replace(law, log_mean=law.log_mean + math.log(factor))
        case laws.Discrete():
            return replace(law, values=tuple(value * factor for value in law.values))
        case laws.Mixture():
            return replace(law, laws=tuple(longer(part, factor) for part in law.laws))
        case laws.BoundedPareto():
            return replace(law, low=law.low * factor, high=law.high * factor)
        case laws.Weibull():
            return replace(law, scale=law.scale * factor)
        case laws.Deterministic():
            return replace(law, value=law.value * factor)
    return replace(law, mean=law.mean * factor)


def varied(law: Any, factor: float) -> Any | None:
    """The same kind and mean with `factor` times the squared coefficient of variation; None where it has no such."""
    match law:
        case laws.Exponential():
            return laws.Gamma(1.0 / factor, law.mean)
        case laws.Gamma():
            return replace(law, shape=law.shape / factor)
        case laws.Lognormal():
            sigma = math.sqrt(math.log1p(factor * laws.scv(law)))
            return laws.Lognormal(law.log_mean + (law.sigma**2 - sigma**2) / 2, sigma)
        case laws.Discrete() if len(law.values) > 1:
            return _spread_values(law, math.sqrt(factor))
        case laws.Mixture() if all(isinstance(part, laws.Exponential) for part in law.laws):
            return _spread_means(law, factor)
    return None


def _spread_values(law: laws.Discrete, by: float) -> laws.Discrete | None:
    values = [law.mean + by * (value - law.mean) for value in law.values]
    return replace(law, values=tuple(values)) if min(values) >= 0.0 else None


def _spread_means(law: laws.Mixture, factor: float) -> laws.Mixture | None:
    """The squared coefficient of variation is 1 + 2·v, v that of the means: they are drawn apart."""
    means: Sequence[float] = [part.mean for part in law.laws]
    spread = (laws.scv(law) - 1.0) / 2.0
    wanted = (factor * laws.scv(law) - 1.0) / 2.0
    if spread <= 1e-12 or wanted < 0.0:
        return None
    by = math.sqrt(wanted / spread)
    apart = [law.mean + by * (mean - law.mean) for mean in means]
    return laws.Mixture(law.p, tuple(map(laws.Exponential, apart))) if min(apart) > 0.0 else None
