"""This file knows what the board Redis and connections shows, and what it shows of the monitoring itself."""

from alerts import names as n
from alerts.boards.panels import Board, Panel, Query, Row
from alerts.boards.queries import bounds, of
from alerts.links import REDIS
from alerts.rules import Ground
from alerts.signals import (
    CACHE_HITS,
    CONNECTIONS,
    MEMORY,
)
from exporter import catalogue as c


def redis(g: Ground) -> Board:
    connections = (
        Panel(
            "Connections over maxclients",
            "Mean of 5 minutes. 60–80 % is a band to plan for.",
            (Query(of(g, n.CONNECTIONS), "all clients"), *bounds(g, CONNECTIONS, "redis", "")),
            "percentunit",
            signal=CONNECTIONS,
            maximum=1,
        ),
        Panel(
            "Pools",
            "Open connections of each named pool over its maximum; needs pools in the exporter's configuration.",
            (Query(of(g, n.POOLS), "{{pool}}"), *bounds(g, CONNECTIONS, "redis", "")),
            "percentunit",
            signal=CONNECTIONS,
            maximum=1,
        ),
        Panel(
            "Connections by role",
            "Of the whole server.",
            (Query(f"max by (role) ({of(g, c.CONNECTIONS.name)})", "{{role}}"),),
            "short",
        ),
        Panel("Refused connections", "In 15 minutes.", (Query(of(g, n.REJECTED), "refused"),), "short"),
    )
    server = (
        Panel(
            "Memory over maxmemory",
            "No line where there is no maxmemory.",
            (Query(of(g, n.MEMORY), "memory"), *bounds(g, MEMORY, "redis", "")),
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
            (Query(of(g, n.EVICTED), "evicted"),),
            "short",
        ),
        Panel(
            "Round trip",
            "Mean of the exporter's own small commands.",
            (Query(of(g, n.recorded("redis", c.ROUND_TRIP, "avg5m")), "mean"),),
            "s",
        ),
        Panel(
            "Keyspace hits",
            "Hits over look-ups of the whole Redis; a target, not an alarm.",
            (Query(of(g, n.recorded("redis", c.HITS, "ratio15m")), "hits"),),
            "percentunit",
            maximum=1,
        ),
        Panel(
            "The application's caches",
            "Hits over look-ups of the last hour; needs caches that count them.",
            (Query(of(g, n.CACHE_RATIO), "{{cache}}"), *bounds(g, CACHE_HITS, "redis", "")),
            "percentunit",
            signal=CACHE_HITS,
            maximum=1,
        ),
    )
    watching = (
        Panel(
            "Visible",
            "1 while the exporter reads everything, 0 while it does not.",
            (Query(of(g, n.VISIBLE), "visible"),),
            "short",
            maximum=1,
        ),
        Panel(
            "Age of the last whole scrape",
            "Above 5 minutes the numbers are stale.",
            (Query(of(g, n.AGE), "age"),),
            "s",
        ),
    )
    rows = (Row("Connections", connections), Row("Server", server), Row("Monitoring", watching))
    return Board(REDIS, "Bull: Redis and connections", "The Redis that carries the queues.", rows)
