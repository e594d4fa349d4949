"""Knows the hit ratio of caches whose entries expire: one key, many keys, and a cache that is also full."""

from typing import Literal

import numpy as np
from scipy import optimize

from planner.laws.named import Vector


def hit_ratio(
    requests_per_second: float, ttl_seconds: float, renewed: Literal["write", "read"] = "write"
) -> float:
    """Share of Poisson requests for one key that find it.

    `write`: the life of an entry starts when it is stored (Redis EXPIRE): λT of every λT + 1 requests hit. `read`:
    every hit renews it: a request hits when the one before came less than the TTL ago.
    """
    expected = requests_per_second * ttl_seconds
    return float(expected / (1.0 + expected) if renewed == "write" else -np.expm1(-expected))


def hit_ratio_of_many(
    requests_per_second: float,
    popularity: Vector,
    ttl_seconds: float,
    renewed: Literal["write", "read"] = "write",
) -> float:
    """The same over keys asked for with shares `popularity` (sum 1)."""
    ratios = [hit_ratio(requests_per_second * share, ttl_seconds, renewed) for share in popularity]
    return float(np.dot(popularity, ratios))


def zipf(keys: int, exponent: float = 0.8) -> Vector:
    """Shares of the first, second, … most asked key."""
    weights = np.arange(1, keys + 1, dtype=float) ** -exponent
    return np.asarray(weights / weights.sum())


def lru_hit_ratio(popularity: Vector, entries: int) -> float:
    """A cache of `entries` that drops the least recently used: Che's approximation (Che, Tung & Wang 2002).

    Each key behaves as if it had one TTL, renewed by reads, common to all; its error is below 1 % from some
    hundred entries on (Fricker, Robert & Roberts 2012).
    """
    if entries >= len(popularity):
        return 1.0

    def excess(time: float) -> float:
        return float(-np.expm1(-popularity * time).sum() - entries)

    high = float(entries)
    while excess(high) < 0:
        high *= 2.0
    characteristic = optimize.brentq(excess, 0.0, high)
    return float(popularity @ -np.expm1(-popularity * characteristic))
