"""Knows what all queues of a file do together, from the answers of each."""

from collections.abc import Mapping, Sequence
from math import hypot
from operator import mul
from typing import Any

from planner.answers import QUANTILES, duration
from planner.figures import read_name
from planner.filling import Filling
from planner.of_all import quantile_of_all
from planner.prediction import Figure, Tail

Row = dict[str, Any]


def together(
    rows: Sequence[Row],
    tails: Sequence[Mapping[str, Tail]],
    full: Filling | None = None,
    pools: Mapping[str, float] | None = None,
) -> dict[str, Any]:
    """Sums, and what gives way first when the load of all grows; a sum is None where a part is not known.

    `tails` are the laws of each queue's "wait" and "sojourn". `full` tells when a backlog that grows has filled Redis;
    `pools`, at how many times the load each pool is used up.
    """
    limits = [(_times_load(row), row["name"], row["ceiling_set_by"]) for row in rows]
    limits += [(times, name, "pool") for name, times in (pools or {}).items()]
    times, first, set_by = min(limits, key=lambda limit: limit[0])
    slots, jobs = sum(row["slots"] for row in rows), sum(row["jobs_per_hour"] for row in rows)
    busy = sum(row["slots"] * row["utilisation"] for row in rows)
    waits, stays = _seconds(rows, tails, "wait"), _seconds(rows, tails, "sojourn")
    failed = sum(row["jobs_per_hour"] * row["final_failure_ratio"] for row in rows)
    return {
        "slots": slots,
        "busy_slots": busy,
        "utilisation": busy / slots,
        "jobs_per_hour": jobs,
        "ceiling_per_hour": jobs * times,
        "chance_to_wait": _mean(rows, [row["chance_to_wait"] for row in rows]),
        "wait_seconds": {name: figure and figure.value for name, figure in waits.items()},
        "wait_half_width_95": {name: figure and figure.half_width for name, figure in waits.items()},
        "sojourn_seconds": {name: figure and figure.value for name, figure in stays.items()},
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


def _mean(rows: Sequence[Row], figures: Sequence[float | None]) -> float | None:
    """Over all attempts, of whatever queue; None where a queue has no such figure."""
    known = [one for one in figures if one is not None]
    return None if len(known) < len(rows) else sum(map(mul, _parts(rows), known))


def _parts(rows: Sequence[Row]) -> list[float]:
    """The share of all attempts that each queue has."""
    attempts = [float(row["attempts_per_hour"]) for row in rows]
    return [one / sum(attempts) for one in attempts]


def _seconds(
    rows: Sequence[Row], tails: Sequence[Mapping[str, Tail]], subject: str
) -> dict[str, Figure | None]:
    """Mean and quantiles over all attempts; None where a queue has none. A mean stay has the band of the wait."""
    own = {name: [row[f"{subject}_seconds"][name] for row in rows] for name in QUANTILES}
    mean, parts = _mean(rows, own["mean"]), _parts(rows)
    if mean is None:
        return dict.fromkeys(QUANTILES)
    bands = [row["wait_half_width_95"]["mean"] for row in rows]
    found: dict[str, Figure | None] = {"mean": Figure(mean, hypot(*map(mul, parts, bands)))}
    laws = [one[subject] for one in tails]
    for name in QUANTILES[1:]:
        level = read_name(f"{name}_{subject}").level
        found[name] = quantile_of_all(parts, laws, level, own[name])
    return found


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
