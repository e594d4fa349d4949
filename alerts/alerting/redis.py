"""This file knows the alerts on Redis: connections, pools, memory, evictions, refusals, caches."""

from collections.abc import Iterator

from alerts import names as n
from alerts.alerting.build import against, both, bound_text, severity_of
from alerts.rules import MINUTE, Alert, Ground
from alerts.signals import CACHE_HITS, CONNECTIONS, MEMORY, Severity, Signal

_PERCENT = "{{ $value | humanizePercentage }}"
_NUMBER = '{{ printf "%.0f" $value }}'


def alerts(g: Ground) -> Iterator[Alert]:
    """All alerts on Redis."""
    if g.config.profile == "bullmq":
        return
    yield from _bounded(
        g,
        CONNECTIONS,
        "BullConnectionsHigh",
        n.CONNECTIONS,
        "more than {{ $labels.bound }} of maxclients are connected",
        f"{_PERCENT} of the connections that Redis accepts are open",
        10,
    )
    yield from _bounded(
        g,
        CONNECTIONS,
        "BullPoolConnectionsHigh",
        n.POOLS,
        "pool {{ $labels.pool }} is more than {{ $labels.bound }} open",
        f"{_PERCENT} of the connections that pool {{{{ $labels.pool }}}} may hold are open",
        10,
        "pool",
    )
    yield from _bounded(
        g,
        MEMORY,
        "BullMemoryHigh",
        n.MEMORY,
        "more than {{ $labels.bound }} of maxmemory is in use",
        f"{_PERCENT} of maxmemory is in use; at 100 % adding jobs fails, or keys are evicted",
        10,
    )
    yield from _bounded(
        g,
        CACHE_HITS,
        "BullCacheHitsLow",
        n.CACHE_RATIO,
        "cache {{ $labels.cache }} is hit less than {{ $labels.bound }}",
        f"{_PERCENT} of the look-ups of the last hour found a key in cache {{{{ $labels.cache }}}}",
        30,
        "cache",
    )
    yield from _single(g)


def _bounded(
    g: Ground, signal: Signal, name: str, observed: str, summary: str, text: str, minutes: float, *extra: str
) -> Iterator[Alert]:
    for severity in both(g, signal):
        yield Alert(
            name,
            severity,
            against(signal, severity, observed, "redis", *extra),
            minutes * MINUTE,
            f"Redis: {summary}",
            f"{text}; the bound is {{{{ $labels.bound }}}}.",
            window_seconds=5 * MINUTE,
            bound=bound_text(g, signal, severity),
        )


def _one(
    g: Ground, name: str, severity: Severity, expr: str, minutes: float, summary: str, text: str
) -> Alert:
    return Alert(name, severity_of(g, name, severity), expr, minutes * MINUTE, f"Redis: {summary}", text)


def _single(g: Ground) -> Iterator[Alert]:
    yield Alert(
        "BullRedisDown",
        severity_of(g, "BullRedisDown", "critical"),
        f"{n.REDIS_UP} == 0",
        3 * MINUTE,
        "Redis does not answer",
        "No exporter has had an answer from this Redis for three minutes; nothing is known of its queues.",
    )
    yield _one(
        g,
        "BullEvictionPolicy",
        "warning",
        f'{n.POLICY}{{policy!="noeviction"}} == 1',
        15,
        "maxmemory-policy {{ $labels.policy }} can lose jobs",
        "With {{ $labels.policy }} Redis may throw away keys of Bull when memory is full. Only noeviction is safe.",
    )
    yield _one(
        g,
        "BullKeysEvicted",
        "critical",
        f"{n.EVICTED} > 0",
        0,
        "keys are being evicted",
        f"Redis threw away about {_NUMBER} keys in the last 15 minutes for want of memory; jobs may be among them.",
    )
    yield _one(
        g,
        "BullConnectionsRejected",
        "critical",
        f"{n.REJECTED} > 0",
        0,
        "connections are being refused",
        f"Redis refused about {_NUMBER} connections in the last 15 minutes: maxclients is reached.",
    )
