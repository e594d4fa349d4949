"""Knows what all queues of a file do together, from the answers of each."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from planner.answers import duration
from planner.filling import Filling

Row = dict[str, Any]


def together(
    rows: Sequence[Row], full: Filling | None = None, pools: Mapping[str, float] | None = None
) -> dict[str, Any]:
    """Sums, and what gives way first when the load of all grows; a sum is None where a part is not known.

    `full` tells when a backlog that grows has filled Redis; `pools`, at how many times the load each pool is used up.
    """
    limits = [(_times_load(row), row["name"], row["ceiling_set_by"]) for row in rows]
    limits += [(times, name, "pool") for name, times in (pools or {}).items()]
    times, first, set_by = min(limits, key=lambda limit: limit[0])
    slots, jobs = sum(row["slots"] for row in rows), sum(row["jobs_per_hour"] for row in rows)
    busy = sum(row["slots"] * row["utilisation"] for row in rows)
    failed = sum(row["jobs_per_hour"] * row["final_failure_ratio"] for row in rows)
    return {
        "slots": slots,
        "busy_slots": busy,
        "utilisation": busy / slots,
        "jobs_per_hour": jobs,
        "ceiling_per_hour": jobs * times,
        "chance_to_wait": _of_all_jobs(rows, lambda row: row["chance_to_wait"]),
        "wait_seconds": {"mean": _of_all_jobs(rows, lambda row: row["wait_seconds"]["mean"])},
        "sojourn_seconds": {"mean": _of_all_jobs(rows, lambda row: row["sojourn_seconds"]["mean"])},
        "failed_per_hour": failed,
        "final_failure_ratio": failed / jobs,
        "mean_backlog_jobs": _sum(rows, "mean_backlog_jobs"),
        "memory_mb": _sum(rows, "memory_mb"),
        "gives_way_first": first,
        "gives_way_set_by": set_by,
        "gives_way_at_times_the_load": times,
        "backlog_per_hour": sum(row["backlog_per_hour"] for row in rows),
        "redis_full_after_seconds": full.seconds if full else None,
        "payload_bytes_unknown": list(full.unknown) if full else [],
    }


def _times_load(row: Row) -> float:
    return float(row["ceiling_per_hour"]) / float(row["jobs_per_hour"])


def _sum(rows: Sequence[Row], name: str) -> float | None:
    amounts = [row[name] for row in rows]
    return None if None in amounts else float(sum(amounts))


def _of_all_jobs(rows: Sequence[Row], figure: Callable[[Row], float | None]) -> float | None:
    """The mean over all jobs, of whatever queue; None where a queue has no such figure."""
    jobs: list[float] = [row["jobs_per_hour"] for row in rows]
    known = [one for one in map(figure, rows) if one is not None]
    if len(known) < len(rows):
        return None
    return sum(count * one for count, one in zip(jobs, known, strict=True)) / sum(jobs)


def lines(whole: dict[str, Any]) -> list[str]:
    """For people."""
    backlog = whole["mean_backlog_jobs"]
    waiting = "a backlog without end" if backlog is None else f"{_jobs(backlog)} jobs waiting on average"
    memory = "" if whole["memory_mb"] is None else f", {whole['memory_mb']:,.0f} MB"
    return [
        f"together {whole['busy_slots']:.3g} of {whole['slots']} slots busy, {waiting}{memory}; first to give way: "
        f"{_first(whole)}, at {whole['gives_way_at_times_the_load']:.3g} times the load",
        *_used_up(whole),
        *_full(whole),
    ]


def _first(whole: dict[str, Any]) -> str:
    name = str(whole["gives_way_first"])
    if whole["gives_way_set_by"] != "pool":
        return name
    return "the pool" if name == "pool" else f"the pool {name}"


def _used_up(whole: dict[str, Any]) -> list[str]:
    if whole["gives_way_set_by"] != "pool" or whole["gives_way_at_times_the_load"] > 1.0:
        return []
    return [
        f"{_first(whole)} has too few connections for this load: jobs wait for their commands, and longer than is said "
        "here; bullgauge-planner pool says how many it needs"
    ]


def _jobs(number: float) -> str:
    """For people: nobody reads powers of ten."""
    if number < 0.01:
        return "fewer than 0.01"
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"


def _full(whole: dict[str, Any]) -> list[str]:
    if not whole["backlog_per_hour"]:
        return []
    if whole["redis_full_after_seconds"] is None:
        return ["when Redis is full can't be known: give redis: {free_memory_mb: N}"]
    unknown = whole["payload_bytes_unknown"]
    if not unknown:
        return [f"Redis is full after {duration(whole['redis_full_after_seconds'])}"]
    names = ", ".join(unknown)
    return [
        f"Redis is full after {duration(whole['redis_full_after_seconds'])} at the latest, without payloads: give "
        f"payload_bytes of {names}"
    ]
