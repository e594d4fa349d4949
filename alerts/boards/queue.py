"""This file knows what the board Queue shows: jobs, times and workers of the queues that are chosen."""

from collections.abc import Iterator

from alerts import names as n
from alerts.boards.panels import Board, Panel, Query, Row
from alerts.boards.queries import HERE, bounds, queue_of
from alerts.links import QUEUE
from alerts.rules import Ground
from alerts.signals import (
    DEAD_LETTERS,
    DRAIN,
    DURATION,
    FAILURES,
    LATENCY,
    OLDEST,
)
from exporter import catalogue as c


def queue(g: Ground) -> Board:
    rows = [Row("Jobs", tuple(_jobs(g)))]
    if g.config.profile == "bullgauge":
        rows += [Row("Times", tuple(_times(g))), Row("Workers", tuple(_workers(g)))]
    names = ("queue",) if g.config.profile == "bullmq" else ("prefix", "queue")
    return Board(QUEUE, "Bull: queue", "One queue, or several, from all sides.", tuple(rows), names)


def _jobs(g: Ground) -> Iterator[Panel]:
    yield Panel(
        "Jobs by state",
        "Every job is in one state only. Finished ones that are kept would dwarf the others, and are left out.",
        (Query(queue_of(g, n.SIZE, 'state!~"completed|failed"'), "{{queue}} {{state}}"),),
        "short",
        width=8,
    )
    yield Panel(
        "Finished jobs",
        "Jobs an hour that ended, by how, over the last 30 minutes.",
        (Query(f"{queue_of(g, n.increase('30m'))} * 2", "{{queue}} {{status}}"),),
        "short",
        width=8,
    )
    yield Panel(
        "Failures",
        "Final failures over finished jobs of 30 minutes; no line where none finished.",
        (
            Query(queue_of(g, n.failed_ratio("30m")), HERE),
            *bounds(g, FAILURES, "queue", ', queue=~"$queue"'),
        ),
        "percentunit",
        width=8,
        signal=FAILURES,
    )
    yield Panel(
        "Failed jobs that are kept",
        "Jobs that failed for good and that nobody has retried or removed.",
        (
            Query(queue_of(g, n.SIZE, 'state="failed"'), HERE),
            *bounds(g, DEAD_LETTERS, "queue", ', queue=~"$queue"'),
        ),
        "short",
        signal=DEAD_LETTERS,
    )
    yield Panel(
        "Drain time",
        "How long the ready jobs would take at the present rate if no more came.",
        (Query(queue_of(g, n.DRAIN), HERE), *bounds(g, DRAIN, "queue", ', queue=~"$queue"')),
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
            Query(queue_of(g, n.recorded("queue", metric, part)), f"{HERE} {name}") for part, name in lines
        ]
        lines_of_bounds = bounds(g, signal, "queue", where)
        shown = signal if lines_of_bounds else None
        yield Panel(title, text, (*queries, *lines_of_bounds), "s", signal=shown)
    yield Panel(
        "Oldest waiting job",
        "Age of the job that is ready for longest.",
        (Query(queue_of(g, n.OLDEST_AGE), HERE), *bounds(g, OLDEST, "queue", where)),
        "s",
        signal=OLDEST,
    )
    yield Panel(
        "Waits above the bounds",
        "Share of the jobs of 15 minutes that waited longer; above 5 % it alarms.",
        (Query(queue_of(g, n.WAIT_RATIO), "{{queue}} above {{bound}}"),),
        "percentunit",
    )


def _workers(g: Ground) -> Iterator[Panel]:
    yield Panel("Workers", "Workers connected.", (Query(queue_of(g, n.WORKERS), HERE),), "short", width=8)
    yield Panel(
        "Full workers",
        "Workers without a free slot over all workers.",
        (Query(queue_of(g, n.SATURATED), HERE),),
        "percentunit",
        width=8,
        maximum=1,
    )
    yield Panel(
        "Attempts that went back",
        "Attempts an hour that went back to the queue, by reason.",
        (Query(f"{queue_of(g, n.requeued('30m'))} * 2", "{{queue}} {{reason}}"),),
        "short",
        width=8,
    )
