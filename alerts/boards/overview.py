"""This file knows what the board Overview shows: targets, the worst queues first, and all of them together."""

from collections.abc import Iterator

from alerts import names as n
from alerts.aims import Aim, aim
from alerts.alerting.jobs import budget
from alerts.boards.panels import Board, Column, Kind, Panel, Query, Row
from alerts.boards.queries import HERE, bounds, of
from alerts.links import OVERVIEW
from alerts.promql import without
from alerts.rules import Ground
from alerts.signals import (
    CACHE_HITS,
    CONNECTIONS,
    DRAIN,
    FAILURES,
    LATENCY,
    THROUGHPUT,
    Signal,
)
from exporter import catalogue as c


def overview(g: Ground) -> Board:
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
        f"sum({of(g, n.per_hour('redis'))})",
        "short",
        (_aim(g, THROUGHPUT).value, "above"),
    )
    yield _card(
        "Jobs processed",
        f"Jobs of the last 30 minutes that did not fail for good; the objective is {g.config.objective}.",
        f"min({of(g, n.recorded('redis', c.PROCESSED, 'success_ratio30m'))})",
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
        f"max({of(g, wait)})",
        "s",
        (_aim(g, LATENCY).value, "below"),
    )
    yield _card(
        "Connections",
        f"Clients over maxclients; {_aim(g, CONNECTIONS).text} is aimed at, and a lower share alarms nobody.",
        f"max({of(g, n.CONNECTIONS)})",
        "percentunit",
        (_aim(g, CONNECTIONS).value, "below"),
    )
    yield _card(
        "Redis round trip",
        "Mean of the exporter's own small commands over 5 minutes; the target is 5 ms.",
        f"max({of(g, n.recorded('redis', c.ROUND_TRIP, 'avg5m'))})",
        "s",
        (0.005, "below"),
    )
    yield _card(
        "Cache hits",
        f"Hits over look-ups of the whole Redis; {_aim(g, CACHE_HITS).text} is a target. A healthy Redis that "
        "carries Bull has about 78 %, so nothing alarms here.",
        f"min({of(g, n.recorded('redis', c.HITS, 'ratio15m'))})",
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
        (Query(_apart(firing, "alertstate", "bound")),),
        "none",
        Kind.TABLE,
        10,
        9,
    )
    found = list(_columns(g))
    yield Panel(
        "Queues",
        "One line a queue; sorted by ready jobs, the most first. Colours change at the bounds of all queues; "
        "a queue's name leads to its board.",
        tuple(Query(expr) for _, expr in found),
        "none",
        Kind.TABLE,
        14,
        9,
        columns=tuple(column for column, _ in found),
    )


def _columns(g: Ground) -> Iterator[tuple[Column, str]]:
    yield Column("A", "Ready jobs", "short"), _apart(of(g, n.READY))
    yield Column("B", "Drain time", "s", DRAIN), _apart(of(g, n.DRAIN))
    yield Column("C", "Failed", "percentunit", FAILURES), _apart(of(g, n.failed_ratio("30m")), "status")
    if g.config.profile == "bullgauge":
        wait = of(g, n.recorded("queue", c.JOB_WAIT, "p95_15m"))
        yield Column("D", "p95 wait", "s", LATENCY), _apart(wait)
        yield Column("E", "Workers", "short"), _apart(of(g, n.WORKERS))


def _apart(series: str, *labels: str) -> str:
    """Without its name and these labels; what tells two Redis servers apart becomes a column."""
    return without("max", ("job", *labels), series)


def _totals(g: Ground) -> Iterator[Panel]:
    yield Panel(
        "Throughput",
        "Finished jobs an hour over the last 30 minutes, all queues of each Redis.",
        (
            Query(of(g, n.per_hour("redis")), "finished"),
            Query(of(g, n.demand_per_hour("redis")), "could have been finished"),
            *bounds(g, THROUGHPUT, "redis", ""),
        ),
        "short",
        signal=THROUGHPUT,
    )
    yield Panel(
        "Ready jobs",
        "Jobs that a worker could take now, the ten queues with the most.",
        (Query(f"topk(10, max by (queue) ({of(g, n.READY)}))", HERE),),
        "short",
    )
