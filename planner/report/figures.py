"""Knows the tables of a report: how long jobs wait at each load, the connections to Redis, and every figure."""

from collections.abc import Iterator, Sequence

from planner.answers import duration, growth
from planner.pool import bull_connections
from planner.report.blocks import Block, Bullets, Heading, Paragraph, Table
from planner.report.study import AtLoad, Row, Study
from planner.report.words import load_told


def waits(study: Study) -> Iterator[Block]:
    """The p95 wait of each queue today and at each load, with what breaks an objective marked."""
    yield Heading(2, "How long jobs will wait")
    today = {row["name"]: row for row in study.given.today}
    loads = [f"proposed, load ×{one.factor:g}" for one in study.loads]
    header = ("queue", *(("today",) if today else ()), *loads)
    rows = []
    for number, row in enumerate(study.given.proposed):
        before = (_p95(today.get(row["name"])),) if today else ()
        rows.append((row["name"], *before, *(_p95(one.proposed[number]) for one in study.loads)))
    yield Table(header, tuple(rows), frozenset(header[1:]))
    told = " Today's queues are shown under the load of the file." if today else ""
    yield Paragraph(
        "The p95 wait: 19 of 20 jobs start sooner. **Bold** breaks the objective; 0 ms: at least 19 of 20 find a free "
        f"slot at once.{told} Means, p99 and ceilings stand at the end."
    )


def _p95(row: Row | None) -> str:
    if row is None:
        return "–"
    told = duration(row["wait_seconds"]["p95"]) if row["stable"] else growth(row["backlog_per_hour"])
    return f"**{told}**" if not row["stable"] or row["objectives_broken"] else told


def redis(study: Study) -> Iterator[Block]:
    """Pools, and what Bull opens beside them; nothing where the file has no pool."""
    if not study.pools:
        return
    yield Heading(2, "Connections to Redis")
    header = ("pool", "connections", "busy", "commands that must wait", "connections needed", "busy at most")
    rows = tuple(
        (p.name, str(p.connections), f"{p.utilisation:.2%}", f"{p.prob_wait:.2%}", str(p.connections_needed),
         f"{p.right_utilisation:.0%}")
        for p in study.pools
    )  # fmt: skip
    yield Table(header, rows, frozenset(header[1:]))
    yield Paragraph(
        "Needed, and busy at most: so that no more than 1 command in 100 finds every connection taken. A small pool "
        "must stay emptier than a large one."
    )
    bull = bull_connections(study.file.queues)
    yield Paragraph(
        "Workers open connections of their own, whatever the pool, one worker a queue and process:"
    )
    yield Bullets(
        (
            f"{bull.unshared} with BullMQ's defaults, {bull.shared} when the workers of a process share its main one;",
            f"{bull.bull} with Bull's defaults;",
            f"{bull.blocking} of them block while they wait for a job, and can't be shared.",
        )
    )


def every_figure(study: Study) -> Iterator[Block]:
    yield Heading(2, "All figures")
    if study.given.today:
        yield Heading(3, "Today's queues under this load")
        yield _figures(study.given.today)
    for one in study.loads:
        yield Heading(3, _title(one))
        yield _figures(one.proposed)


def _title(one: AtLoad) -> str:
    return f"The proposed queues at {load_told(one.factor)}"


def _figures(rows: Sequence[Row]) -> Table:
    header = (
        "queue",
        "jobs an hour",
        "slots",
        "slots busy",
        "mean wait",
        "p95 wait",
        "p99 wait",
        "ceiling, jobs an hour",
    )
    return Table(header, tuple(map(_row, rows)), frozenset(header[1:]))


def _row(row: Row) -> tuple[str, ...]:
    start = (row["name"], f"{row['jobs_per_hour']:,.0f}", str(row["slots"]), f"{row['utilisation']:.0%}")
    ceiling = f"{row['ceiling_per_hour']:,.0f}"
    if not row["stable"]:
        return (*start, growth(row["backlog_per_hour"]), "–", "–", ceiling)
    return (*start, *(duration(row["wait_seconds"][q]) for q in ("mean", "p95", "p99")), ceiling)
