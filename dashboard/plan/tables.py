"""This file knows the tables of plans: what stands in a row, what is unknown in it, and how a wait is told."""

from collections.abc import Mapping, Sequence

import pandas as pd

from dashboard.amounts import NOTHING, jobs, share
from dashboard.plan.answers import Row
from dashboard.plan.compare import Side
from planner.answers import duration, growth
from planner.figures import SUBJECTS, read_name
from planner.file.queue_file import AskedQueue
from planner.file.reading import read_objective
from planner.objective import Bound

STATES = {"holds": "✓ holds", "slow": "▲ too slow", "unstable": "✕ can't keep up", "unknown": "… working"}
"""What is told of a queue, never by colour alone."""


def state(row: Row | None) -> str:
    if row is None:
        return STATES["unknown"]
    if not row["stable"]:
        return STATES["unstable"]
    return STATES["slow"] if row["objectives_broken"] else STATES["holds"]


def wait(row: Row | None, statistic: str = "p95") -> str:
    """A wait with its band where it has one: `1.2 s ± 0.1 s`."""
    value = row["wait_seconds"][statistic] if row else None
    if row is None or value is None:
        return NOTHING
    half = row["wait_half_width_95"][statistic] or 0.0
    return f"{duration(value)} ± {duration(half)}" if half > 0.005 * value else duration(value)


def used(row: Row | None) -> str:
    return share(row["utilisation"]) if row else NOTHING


def most(row: Row | None) -> str:
    return jobs(row["ceiling_per_hour"]) if row else NOTHING


def needed(name: str, found: Mapping[str, int | None]) -> str:
    """Slots needed; a dash where that is not known yet."""
    if name not in found:
        return NOTHING
    return "none is enough" if found[name] is None else str(found[name])


def sums(side: Side) -> str:
    """The whole of a fleet in one line."""
    memory = side.memory_megabytes
    told = f", memory limits of {memory:,.0f} MB" if memory is not None else ""
    return f"{len(side.queues)} queues, {side.slots} slots, {jobs(side.jobs_per_hour)} jobs an hour{told}"


def answered(
    queues: Sequence[AskedQueue], rows: Mapping[str, Row], fewest: Mapping[str, int | None]
) -> pd.DataFrame:
    """Every queue of one plan."""
    return pd.DataFrame([_line(queue, rows.get(queue.name), fewest) for queue in queues])


def _line(queue: AskedQueue, row: Row | None, fewest: Mapping[str, int | None]) -> dict[str, object]:
    return {
        "queue": queue.name,
        "": state(row),
        "slots": queue.question.fleet.slots,
        "needed": needed(queue.name, fewest),
        "used": used(row),
        "jobs an hour": jobs(row["jobs_per_hour"]) if row else NOTHING,
        "mean wait": wait(row, "mean"),
        "p95 wait": wait(row),
        "p99 wait": wait(row, "p99"),
        "most an hour": most(row),
        "why": why(row),
    }


def why(row: Row | None) -> str:
    """What breaks, or nothing."""
    if row is None:
        return ""
    if not row["stable"]:
        return f"{growth(row['backlog_per_hour'])} ({row['ceiling_set_by']})"
    broken = set(row["objectives_broken"])
    bounds = read_objective(row["objectives"]).bounds
    return ", ".join(_broken(bound) for bound in bounds if bound.figure in broken)


def _broken(bound: Bound) -> str:
    """`p95 wait above 750 ms`."""
    name = read_name(bound.figure)
    in_seconds = name.subject in SUBJECTS and name.statistic in ("mean", "quantile")
    told = duration(bound.value) if in_seconds else f"{bound.value:g}"
    return f"{bound.figure.replace('_', ' ')} {'below' if bound.at_least else 'above'} {told}"


def of_side(side: Side, names: Sequence[str]) -> pd.DataFrame:
    """One of two fleets, with a row for each queue of either, so that rows stand side by side."""
    has = {queue.name: queue for queue in side.queues}
    return pd.DataFrame([_of_side(name, has.get(name), side.rows.get(name)) for name in names])


def _of_side(name: str, queue: AskedQueue | None, row: Row | None) -> dict[str, object]:
    return {
        "queue": name,
        "": NOTHING if queue is None else state(row),
        "slots": NOTHING if queue is None else str(queue.question.fleet.slots),
        "used": used(row),
        "p95 wait": wait(row),
    }
