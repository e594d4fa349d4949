"""This file knows what a screen is given: the source, the stretch of time, the chosen queue, the planner's file."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from alerts.thresholds import Thresholds
from dashboard.sources.source import Source, Span
from dashboard.waiting import Waiting
from planner.file.queue_file import AskedFile
from planner.fit.steps_of_range import SCRAPES_A_STEP

RANGES = {
    "15m": 900.0, "1h": 3600.0, "6h": 21_600.0, "24h": 86_400.0, "7d": 604_800.0, "30d": 2_592_000.0,
}  # fmt: skip
"""How far back a screen looks, by the name in its address."""
DEFAULT_RANGE = "1h"
RECENT_SECONDS = 900.0
"""Rates and waits of now are of as long, as in the alerts."""
POINTS = 240
"""Steps of a chart: more can't be told apart on a screen."""
STEPS = (1, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600)


@dataclass(frozen=True, slots=True)
class Page:
    """What a screen shows. `now_seconds` is the moment of this look, by the clock of this machine.

    `span` is the range that was chosen, in steps fit for a chart; `recent` the last minutes in one step, over which
    rates and waits of now are taken; both end at most a step ago, so that all viewers ask the same.
    `waiting` are the places of rows that the screen has not drawn yet.
    """

    source: Source
    span: Span
    recent: Span
    now_seconds: float
    range_name: str
    thresholds: Thresholds
    queue: str | None = None
    file: AskedFile | None = None
    file_path: Path | None = None
    waiting: Waiting = field(default_factory=Waiting)

    @property
    def where(self) -> Mapping[str, str]:
        """The labels of the chosen queue, for the source; nothing when none is chosen."""
        return {} if self.queue is None else labels_of(self.queue)


def queue_name(prefix: str, queue: str) -> str:
    """How a queue is called here and in addresses: its own name under Bull's own prefix, else `prefix/name`."""
    return queue if prefix == "bull" and "/" not in queue else f"{prefix}/{queue}"


def labels_of(name: str) -> dict[str, str]:
    """The labels of a queue by its name here."""
    prefix, slash, queue = name.partition("/")
    return {"prefix": prefix, "queue": queue} if slash else {"prefix": "bull", "queue": name}


def fitted(range_seconds: float, now_seconds: float, least_step_seconds: float, points: int = POINTS) -> Span:
    """A span up to now whose step gives about `points` samples, aligned so that viewers of one step agree."""
    wanted = max(range_seconds / points, least_step_seconds)
    step = in_whole_scrapes(next((step for step in STEPS if step >= wanted), STEPS[-1]), least_step_seconds)
    end = math.floor(now_seconds / step) * step
    return Span(end - math.ceil(range_seconds / step) * step, end, step)


def in_whole_scrapes(seconds: float, least_step_seconds: float) -> float:
    """What a counter grew between samples is of whole scrapes: of another length it would be more or less."""
    scrape = least_step_seconds / SCRAPES_A_STEP
    return math.ceil(seconds / scrape - 1e-9) * scrape


def latest(seconds: float, now_seconds: float, grain_seconds: float) -> Span:
    """The last `seconds` as one step, which moves on every `grain_seconds`."""
    end = math.floor(now_seconds / grain_seconds) * grain_seconds
    return Span(end - seconds, end, seconds)
