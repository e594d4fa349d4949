"""This file knows the Redis server as it is now: connections and pools against their limits, memory, latency, hits."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import pandas as pd

from dashboard.sources.asking import at_once
from dashboard.sources.histogram import quantile
from dashboard.sources.source import Source, Span
from exporter import catalogue as c
from exporter.catalogue import Metric

Values = dict[tuple[str, ...], float]
_NOW_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Pool:
    """A pool that the exporter's configuration names."""

    name: str
    open: float | None
    recent: float | None
    size: float | None

    @property
    def utilisation(self) -> float | None:
        return self.open / self.size if self.open is not None and self.size else None


@dataclass(frozen=True, slots=True)
class RedisNow:
    """None is not known. What comes from counters is of the recent stretch, the rest of this moment."""

    up: bool | None = None
    roles: Mapping[str, float] | None = None
    connections_max: float | None = None
    utilisation: float | None = None
    pools: tuple[Pool, ...] = ()
    memory_bytes: float | None = None
    memory_max_bytes: float | None = None
    policy: str | None = None
    evicted: float | None = None
    rejected: float | None = None
    hits: float | None = None
    misses: float | None = None
    round_trip_mean_seconds: float | None = None
    round_trip_p95_seconds: float | None = None
    cache_hits: Mapping[str, float] | None = None

    @property
    def hit_ratio(self) -> float | None:
        if self.hits is None or self.misses is None or self.hits + self.misses <= 0:
            return None
        return self.hits / (self.hits + self.misses)

    @property
    def fullest(self) -> tuple[str, float] | None:
        """The fullest named pool, else all connections against the most the server takes."""
        known = [
            (f"pool {pool.name}", pool.utilisation) for pool in self.pools if pool.utilisation is not None
        ]
        if known:
            return max(known, key=lambda pair: pair[1])
        return None if self.utilisation is None else ("all clients", self.utilisation)


def fullest_now(source: Source, recent: Span) -> tuple[str, float] | None:
    """`RedisNow.fullest`, with no other question asked. Raises SourceError."""
    utilisation, counts, sizes = at_once(*_Asked(source, recent).fullness())
    return RedisNow(utilisation=_only(utilisation), pools=_pools(counts, sizes)).fullest


def redis_now(source: Source, recent: Span) -> RedisNow:
    """Raises SourceError."""
    asked = _Asked(source, recent)
    gauges, grown = partial(partial, asked.gauges), partial(partial, asked.grown)
    found = at_once(
        *asked.fullness(),
        gauges(c.REDIS_UP),
        gauges(c.CONNECTIONS, "role"),
        gauges(c.CONNECTIONS_MAX),
        gauges(c.MEMORY),
        gauges(c.MEMORY_MAX),
        gauges(c.EVICTION_POLICY, "policy"),
        grown(c.ROUND_TRIP, part="sum"),
        grown(c.ROUND_TRIP, part="count"),
        grown(c.ROUND_TRIP, "le", part="bucket"),
        grown(c.EVICTED),
        grown(c.REJECTED),
        grown(c.HITS),
        grown(c.MISSES),
        grown(c.CACHE_HITS, "cache"),
        grown(c.CACHE_MISSES, "cache"),
    )
    utilisation, counts, sizes, up, roles, most, memory, memory_most, policy = found[:9]
    trip_sum, trip_count, trips, evicted, rejected, hits, misses, cache_hits, cache_misses = found[9:]
    answers = _only(up)
    return RedisNow(
        up=None if answers is None else answers == 1.0,
        roles={role: count for (role,), count in roles.items()} or None,
        connections_max=_only(most),
        utilisation=_only(utilisation),
        pools=_pools(counts, sizes),
        memory_bytes=_only(memory),
        memory_max_bytes=_only(memory_most),
        policy=next((name for (name,), on in policy.items() if on), None),
        evicted=_only(evicted),
        rejected=_only(rejected),
        hits=_only(hits),
        misses=_only(misses),
        round_trip_mean_seconds=_ratio(_only(trip_sum), _only(trip_count)),
        round_trip_p95_seconds=quantile(0.95, {float(edge): count for (edge,), count in trips.items()}),
        cache_hits=_cache_hits(cache_hits, cache_misses) or None,
    )


class _Asked:
    """One source: gauges of now, and what grew in the recent stretch."""

    def __init__(self, source: Source, recent: Span) -> None:
        self._source, self._recent = source, recent.whole()
        self._now = Span(recent.end_seconds - _NOW_SECONDS, recent.end_seconds, _NOW_SECONDS)

    def gauges(self, metric: Metric, *by: str) -> Values:
        return _values(self._source.gauge(metric, by, self._now))

    def grown(self, metric: Metric, *by: str, part: str = "") -> Values:
        return _values(self._source.increase(metric, by, self._recent, part=part))

    def fullness(self) -> tuple[Callable[[], Values], ...]:
        return (
            partial(self.gauges, c.CONNECTION_UTILIZATION),
            partial(self.gauges, c.POOL_CONNECTIONS, "pool", "state"),
            partial(self.gauges, c.POOL_SIZE, "pool"),
        )


def _pools(counts: Values, sizes: Values) -> tuple[Pool, ...]:
    names = sorted({key[0] for key in (*counts, *sizes)})
    return tuple(
        Pool(name, counts.get((name, "open")), counts.get((name, "recent")), sizes.get((name,)))
        for name in names
    )


def _cache_hits(hits: Values, misses: Values) -> dict[str, float]:
    found = {}
    for key in hits:
        total = hits[key] + misses.get(key, 0.0)
        if key in misses and total > 0:
            found[key[0]] = hits[key] / total
    return found


def _values(answer: pd.DataFrame) -> Values:
    if not len(answer):
        return {}
    last = answer.iloc[-1]
    keys = [key if isinstance(key, tuple) else () for key in answer.columns]
    return {key: float(value) for key, value in zip(keys, last, strict=True) if not math.isnan(value)}


def _only(values: Values) -> float | None:
    return values.get(())


def _ratio(part: float | None, whole: float | None) -> float | None:
    return part / whole if part is not None and whole else None
