"""Knows the second table of a prediction: what the first leaves out, a row a queue, and one for all of them."""

from collections.abc import Mapping, Sequence
from typing import Any

from planner.answers import duration

Row = Mapping[str, Any]
_HEADER = (
    f"{'queue':<28}{'must wait':>10}{'p50 wait':>10}{'p99.9 wait':>12}{'p95 band':>10}{'mean stay':>11}{'p95 stay':>10}"
    f"{'p99 stay':>10}{'jobs/h':>12}{'at most':>12}{'+1,000 gone':>13}{'fail':>8}  most is set by"
)


def lines(rows: Sequence[Row], whole: Row | None = None) -> list[str]:
    """A stay is the wait and the work; `+1,000 gone` is how long a thousand further jobs that wait take to be done."""
    table = ["", _HEADER, *map(_row, rows)]
    return table if whole is None or len(rows) < 2 else [*table, _all(whole, any(map(_is_simulated, rows)))]


def _row(row: Row) -> str:
    drain = duration(row["drain_seconds_of_1000_jobs"])
    return _line(row["name"], row, _is_simulated(row), drain, row["ceiling_set_by"])


def _all(whole: Row, is_simulated: bool) -> str:
    """Over the attempts of all queues; how fast a further thousand are gone depends on whose they are."""
    return _line("all of them", whole, is_simulated, "", whole["gives_way_first"])


def _line(name: str, row: Row, is_simulated: bool, drain: str, set_by: str) -> str:
    waits, stays = row["wait_seconds"], row["sojourn_seconds"]
    band = _band(row["wait_half_width_95"]["p95"], is_simulated)
    return (
        f"{name:<28}{_share(row['chance_to_wait']):>10}{duration(waits['p50']):>10}{duration(waits['p99.9']):>12}"
        f"{band:>10}{duration(stays['mean']):>11}{duration(stays['p95']):>10}{duration(stays['p99']):>10}"
        f"{row['jobs_per_hour']:>12,.0f}{row['ceiling_per_hour']:>12,.0f}{drain:>13}"
        f"{_share(row['final_failure_ratio']):>8}  {set_by}"
    )


def _share(share: float | None) -> str:
    """For people; what is rarer than one in ten thousand is not 0."""
    if share is None:
        return "–"
    return "<0.01%" if 0 < share < 1e-4 else f"{100 * share:.3g}%"


def _band(half_width: float | None, is_simulated: bool) -> str:
    if half_width is None:
        return "–"
    return f"±{duration(half_width)}" if is_simulated or half_width > 0.0 else "exact"


def _is_simulated(row: Row) -> bool:
    return "simulation" in row["method"]
