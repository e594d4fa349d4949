"""This file knows what the three dashboards show: Overview, Queue, Redis and connections."""

from collections.abc import Iterator

from alerts import names as n
from alerts.aims import Aim, aim
from alerts.alert_jobs import budget
from alerts.links import OVERVIEW, QUEUE, REDIS
from alerts.panels import Board, Kind, Panel, Query, Row
from alerts.rules import Ground
from alerts.signals import (
    CACHE_HITS,
    CONNECTIONS,
    DRAIN,
    DURATION,
    FAILURES,
    LATENCY,
    MEMORY,
    OLDEST,
    THROUGHPUT,
    Signal,
)
from exporter import catalogue as c

_QUEUE = 'prefix=~"$prefix", queue=~"$queue"'
_HERE = "{{queue}}"


def boards(g: Ground) -> tuple[Board, ...]:
    """All dashboards. With BullMQ's own metrics nothing is known of Redis, and there are two."""
    both = (_overview(g), _queue(g))
    return both if g.config.profile == "bullmq" else (*both, _redis(g))


def _of(g: Ground, record: str, more: str = "") -> str:
    conditions = ", ".join(part for part in (str(g.job), more) if part)
    return f"{record}{{{conditions}}}"


def _queue_of(g: Ground, record: str, more: str = "") -> str:
    chosen = 'queue=~"$queue"' if g.config.profile == "bullmq" else _QUEUE
    return _of(g, record, ", ".join(part for part in (chosen, more) if part))


def _bounds(g: Ground, signal: Signal, level: str, where: str) -> tuple[Query, ...]:
    """The bounds in force as dashed lines, from the series that the rules compare with."""
    found = {t.severity for t in g.thresholds.of(signal)}
    record = n.bound(signal, level)
    return tuple(
        Query(f"max by (bound) ({_of(g, record, _severity(severity) + where)})", f"{severity}: {{{{bound}}}}")
        for severity in sorted(found, reverse=True)
    )


def _severity(severity: str) -> str:
    return f'severity="{severity}"'


def _overview(g: Ground) -> Board:
    rows = [
        Row("Scorecard", tuple(_scorecard(g))),
        Row("Worst first", tuple(_worst(g))),
        Row("All queues", tuple(_totals(g))),
    ]
    text = "How all queues are doing: the report's targets first, then the queues that need somebody."
    return Board(OVERVIEW, "Bull: overview", text, tuple(rows))


def _scorecard(g: Ground) -> Iterator[Panel]:
    """The report's targets. A target is aimed at; only a bound alarms."""
    yield _card(
        "Throughput",
        f"Finished jobs an hour over the last 30 minutes; the target is {_aim(g, THROUGHPUT).text}.",
        f"sum({_of(g, n.per_hour('redis'))})",
        "short",
        (_aim(g, THROUGHPUT).value, "above"),
    )
    yield _card(
        "Jobs processed",
        f"Jobs of the last 30 minutes that did not fail for good; the objective is {g.config.objective}.",
        f"min({_of(g, n.recorded('redis', c.PROCESSED, 'success_ratio30m'))})",
        "percentunit",
        (1 - budget(g), "above"),
    )
    if g.config.profile == "bullmq":
        return
    wait = n.recorded("queue", c.JOB_WAIT, "avg15m")
    yield _card(
        "Mean wait, worst queue",
        "From ready to first start, mean of 15 minutes, on the queue where it is longest; "
        f"the target is {_aim(g, LATENCY).text}.",
        f"max({_of(g, wait)})",
        "s",
        (_aim(g, LATENCY).value, "below"),
    )
    yield _card(
        "Connections",
        f"Clients over maxclients; {_aim(g, CONNECTIONS).text} is aimed at, and a lower share alarms nobody.",
        f"max({_of(g, n.CONNECTIONS)})",
        "percentunit",
        (_aim(g, CONNECTIONS).value, "below"),
    )
    yield _card(
        "Redis round trip",
        "Mean of the exporter's own small commands over 5 minutes; the target is 5 ms.",
        f"max({_of(g, n.recorded('redis', c.ROUND_TRIP, 'avg5m'))})",
        "s",
        (0.005, "below"),
    )
    yield _card(
        "Cache hits",
        f"Hits over look-ups of the whole Redis; {_aim(g, CACHE_HITS).text} is a target. A healthy Redis that "
        "carries Bull has about 78 %, so nothing alarms here.",
        f"min({_of(g, n.recorded('redis', c.HITS, 'ratio15m'))})",
        "percentunit",
        (_aim(g, CACHE_HITS).value, "above"),
    )


