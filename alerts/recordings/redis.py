"""This file knows the recordings of Redis, its connections and caches, and what the report wants besides."""

from collections.abc import Iterator

from alerts import names as n
from alerts.promql import Matcher, queue_is, select
from alerts.rules import DAY, HOUR, MINUTE, Ground, Recording, label
from exporter import catalogue as c
from exporter.catalogue import Metric


def states(g: Ground) -> Iterator[Recording]:
    """Workers, stalls, schedulers and lost events of each queue."""
    busy = g.gauge(c.WORKERS_SATURATED)
    yield Recording(n.SATURATED, f"{busy} / ({n.WORKERS} > 0)")
    yield Recording(n.UNLOCKED, g.gauge(c.ACTIVE_UNLOCKED))
    yield Recording(n.OVERDUE_SCHEDULERS, g.gauge(c.SCHEDULERS_OVERDUE))
    # An attempt whose start is unknown was running when the exporter started; nothing was missed.
    lost = g.increase(c.EVENTS_LOST, 15 * MINUTE, label("reason", "trimmed", "disconnected"))
    yield Recording(n.LOST, f"sum without (reason) ({lost})")
    yield Recording(n.GAPS, g.increase(c.EVENTS_GAPS, 15 * MINUTE))


def connections(g: Ground) -> Iterator[Recording]:
    """All clients over maxclients, and each pool over its maximum; absent where a maximum is unknown or 0."""
    all_clients = recorded_max(g, c.CONNECTION_UTILIZATION)
    yield all_clients
    yield Recording(n.CONNECTIONS, g.over("avg", all_clients.record, 5 * MINUTE))
    opened = f"max without (state) ({g.gauge(c.POOL_CONNECTIONS, label('state', 'open'))})"
    pools = n.recorded("pool", c.POOL_CONNECTIONS, "ratio")
    yield Recording(pools, f"{opened} / ({g.gauge(c.POOL_SIZE)} > 0)")
    yield Recording(n.POOLS, g.over("avg", pools, 5 * MINUTE))


def recorded_max(g: Ground, metric: Metric) -> Recording:
    return Recording(n.recorded("redis", metric, "max"), g.gauge(metric))


def server(g: Ground) -> Iterator[Recording]:
    """Memory, evictions, refusals, and what the scorecard shows of the server."""
    yield Recording(n.MEMORY, f"{g.gauge(c.MEMORY)} / ({g.gauge(c.MEMORY_MAX)} > 0)")
    yield Recording(n.POLICY, g.gauge(c.EVICTION_POLICY))
    yield Recording(n.EVICTED, g.increase(c.EVICTED, 15 * MINUTE))
    yield Recording(n.REJECTED, g.increase(c.REJECTED, 15 * MINUTE))
    hits, misses = g.increase(c.HITS, 15 * MINUTE), g.increase(c.MISSES, 15 * MINUTE)
    yield Recording(n.recorded("redis", c.HITS, "ratio15m"), f"{hits} / (({hits} + {misses}) > 0)")
    name = c.ROUND_TRIP.name
    total, count = (g.increase(f"{name}_{part}", 5 * MINUTE) for part in ("sum", "count"))
    yield Recording(n.recorded("redis", c.ROUND_TRIP, "avg5m"), f"{total} / ({count} > 0)")


def caches(g: Ground) -> Iterator[Recording]:
    """Hits over look-ups of each cache of the application that counts them."""
    hits, misses = g.increase(c.CACHE_HITS, HOUR), g.increase(c.CACHE_MISSES, HOUR)
    enough = 100 if g.config.guards.few_jobs else 0
    yield Recording(n.CACHE_RATIO, f"{hits} / (({hits} + {misses}) > {enough})")


def prometheus(g: Ground) -> Iterator[Recording]:
    """Evaluations of these very groups that failed."""
    failures = select(
        n.RULE_FAILURES, Matcher("=~", ".*;bullgauge-.*", "rule_group"), window=g.span(15 * MINUTE)
    )
    yield Recording(n.RULES_FAILED, g.once(f"increase({failures})"))


def figures(g: Ground) -> Iterator[Recording]:
    """What the report wants to see: rates a second, a minute and an hour, the peak, success, backlog."""
    queue_rate = n.recorded("queue", c.PROCESSED, "per_second5m")
    yield Recording(queue_rate, f"sum without (status) ({n.RATE})")
    redis_rate = n.recorded("redis", c.PROCESSED, "per_second5m")
    yield Recording(redis_rate, f"sum without (prefix, queue) ({queue_rate})")
    yield Recording(n.recorded("redis", c.PROCESSED, "per_minute5m"), f"{redis_rate} * 60")
    yield Recording(
        n.recorded("redis", c.PROCESSED, "per_hour_max1d"), g.over("max", n.per_hour("redis"), DAY)
    )
    failed = f"sum without (prefix, queue, status) ({n.increase('30m')}{{{label('status', 'failed')}}})"
    finished = f"sum without (prefix, queue) ({n.finished('30m')})"
    yield Recording(n.recorded("redis", c.PROCESSED, "failed_ratio30m"), f"{failed} / ({finished} > 0)")
    success = f"1 - {n.recorded('redis', c.PROCESSED, 'failed_ratio30m')}"
    yield Recording(n.recorded("redis", c.PROCESSED, "success_ratio30m"), success)
    if g.config.profile == "bullgauge":
        workers = f"sum without (prefix, queue) ({n.WORKERS})"
        yield Recording(n.recorded("redis", c.WORKERS, "sum"), workers)
    yield from _critical_backlog(g)
    yield from _of_the_user(g)


def _critical_backlog(g: Ground) -> Iterator[Recording]:
    critical = [queue.name for queue in g.config.queues if queue.priority]
    if critical:
        chosen = f"{n.READY}{{{queue_is(*critical)}}}"
        yield Recording(n.recorded("redis", c.SIZE, "critical"), f"sum without (prefix, queue) ({chosen})")


def _of_the_user(g: Ground) -> Iterator[Recording]:
    for name in ("worker_memory_bytes", "worker_cpu_cores"):
        query = getattr(g.config.figures, name)
        if query is not None:
            yield Recording(n.recorded("fleet", name, "user"), query)
