"""This file knows a queue's weeks ahead: the planner's forecast of its history, and what that asks of its slots."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from dashboard.amounts import NOTHING, jobs
from dashboard.plan.work import Job
from planner.file.queue_file import AskedQueue
from planner.forecast.hours import Hourly
from planner.forecast.hours_ahead import Forecast, forecast
from planner.forecast.model import TooShortError
from planner.forecast.output import Answer
from planner.forecast.staffing import Break, Staffing, breaks, staffing

Known = Mapping[Hashable, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Ahead:
    """The questions about one queue. `queue` is None where nothing tells its work or its slots."""

    name: str
    history: Hourly
    weeks: int
    zone: tzinfo
    queue: AskedQueue | None = None

    def _key(self, what: str) -> Hashable:
        counts = self.history.counts.tobytes()
        asked = (repr(self.queue.question), repr(self.queue.objective)) if self.queue else ()
        return what, self.name, self.history.start, counts, self.weeks, str(self.zone), asked

    def first(self) -> dict[Hashable, Job]:
        """The forecast alone."""
        return {self._key("forecast"): partial(_forecast, self.history, self.weeks, self.zone)}

    def then(self, known: Known, with_slots: bool = True) -> dict[Hashable, Job]:
        """What can be asked once the forecast is known."""
        found = known.get(self._key("forecast"))
        if not isinstance(found, Forecast) or self.queue is None:
            return {}
        jobs_: dict[Hashable, Job] = {self._key("breaks"): partial(breaks, self.queue, found.ahead)}
        if with_slots:
            jobs_[self._key("staffing")] = partial(staffing, self.queue, found.ahead)
        return jobs_

    def answer(self, known: Known) -> Answer | None:
        """As the planner's command answers; None while the forecast is worked on."""
        found = known.get(self._key("forecast"))
        if found is None:
            return None
        if isinstance(found, TooShortError):
            return Answer(self.name, self.history, None, str(found))
        plain = Answer(self.name, self.history, found)
        if self.queue is None:
            return plain
        return replace(
            plain,
            slots=self.queue.question.fleet.slots,
            breaks=known.get(self._key("breaks")),
            staffing=known.get(self._key("staffing")),
        )


def _forecast(history: Hourly, weeks: int, zone: tzinfo) -> Forecast | TooShortError:
    """A history that is too short is an answer."""
    try:
        return forecast(history, weeks, zone)
    except TooShortError as error:
        return error


def past(history: Hourly, hours: int) -> pd.DataFrame:
    """The last hours of the history: columns time, jobs; NaN where nothing is known."""
    frame = pd.DataFrame({"time": _times(history.times()), "jobs": history.counts})
    return frame.tail(hours).reset_index(drop=True)


def coming(found: Forecast) -> pd.DataFrame:
    """Columns time, expected, low, high."""
    columns = dict(found.ahead.columns())
    return pd.DataFrame({**columns, "time": _times(columns["time"])})


def slots_by_hour(found: Forecast, staffed: Staffing) -> pd.DataFrame:
    """Columns time, slots, slots_high; NaN where no number is enough."""
    times = _times(found.ahead.times())
    return pd.DataFrame({"time": times, "slots": staffed.expected, "slots_high": staffed.high})


def week_grid(table: pd.DataFrame, zone: tzinfo) -> pd.DataFrame:
    """Slots for the upper end of the band: a row a day of the first week, a column an hour of the clock."""
    local = table["time"].dt.tz_convert(zone)
    cells = ["none" if pd.isna(slots) else f"{slots:.0f}" for slots in table["slots_high"]]
    first = table.assign(day=local.dt.strftime("%a %d %b"), hour=local.dt.strftime("%H"), cell=cells).head(
        7 * 24
    )
    grid = first.drop_duplicates(["day", "hour"]).pivot(index="day", columns="hour", values="cell")
    return grid.reindex(first["day"].unique())[sorted(grid.columns)].fillna("")


def _times(seconds: np.ndarray) -> pd.DatetimeIndex:
    return pd.to_datetime(seconds, unit="s", utc=True)


def moment(seconds: float, zone: tzinfo) -> str:
    """`Wed 26 Nov 14:00 CET`."""
    return f"{datetime.fromtimestamp(seconds, zone):%a %d %b %H:%M %Z}"


def verdict(answer: Answer, zone: tzinfo) -> tuple[str, str]:
    """How it stands, and one line: `fine`, `warning`, `critical` or `unknown`."""
    if answer.found is None:
        return "unknown", f"No forecast: {answer.why}."
    if answer.breaks is None or answer.slots is None:
        return (
            "unknown",
            "When the objective breaks can't be known: nothing tells the work or the slots of this queue.",
        )
    return _verdict(answer.breaks, answer.slots, zone)


def _verdict(found: Break, slots: int, zone: tzinfo) -> tuple[str, str]:
    some = f"{slots} slots bear" if slots > 1 else "1 slot bears"
    bears = f"{some} {jobs(found.jobs_per_hour)} jobs an hour"
    if found.expected_at is not None:
        return (
            "critical",
            f"The objective breaks on {moment(found.expected_at, zone)}: {bears}, and more are expected.",
        )
    if found.possible_at is not None:
        at = moment(found.possible_at, zone)
        return "warning", f"The objective may break from {at} on: {bears}, the upper end of the band is more."
    return "fine", f"The objective holds in every hour ahead: {bears}."


def table(answers: Sequence[tuple[Ahead, Answer | None]], zone: tzinfo) -> pd.DataFrame:
    """A row a queue, those whose objective breaks first on top."""
    rows = [_row(ahead, answer, zone) for ahead, answer in answers]
    frame = pd.DataFrame(rows)
    return frame.sort_values("order", kind="stable").drop(columns="order") if len(frame) else frame


def _row(ahead: Ahead, answer: Answer | None, zone: tzinfo) -> dict[str, Any]:
    start = {"order": 3e12, "queue": ahead.name, "": "… working"}
    if answer is None:
        return start
    if answer.found is None:
        return {**start, "": "? unknown", "why": answer.why}
    level, text = verdict(answer, zone)
    found = answer.breaks
    at = (found.expected_at, found.possible_at) if found else (None, None)
    peak = answer.found.ahead.peak
    return {
        "order": at[0] or (1e12 + at[1] if at[1] else 2e12),
        "queue": ahead.name,
        "": SIGNS[level],
        "breaks": NOTHING if at[0] is None else moment(at[0], zone),
        "may break from": NOTHING if at[1] is None else moment(at[1], zone),
        "peak, jobs an hour": f"{jobs(peak.jobs)} ({jobs(peak.low)} to {jobs(peak.high)})",
        "peak at": moment(peak.hour, zone),
        "growth a week": f"{answer.found.ahead.model.growth:+.1%}",
        "slots": NOTHING if answer.slots is None else str(answer.slots),
        "why": text if level == "unknown" else "",
    }


SIGNS = {"fine": "✓ holds", "warning": "▲ may break", "critical": "✕ breaks", "unknown": "? unknown"}