def _aim(g: Ground, signal: Signal) -> Aim:
    found = aim(g.config, signal)
    assert found is not None, signal.name
    return found


def _card(title: str, text: str, expr: str, unit: str, target: tuple[float, str]) -> Panel:
    return Panel(title, text, (Query(expr, title),), unit, Kind.NUMBER, 4, 5, target=target)


def _worst(g: Ground) -> Iterator[Panel]:
    firing = f'{n.ALERTS}{{alertstate="firing", alertname=~"Bull.+", alertname!="BullWatchdog"}}'
    yield Panel(
        "Firing alerts",
        "Alerts of these rules that fire now, critical ones first.",
        (Query(f"sort_desc(max by (severity, alertname, queue) ({firing}))"),),
        "none",
        Kind.TABLE,
        8,
        9,
    )
    columns = [
        ("A", "Ready jobs", "short", f"max by (queue) ({_of(g, n.READY)})"),
        ("B", "Drain time", "s", f"max by (queue) ({_of(g, n.DRAIN)})"),
        ("C", "Failed", "percentunit", f"max by (queue) ({_of(g, n.failed_ratio('30m'))})"),
    ]
    if g.config.profile == "bullgauge":
        columns += [
            ("D", "p95 wait", "s", f"max by (queue) ({_of(g, n.recorded('queue', c.JOB_WAIT, 'p95_15m'))})"),
            ("E", "Workers", "short", f"max by (queue) ({_of(g, n.WORKERS)})"),
        ]
    yield Panel(
        "Queues",
        "One line a queue; sorted by ready jobs, the most first.",
        tuple(Query(expr) for *_, expr in columns),
        "none",
        Kind.TABLE,
        16,
        9,
        columns=tuple((letter, heading, unit) for letter, heading, unit, _ in columns),
    )


def _totals(g: Ground) -> Iterator[Panel]:
    yield Panel(
        "Throughput",
        "Finished jobs an hour over the last 30 minutes, all queues of each Redis.",
        (
            Query(_of(g, n.per_hour("redis")), "finished"),
            Query(_of(g, n.demand_per_hour("redis")), "could have been finished"),
            *_bounds(g, THROUGHPUT, "redis", ""),
        ),
        "short",
        signal=THROUGHPUT,
    )
    yield Panel(
        "Ready jobs",
        "Jobs that a worker could take now, the ten queues with the most.",
        (Query(f"topk(10, max by (queue) ({_of(g, n.READY)}))", _HERE),),
        "short",
    )


def _queue(g: Ground) -> Board:
    rows = [Row("Jobs", tuple(_jobs(g)))]
    if g.config.profile == "bullgauge":
        rows += [Row("Times", tuple(_times(g))), Row("Workers", tuple(_workers(g)))]
    names = ("queue",) if g.config.profile == "bullmq" else ("prefix", "queue")
    return Board(QUEUE, "Bull: queue", "One queue, or several, from all sides.", tuple(rows), names)


def _jobs(g: Ground) -> Iterator[Panel]:
    yield Panel(
        "Jobs by state",
        "Every job is in one state only.",
        (Query(_queue_of(g, n.SIZE), "{{queue}} {{state}}"),),
        "short",
    )
    yield Panel(
        "Finished jobs",
        "Jobs an hour that ended, by how, over the last 30 minutes.",
        (Query(f"{_queue_of(g, n.increase('30m'))} * 2", "{{queue}} {{status}}"),),
        "short",
    )
    yield Panel(
        "Failures",
        "Final failures over finished jobs of 30 minutes; no line where none finished.",
        (
            Query(_queue_of(g, n.failed_ratio("30m")), _HERE),
            *_bounds(g, FAILURES, "queue", ', queue=~"$queue"'),
        ),
        "percentunit",
        signal=FAILURES,
    )
    yield Panel(
        "Drain time",
        "How long the ready jobs would take at the present rate if no more came.",
        (Query(_queue_of(g, n.DRAIN), _HERE), *_bounds(g, DRAIN, "queue", ', queue=~"$queue"')),
        "s",
        signal=DRAIN,
    )


