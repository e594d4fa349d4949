"""Knows how forecasts are told: as lines for people, and as plain values for `--json`."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

import numpy as np

from planner.forecast.hours import DAY_HOURS, WEEK_HOURS, Hourly, told
from planner.forecast.hours_ahead import Forecast, Holdout
from planner.forecast.peak import Peak
from planner.forecast.staffing import Break, Staffing
from planner.laws.named import Vector


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """The forecast of one queue, and what it asks of its slots; None with the reason where there is none."""

    name: str
    history: Hourly
    found: Forecast | None
    why: str = ""
    slots: int | None = None
    breaks: Break | None = None
    staffing: Staffing | None = None


def lines(answers: Sequence[Answer], zone: tzinfo) -> list[str]:
    return [line for answer in answers for line in _lines(answer, zone)]


def _lines(answer: Answer, zone: tzinfo) -> list[str]:
    known = f"{answer.name}: {answer.history.known:,} hours known"
    if answer.found is None:
        return [f"{known}: no forecast: {answer.why}"]
    ahead = answer.found.ahead
    head = f"{known} until {told(answer.history.end, zone)}, {len(ahead.expected)} hours ahead"
    peak = f"  peak      {_peak(ahead.peak)}, likely at {told(ahead.peak.hour, zone)} (chance {ahead.peak.chance:.0%})"
    shape = "of the week" if ahead.model.is_weekly else "of the day"
    model = f"  model     {ahead.model.level:,.4g} an hour, the shape {shape}, growth {ahead.model.growth:+.1%} a week"
    return [
        head,
        peak,
        model,
        *_holdout(answer.found.holdout),
        *_breaks(answer, zone),
        *_grid(answer, zone),
        *(f"  doubt     {text}" for text in answer.found.doubts),
    ]


def _peak(peak: Peak) -> str:
    return f"{peak.jobs:,.0f} jobs an hour ({peak.low:,.0f} to {peak.high:,.0f})"


def _holdout(holdout: Holdout | None) -> list[str]:
    if holdout is None:
        return []
    return [
        f"  tried     on the last {holdout.hours} hours: {holdout.coverage:.0%} inside the 90 % band, "
        f"error {holdout.error:.1%}, repeating the last period {holdout.peer_error:.1%}",
        f"            peak foretold {_peak(holdout.peak)}, was {holdout.peak_seen:,.0f}",
    ]


def _breaks(answer: Answer, zone: tzinfo) -> list[str]:
    if answer.breaks is None:
        return []
    found = answer.breaks
    bears = f"  slots     {answer.slots} bear {found.jobs_per_hour:,.0f} jobs an hour"
    if found.expected_at is not None:
        may = "" if found.possible_at is None else f", may break from {told(found.possible_at, zone)}"
        return [f"{bears}: the objective breaks at {told(found.expected_at, zone)}{may}"]
    if found.possible_at is not None:
        return [f"{bears}: the objective holds as expected, may break from {told(found.possible_at, zone)}"]
    return [f"{bears}: the objective holds"]


def _grid(answer: Answer, zone: tzinfo) -> list[str]:
    """Slots for the upper end of the band, a line a day of the first week."""
    if answer.staffing is None or answer.found is None:
        return []
    slots = answer.staffing.high[:WEEK_HOURS]
    width = max(3, len(f"{np.nanmax(slots):.0f}") + 1) if np.isfinite(slots).any() else 3
    times = answer.found.ahead.times()
    clock = "".join(f"{datetime.fromtimestamp(at, zone):%H}".rjust(width) for at in times[:DAY_HOURS])
    rows = ["  slots by the hour, for the upper end of the band:", f"    {'':<20} {clock}"]
    for first in range(0, len(slots), DAY_HOURS):
        cells = "".join(f"{_cell(value):>{width}}" for value in slots[first : first + DAY_HOURS])
        rows.append(f"    {told(times[first], zone)[:20]} {cells}")
    return rows


def _cell(slots: float) -> str:
    return "–" if math.isnan(slots) else f"{slots:.0f}"


def values(answer: Answer, zone: tzinfo) -> dict[str, Any]:
    """Plain values; None where there is nothing to tell."""
    told_so_far: dict[str, Any] = {"name": answer.name, "hours_known": answer.history.known}
    if answer.found is None:
        return {**told_so_far, "why": answer.why, "peak": None, "hours": []}
    ahead, breaks = answer.found.ahead, answer.breaks
    model = ahead.model
    return {
        **told_so_far,
        "zone": str(zone),
        "peak": _peak_values(ahead.peak, zone),
        "model": {
            "level_per_hour": model.level,
            "growth_per_week": model.growth,
            "shape": "week" if model.is_weekly else "day",
            "profile": model.profile[: model.period_hours].tolist(),
        },
        "holdout": _holdout_values(answer.found.holdout, zone),
        "slots": answer.slots,
        "breaks": None
        if breaks is None
        else {
            "bears_jobs_per_hour": breaks.jobs_per_hour,
            "expected_at": _time(breaks.expected_at, zone),
            "possible_at": _time(breaks.possible_at, zone),
        },
        "hours": _hours(answer, zone),
        "doubts": list(answer.found.doubts),
    }


def _time(moment: float | None, zone: tzinfo) -> str | None:
    return None if moment is None else told(moment, zone)


def _peak_values(peak: Peak, zone: tzinfo) -> dict[str, Any]:
    band = {"jobs": peak.jobs, "low": peak.low, "high": peak.high}
    return {**band, "hour": told(peak.hour, zone), "chance": peak.chance}


def _holdout_values(holdout: Holdout | None, zone: tzinfo) -> dict[str, Any] | None:
    if holdout is None:
        return None
    return {
        "hours": holdout.hours,
        "coverage": _number(holdout.coverage),
        "error": _number(holdout.error),
        "peer_error": _number(holdout.peer_error),
        "peak": _peak_values(holdout.peak, zone),
        "peak_seen": _number(holdout.peak_seen),
    }


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _hours(answer: Answer, zone: tzinfo) -> list[dict[str, Any]]:
    assert answer.found is not None
    ahead = answer.found.ahead
    columns: dict[str, Vector] = {"expected": ahead.expected, "low": ahead.low, "high": ahead.high}
    if answer.staffing is not None:
        columns |= {"slots": answer.staffing.expected, "slots_high": answer.staffing.high}
    return [
        {"time": told(at, zone), **{name: _number(float(column[hour])) for name, column in columns.items()}}
        for hour, at in enumerate(ahead.times())
    ]
