"""This file knows the rule tests on Redis: connections, pools, memory, evictions, refusals, caches."""

from alerts.cases.ruletests import Case, Firing, Maker, at
from alerts.cases.world import World, between, until
from alerts.rules import Ground
from alerts.signals import CACHE_HITS, CONNECTIONS, MEMORY, Severity, Signal
from exporter import catalogue as c

_W: Severity = "warning"
_C: Severity = "critical"


def _world(g: Ground, minutes: int) -> World:
    return World(g, minutes).begin()


def _fires(g: Ground, signal: Signal, name: str, value: float) -> tuple[Firing, ...]:
    bounds = {s: g.thresholds.default(signal, s) for s in (_W, _C)}
    return tuple(
        (name, s, "")
        for s, bound in bounds.items()
        if bound is not None and (value > bound if signal.worse == "above" else value < bound)
    )


def _single(g: Ground, name: str, default: Severity) -> Firing:
    return (name, g.config.severities.get(name, default), "")


def _between(g: Ground, signal: Signal) -> tuple[float, float] | None:
    """A value between the bounds and one above both."""
    warning, critical = (g.thresholds.default(signal, s) for s in (_W, _C))
    return None if warning is None or critical is None else ((warning + critical) / 2, (critical + 1) / 2)


def connections(g: Ground) -> Case | None:
    """All clients over maxclients: warning, then critical, then neither."""
    values = _between(g, CONNECTIONS)
    if values is None or g.config.profile == "bullmq":
        return None
    middle, high = values
    # The band of 60 to 80 % is for planning; nothing fires at its lower edge.
    planned = min(0.6, g.thresholds.default(CONNECTIONS, _W) or 0.6)
    world = _world(g, 90)
    world.put(
        c.CONNECTION_UTILIZATION,
        lambda now: middle if now < 30 else high if now < 60 else planned,
    )
    name = "BullConnectionsHigh"
    checks = (
        at(20, *_fires(g, CONNECTIONS, name, middle)),
        at(46, *_fires(g, CONNECTIONS, name, high)),
        at(75),
    )
    return Case("connections near maxclients", (world,), (name,), checks)


def pools(g: Ground) -> Case | None:
    """One pool near its maximum; one of unknown or no maximum and an idle one say nothing."""
    values = _between(g, CONNECTIONS)
    if values is None or g.config.profile == "bullmq":
        return None
    middle, high = values
    world = _world(g, 80)
    for pool, size, then, later in (
        ("queue", 100, middle, high),
        ("session", 100, 0.1, 0.1),
        ("cache", 0, 1, 1),
    ):
        most = max(size, 9)
        opened = [0.0] * 10 + [most * then] * 30 + [most * later] * 20 + [0.0] * 21
        world.put(c.POOL_CONNECTIONS, [*opened], pool=pool, state="open")
        world.put(c.POOL_SIZE, size, pool=pool)
    world.put(c.POOL_CONNECTIONS, 25, pool="unknown", state="open")
    name = "BullPoolConnectionsHigh"
    first, second = (_fires(g, CONNECTIONS, name, value) for value in values)
    checks = (at(18), at(28, *first), at(58, *second), at(75))
    return Case("a pool near its maximum", (world,), (name, "BullConnectionsHigh"), checks)


def memory(g: Ground) -> Case | None:
    """Memory near maxmemory; without maxmemory there is nothing to be near."""
    values = _between(g, MEMORY)
    if values is None or g.config.profile == "bullmq":
        return None
    least = min(0.3, values[0] / 2)
    apart = next(name for name in (*g.config.redis_labels, "redis") if name != "job")
    limited = World(g, 90, labels=((apart, "limited"),)).begin()
    limited.put(c.MEMORY, lambda now: 9e5 * (values[0] if now < 30 else values[1] if now < 60 else least))
    limited.put(c.MEMORY_MAX, 9e5)
    unlimited = World(g, 90, labels=((apart, "unlimited"),)).begin()
    unlimited.put(c.MEMORY, 9e9)
    name = "BullMemoryHigh"
    checks = (
        at(20, *_fires(g, MEMORY, name, values[0])),
        at(50, *_fires(g, MEMORY, name, values[1])),
        at(75),
    )
    return Case("memory near maxmemory", (limited, unlimited), (name,), checks)


def losses(g: Ground) -> Case | None:
    """Keys evicted, connections refused, and a policy that may evict."""
    if g.config.profile == "bullmq":
        return None
    names = ("BullKeysEvicted", "BullConnectionsRejected", "BullEvictionPolicy")
    if not all(g.config.alerts.get(name, True) for name in names):
        return None
    world = _world(g, 90)
    world.counter(c.EVICTED, between(10, 12, 50, 0)).counter(c.REJECTED, between(40, 42, 5, 0))
    world.put(c.EVICTION_POLICY, until(40, 1, None), policy="allkeys-lru")
    world.put(c.EVICTION_POLICY, until(40, None, 1), policy="noeviction")
    evicted, rejected, policy = (
        _single(g, name, severity) for name, severity in zip(names, (_C, _C, _W), strict=True)
    )
    checks = (at(9), at(13, evicted), at(20, evicted, policy), at(42, policy, rejected), at(75))
    return Case("Redis evicts keys and refuses connections", (world,), names, checks)


def cache_hits(g: Ground) -> Case | None:
    """A low hit ratio is an alarm on the application's cache, never on Redis as a whole."""
    bound = g.thresholds.default(CACHE_HITS, _W)
    if bound is None or g.config.profile == "bullmq":
        return None
    world = _world(g, 210)
    world.counter(c.HITS, 50).counter(c.MISSES, 50)
    poor, asked = bound * 0.8, 2.5
    world.counter(c.CACHE_HITS, until(120, asked * poor, asked), cache="results")
    world.counter(c.CACHE_MISSES, until(120, asked * (1 - poor), 0), cache="results")
    if g.config.guards.few_jobs:
        world.counter(c.CACHE_HITS, 0, cache="idle").counter(c.CACHE_MISSES, 1, cache="idle")
    name = "BullCacheHitsLow"
    return Case(
        "a cache that misses", (world,), (name,), (at(90, *_fires(g, CACHE_HITS, name, poor)), at(205))
    )


CASES: tuple[Maker, ...] = (connections, pools, memory, losses, cache_hits)