def _times(g: Ground) -> Iterator[Panel]:
    where = ', queue=~"$queue"'
    for metric, title, text, signal in (
        (c.JOB_WAIT, "Wait", "From ready to first start, over 15 minutes.", LATENCY),
        (c.JOB_DURATION, "Processing time", "Of attempts that ended their job, over 15 minutes.", DURATION),
    ):
        lines = [("avg15m", "mean"), ("p95_15m", "p95"), ("p99_15m", "p99")]
        queries = [
            Query(_queue_of(g, n.recorded("queue", metric, part)), f"{_HERE} {name}") for part, name in lines
        ]
        bounds = _bounds(g, signal, "queue", where)
        yield Panel(title, text, (*queries, *bounds), "s", signal=signal if bounds else None)
    yield Panel(
        "Oldest waiting job",
        "Age of the job that is ready for longest.",
        (Query(_queue_of(g, n.OLDEST_AGE), _HERE), *_bounds(g, OLDEST, "queue", where)),
        "s",
        signal=OLDEST,
    )
    yield Panel(
        "Waits above the bounds",
        "Share of the jobs of 15 minutes that waited longer; above 5 % it alarms.",
        (Query(_queue_of(g, n.WAIT_RATIO), "{{queue}} above {{bound}}"),),
        "percentunit",
    )


def _workers(g: Ground) -> Iterator[Panel]:
    yield Panel("Workers", "Workers connected.", (Query(_queue_of(g, n.WORKERS), _HERE),), "short", width=8)
    yield Panel(
        "Full workers",
        "Workers without a free slot over all workers.",
        (Query(_queue_of(g, n.SATURATED), _HERE),),
        "percentunit",
        width=8,
        maximum=1,
    )
    yield Panel(
        "Attempts that went back",
        "Attempts an hour that went back to the queue, by reason.",
        (Query(f"{_queue_of(g, n.requeued('30m'))} * 2", "{{queue}} {{reason}}"),),
        "short",
        width=8,
    )


def _redis(g: Ground) -> Board:
    connections = (
        Panel(
            "Connections over maxclients",
            "Mean of 5 minutes. 60–80 % is a band to plan for.",
            (Query(_of(g, n.CONNECTIONS), "all clients"), *_bounds(g, CONNECTIONS, "redis", "")),
            "percentunit",
            signal=CONNECTIONS,
            maximum=1,
        ),
        Panel(
            "Pools",
            "Open connections of each named pool over its maximum; needs pools in the exporter's configuration.",
            (Query(_of(g, n.POOLS), "{{pool}}"), *_bounds(g, CONNECTIONS, "redis", "")),
            "percentunit",
            signal=CONNECTIONS,
            maximum=1,
        ),
        Panel(
            "Connections by role",
            "Of the whole server.",
            (Query(f"max by (role) ({_of(g, c.CONNECTIONS.name)})", "{{role}}"),),
            "short",
        ),
        Panel("Refused connections", "In 15 minutes.", (Query(_of(g, n.REJECTED), "refused"),), "short"),
    )
    server = (
        Panel(
            "Memory over maxmemory",
            "No line where there is no maxmemory.",
            (Query(_of(g, n.MEMORY), "memory"), *_bounds(g, MEMORY, "redis", "")),
            "percentunit",
            signal=MEMORY,
            maximum=1,
        ),
        Panel(
            "Memory",
            "In use.",
            (Query(g.gauge(c.MEMORY), "used"),),
            "bytes",
        ),
        Panel(
            "Evicted keys",
            "In 15 minutes; a Redis that carries Bull should evict none.",
            (Query(_of(g, n.EVICTED), "evicted"),),
            "short",
        ),
        Panel(
            "Round trip",
            "Mean of the exporter's own small commands.",
            (Query(_of(g, n.recorded("redis", c.ROUND_TRIP, "avg5m")), "mean"),),
            "s",
        ),
        Panel(
            "Keyspace hits",
            "Hits over look-ups of the whole Redis; a target, not an alarm.",
            (Query(_of(g, n.recorded("redis", c.HITS, "ratio15m")), "hits"),),
            "percentunit",
            maximum=1,
        ),
        Panel(
            "The application's caches",
            "Hits over look-ups of the last hour; needs caches that count them.",
            (Query(_of(g, n.CACHE_RATIO), "{{cache}}"), *_bounds(g, CACHE_HITS, "redis", "")),
            "percentunit",
            signal=CACHE_HITS,
            maximum=1,
        ),
    )
    watching = (
        Panel(
            "Visible",
            "1 while the exporter reads everything, 0 while it does not.",
            (Query(_of(g, n.VISIBLE), "visible"),),
            "short",
            maximum=1,
        ),
        Panel(
            "Age of the last whole scrape",
            "Above 5 minutes the numbers are stale.",
            (Query(_of(g, n.AGE), "age"),),
            "s",
        ),
    )
    rows = (Row("Connections", connections), Row("Server", server), Row("Monitoring", watching))
    return Board(REDIS, "Bull: Redis and connections", "The Redis that carries the queues.", rows)
