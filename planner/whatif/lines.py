"""Knows how the answers to a what-if question are told to people."""

from collections.abc import Mapping, Sequence
from typing import Any

from planner.answers import duration, growth
from planner.whatif import pools as whatif_pools

Row = Mapping[str, Any]


def lines(found: Sequence[Row]) -> list[str]:
    """A table of the queues that differ between scenarios (all of them when none does), and what stands beside it."""
    told = [_told(one["set"]) or ("as it is" if len(found) > 1 else "") for one in found]
    width = max(len("scenario"), *(len(text) for text in told)) + 2
    names = _differing(found)
    table = [
        f"{'scenario':<{width}}{'queue':<28}{'slots':>6}{'used':>7}{'mean wait':>11}{'p95 wait':>11}  holds"
    ]
    for one, text in zip(found, told, strict=True):
        start = text
        for row in one["queues"]:
            if row["name"] in names:
                table.append(f"{start:<{width}}{_row(row)}")
                start = ""
    if whatif_pools.worth_telling(found):
        table += whatif_pools.lines(found, told, width)
    for one, text in zip(found, told, strict=True):
        for after in one.get("outages", ()):
            table += ["", *_outage(text, after)]
        for ranked in one.get("influences", ()):
            table += ["", *_ranked(text, ranked)]
    return table


def _differing(found: Sequence[Row]) -> set[str]:
    """Names of the queues that are not the same in all scenarios."""
    by_name: dict[str, list[Row]] = {}
    for one in found:
        for row in one["queues"]:
            by_name.setdefault(row["name"], []).append(row)
    differ = {
        name
        for name, rows in by_name.items()
        if len(rows) < len(found) or any(row != rows[0] for row in rows)
    }
    return differ or set(by_name)


def _told(changed: Mapping[str, Any]) -> str:
    return ", ".join(f"{field}={_value(value)}" for field, value in changed.items())


def _value(value: Any) -> str:
    """As it is written on the command line."""
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{name}: {_value(inner)}' for name, inner in value.items())}}}"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _row(row: Row) -> str:
    start = f"{row['name']:<28}{row['slots']:>6}{row['utilisation']:>7.0%}"
    if not row["stable"]:
        return f"{start}  {growth(row['backlog_per_hour'])}{_facts(row)}"
    waits = "".join(f"{duration(row['wait_seconds'][q]):>11}" for q in ("mean", "p95"))
    return f"{start}{waits}  {'no' if row['objectives_broken'] else 'yes':<5}{_facts(row)}"


def _facts(row: Row) -> str:
    found = []
    if "hit_ratio" in row:
        found.append(f"{row['hit_ratio']:.0%} from the cache of {row['cache_entries']:,.0f} entries")
    if "batch_items" in row:
        found.append(
            f"an item takes {duration(row['item_seconds'])}, {duration(row['fill_seconds'])} of it to fill;"
            f" at most {row['items_per_hour_at_most']:,.0f} items an hour"
        )
    if "payload_bytes" in row:
        found.append(
            f"payloads: {size(row['payload_bytes_in_redis'])} in Redis,"
            f" {size(row['payload_bytes_per_second'])}/s"
        )
    if "jobs_run_again" in row:
        found.append(f"{row['jobs_run_again']:.1f} jobs run again, once their locks are over")
    return f"  {'; '.join(found)}" if found else ""


def size(number: float | None) -> str:
    """Bytes for people."""
    if number is None:
        return "–"
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if number >= factor:
            return f"{number / factor:.3g} {unit}"
    return f"{number:.3g} B"


def _outage(scenario: str, after: Row) -> list[str]:
    where = f" ({scenario})" if scenario else ""
    head = f"{after['queue']}: provider away for {duration(after['outage_seconds'])}{where}; mean, and 9 of 10 outages"
    drained = after["drained_seconds"]
    looked = f"not within {duration(after['looked_seconds'])} of its end"
    seconds = {"peak_seconds", "drained_seconds", "wait_p95_seconds"}
    rows = {
        "jobs held back usually": "usual_backlog",
        "jobs held back at the peak": "peak_backlog",
        "peak after": "peak_seconds",
        "as usual again after its end": "drained_seconds",
        "starts a second usually": "usual_starts_per_second",
        "starts a second in the worst 10 s": "storm_starts_per_second",
        "attempts wasted": "attempts_wasted",
        "jobs failed for good": "failed_for_good",
        "p95 wait of those who came": "wait_p95_seconds",
    }
    found = [head]
    for text, field in rows.items():
        if field == "drained_seconds" and drained is None:
            found.append(f"  {text:<36}{looked}")
        else:
            found.append(f"  {text:<36}{_ends(after[field], field in seconds)}")
    return found + [f"  assumed {text}" for text in after["assumed"]]


def _ends(ends: Mapping[str, float], seconds: bool) -> str:
    mean, low, high = (ends[name] for name in ("mean", "low", "high"))
    if seconds:
        return f"{duration(mean):>10}   {duration(low)} to {duration(high)}"
    return f"{_number(mean):>10}   {_number(low)} to {_number(high)}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _ranked(scenario: str, ranked: Row) -> list[str]:
    where = f" ({scenario})" if scenario else ""
    found = [f"{ranked['queue']}: what 1 % more of an input does to {ranked['figure']}{where}"]
    for one in ranked["inputs"]:
        band = f" ±{one['half_width']:.2f}" if one["half_width"] else ""
        found.append(f"  {one['input']:<40}{one['elasticity']:>+8.2f} %{band}")
    return found + [f"  left out: {text}" for text in ranked["left_out"]]
