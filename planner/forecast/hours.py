"""Knows counts of jobs hour by hour, and which hour of the week or the day an hour is in a time zone."""

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

import numpy as np

from planner.laws.named import Ints, Vector

HOUR = 3600.0
DAY_HOURS, WEEK_HOURS = 24, 168


@dataclass(frozen=True, slots=True, eq=False)
class Hourly:
    """Jobs that arrived in each hour from `start` on (epoch seconds); NaN where nothing is known."""

    start: float
    counts: Vector

    def __len__(self) -> int:
        return len(self.counts)

    @property
    def known(self) -> int:
        """Hours that are known."""
        return int(np.isfinite(self.counts).sum())

    @property
    def end(self) -> float:
        return self.start + len(self.counts) * HOUR

    def before(self, hours: int) -> "Hourly":
        """The first hours alone."""
        return Hourly(self.start, self.counts[:hours])

    def times(self) -> Vector:
        return np.asarray(self.start + np.arange(len(self.counts)) * HOUR)


def slots_of_week(start: float, hours: int, zone: tzinfo = UTC) -> Ints:
    """Hour of the week (Monday 00 h is 0) of each hour, by the clock on the wall."""
    moments = (datetime.fromtimestamp(start + hour * HOUR, zone) for hour in range(hours))
    return np.array([at.weekday() * DAY_HOURS + at.hour for at in moments], dtype=np.int64)


def told(moment: float, zone: tzinfo = UTC) -> str:
    """An hour for people, with its zone."""
    return datetime.fromtimestamp(moment, zone).strftime("%a %Y-%m-%d %H:%M%z")
