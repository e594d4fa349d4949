"""Knows how sizes are told to people: the table of waits, then processes, budgets and the hours of a day."""

from collections.abc import Iterator, Mapping
from typing import Any

from planner.answers import as_lines, clock
from planner.size import one_fewer

_UNITS = {
    "memory_mb": "MB of memory",
    "cpu_cores": "busy cores",
    "connections": "connections",
    "money": "money",
}


def lines(found: Mapping[str, Any]) -> list[str]:
    """All of it."""
    rows = found["queues"]
    return [
        *as_lines(rows, _of_slots),
        *_briefly(found["sized_briefly"], len(rows)),
        *_processes(rows),
        *_cuts(rows),
        *_together(found["together"]),
        *_schedules(rows),
    ]


def _of_slots(row: Mapping[str, Any]) -> list[str]:
    if "slots_given" not in row or row["slots_given"] == row["slots_needed"]:
        return one_fewer.told(row)
    return [f"has {row['slots_given']}, needs {row['slots_needed']}", *one_fewer.told(row)]


def _briefly(count: int, of: int) -> Iterator[str]:
    if count:
        yield (
            f"{count:,} of {of:,} queues were sized briefly, by solved likenesses and short runs, as their methods "
            "say; --thorough simulates each for seconds"
        )


def _processes(rows: list[dict[str, Any]]) -> Iterator[str]:
    yield f"{'queue':<28}{'workers':>8} × {'concurrency':<12}{'memory':>10}{'cores':>8}  workers set by"
    for row in rows:
        if row["slots_needed"] is not None:
            uses = row["uses"]
            memory = "–" if uses["memory_mb"] is None else f"{uses['memory_mb']:,.0f} MB"
            cores = "–" if uses["cpu_cores"] is None else f"{uses['cpu_cores']:.2f}"
            start = f"{row['name']:<28}{row['workers']:>8} × {row['concurrency']:<12}"
            yield f"{start}{memory:>10}{cores:>8}  {row['workers_set_by']}"


def _cuts(rows: list[dict[str, Any]]) -> Iterator[str]:
    for row in rows:
        if row.get("cut_to_fit"):
            yield (
                f"  {row['name']}: {row['slots']} slots instead of {row['slots_needed']}, so that all together fit the "
                f"budgets; its waits above are those of {row['slots']}"
            )


def _together(sums: Mapping[str, Any]) -> Iterator[str]:
    for resource, one in sums.items():
        if one["budget"] is None and resource in ("money", "connections"):
            continue
        if one["budget"] is None and one["known"] == 0:
            continue
        bound = "" if one["budget"] is None else f" of {one['budget']:,.6g}"
        verdict = "" if one["within"] else ": TOO MUCH, even with the fewest stable slots"
        missing = f"; not known for {', '.join(one['unknown'])}" if one["unknown"] else ""
        yield f"together {one['known']:,.6g}{bound} {_UNITS[resource]}{verdict}{missing}"


def _schedules(rows: list[dict[str, Any]]) -> Iterator[str]:
    for row in rows:
        shifts: list[dict[str, Any]] = row.get("schedule", [])
        if len(shifts) < 2:
            continue
        told = ", ".join(f"{clock(one['begins'])}–{clock(one['ends'])} {one['slots']}" for one in shifts)
        length = shifts[-1]["ends"]
        mean = sum((one["ends"] - one["begins"]) * one["slots"] for one in shifts) / length
        most = max(one["slots"] for one in shifts)
        yield f"  {row['name']} by the clock: {told}; {mean:.3g} slots on average instead of {most} at all times"
