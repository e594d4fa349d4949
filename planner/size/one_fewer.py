"""Knows why one slot fewer is not enough: which bounds break, and what their figures then are."""

from collections.abc import Mapping
from typing import Any

from planner.answers import duration, growth
from planner.figures import read_name
from planner.file.reading import read_objective
from planner.objective import Bound
from planner.sizing import Plan

_TIMES = ("mean", "quantile")
# Of a queue that is sized briefly.
NO_RUN = "sized briefly, not run; --thorough tells the figures"


def values(plan: Plan) -> dict[str, Any]:
    """Of a row. `one_fewer` is None where there is no fleet with one slot fewer, or none was run: then
    `one_fewer_unknown` says why.
    """
    found: dict[str, Any] = {
        "one_fewer_breaks": [_told(bound, None) for bound in plan.broken],
        "one_fewer": None,
        "one_fewer_unknown": NO_RUN if plan.broken and plan.smaller is None else None,
    }
    smaller = plan.smaller
    if smaller is None:
        return found
    figures = {bound.figure: smaller.figures.get(bound.figure) for bound in plan.broken}
    fewer = {
        "slots": plan.slots_needed - 1,
        "stable": smaller.stable,
        "backlog_per_hour": smaller.backlog_per_second * 3600,
        "figures": {name: figure.value if figure else None for name, figure in figures.items()},
    }
    return {**found, "one_fewer": fewer}


def told(row: Mapping[str, Any]) -> list[str]:
    """For people; nothing where nothing breaks, as with one slot."""
    if not row.get("one_fewer_breaks"):
        return []
    fewer = row["one_fewer"]
    if fewer is None:
        return [f"one slot fewer: {', '.join(row['one_fewer_breaks'])} ({row['one_fewer_unknown']})"]
    start = f"one slot fewer, {fewer['slots']}: "
    if not fewer["stable"]:
        return [start + growth(fewer["backlog_per_hour"])]
    found = fewer["figures"]
    broken = [bound for bound in read_objective(row["objectives"]).bounds if bound.figure in found]
    return [start + "; ".join(_told(bound, found[bound.figure]) for bound in broken)]


def _told(bound: Bound, found: float | None) -> str:
    """`p95_wait over 0.75`, or with what was found `p95_wait is 1.36 s, over 750 ms`."""
    side = "below" if bound.at_least else "over"
    if found is None:
        return f"{bound.figure} {side} {bound.value:g}"
    in_time = read_name(bound.figure).statistic in _TIMES
    value, limit = (duration(one) if in_time else f"{one:.3g}" for one in (found, bound.value))
    if value == limit:
        value, limit = f"{found:.6g}", f"{bound.value:.6g}"
    return f"{bound.figure} is {value}, {side} {limit}"
