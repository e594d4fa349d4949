"""This file knows the rule tests on figures that no alert reads, and that boards and dashboard show."""

from alerts import names as n
from alerts.cases.ruletests import Case, Maker, Query
from alerts.cases.world import QUEUE, World, between, until
from alerts.rules import Ground
from alerts.signals import Level
from exporter import catalogue as c

_AT = {"queue": QUEUE, "prefix": "bull"}
RATES = {"0.1": 2, "0.5": 17, "1.0": 19, "+Inf": 20}
"""Jobs a minute that waited no longer than each edge: the 95th percentile is 1 s, the 99th is beyond."""


def rates(g: Ground) -> Case:
    """Twenty jobs a minute of which two fail, and a busier half hour six hours ago."""
    world = World(g, 400).begin().queue(finished=between(30, 90, 58, 18), failed=2)
    job = f'{{job="{g.config.job}"}}'

    def of(operations: str) -> str:
        return f"round({n.recorded('redis', c.PROCESSED, operations)}, 0.001)"

    queries = (
        Query(400, of("per_second5m"), ((job, 0.333),)),
        Query(400, of("per_minute5m"), ((job, 20),)),
        Query(400, of("failed_ratio30m"), ((job, 0.1),)),
        Query(400, of("success_ratio30m"), ((job, 0.9),)),
        Query(400, of("per_hour_max1d"), ((job, 3600),)),
        Query(400, f'round({n.increase("1h")}{{status="failed"}}, 10)', ((_failed(g), 120),)),
        Query(395, f'round({n.increase("6h")}{{status="failed"}}, 10)', ((_failed(g), 720),)),
    )
    return Case("rates a second, a minute, an hour, and their peak", (world,), (), (), queries)


def _failed(g: Ground) -> str:
    prefix = "" if g.config.profile == "bullmq" else 'prefix="bull", '
    return f'{{job="{g.config.job}", {prefix}queue="{QUEUE}", status="failed"}}'


def times(g: Ground) -> Case | None:
    """Mean, 95th and 99th percentile of waits and processing times, and nothing where nothing was observed."""
    if g.config.profile == "bullmq":
        return None
    world = World(g, 40).begin()
    for metric, labels in ((c.JOB_WAIT, {}), (c.JOB_DURATION, {"job_type": "a", "status": "completed"})):
        # All was fast until the window began.
        for le, rate in RATES.items():
            world.counter(f"{metric.name}_bucket", until(20, 20, rate), le=le, **_AT, **labels)
        world.counter(f"{metric.name}_sum", until(20, 1, 8), **_AT, **labels)
        world.counter(f"{metric.name}_count", 20, **_AT, **labels)
        idle = {"queue": "idle", "prefix": "bull", **labels}
        for le in RATES:
            world.counter(f"{metric.name}_bucket", 0, le=le, **idle)
        world.counter(f"{metric.name}_sum", 0, **idle).counter(f"{metric.name}_count", 0, **idle)
    requeued = {**_AT, "job_type": "a", "status": "requeued"}
    world.counter(f"{c.JOB_DURATION.name}_bucket", 50, le="+Inf", **requeued)
    world.counter(f"{c.JOB_DURATION.name}_sum", 5000, **requeued)
    world.counter(f"{c.JOB_DURATION.name}_count", 50, **requeued)
    at = f'{{job="{g.config.job}", prefix="bull", queue="{QUEUE}"}}'
    queries = tuple(
        Query(40, f"round({n.recorded('queue', metric, part)}, 0.001)", ((at, value),))
        for metric in (c.JOB_WAIT, c.JOB_DURATION)
        for part, value in (("avg15m", 0.4), ("p95_15m", 1.0), ("p99_15m", 1.0))
    )
    count = Query(40, f"round({n.DURATION_RATE})", ((at, 300), (at.replace(QUEUE, "idle"), 0)))
    return Case("means and percentiles", (world,), (), (), (*queries, count))


def bounds(g: Ground) -> Case | None:
    """Every bound is a series of its value; rules, boards and dashboard draw from it."""
    if g.config.overrides or g.config.profile == "bullmq":
        return None
    world = World(g, 5).begin().queue(ready=3)
    queries = []
    for threshold in g.thresholds.all:
        level = "queue" if threshold.signal.level is Level.QUEUE else "redis"
        expr = f'max({n.bound(threshold.signal, level)}{{severity="{threshold.severity}"}})'
        queries.append(Query(5, expr, (("{}", threshold.bound),)))
    return Case("bounds are series", (world,), (), (), tuple(queries))


def of_redis(g: Ground) -> Case | None:
    """Hits and round trips of the whole Redis."""
    if g.config.profile == "bullmq":
        return None
    world = World(g, 40).begin().counter(c.HITS, 78).counter(c.MISSES, 22)
    world.counter(f"{c.ROUND_TRIP.name}_sum", 0.12).counter(f"{c.ROUND_TRIP.name}_count", 60)
    job = f'{{job="{g.config.job}"}}'
    queries = (
        Query(40, f"round({n.recorded('redis', c.HITS, 'ratio15m')}, 0.001)", ((job, 0.78),)),
        Query(40, f"round({n.recorded('redis', c.ROUND_TRIP, 'avg5m')}, 0.0001)", ((job, 0.002),)),
    )
    return Case("hits and round trips", (world,), (), (), queries)


CASES: tuple[Maker, ...] = (rates, times, bounds, of_redis)
