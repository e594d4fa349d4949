"""Knows what was seen of one queue over one span of time, whatever the source: counts, sums and buckets as they are.

None means that the source does not tell; `absent` says why. Nothing here is a guess: `fitting` makes guesses of it.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from planner.laws.named import Vector

FEW_TO_VARY = 2


@dataclass(frozen=True, slots=True)
class Sums:
    """How many were seen, the sum of their seconds, and the sum of the squares where the source has it."""

    count: float
    seconds: float
    squares: float | None = None

    @property
    def mean(self) -> float | None:
        return self.seconds / self.count if self.count > 0 else None

    @property
    def scv(self) -> float | None:
        """Squared coefficient of variation; None where it can't be known."""
        if self.squares is None or self.count < FEW_TO_VARY or self.seconds <= 0:
            return None
        return max(0.0, self.squares * self.count / self.seconds**2 - 1.0)


@dataclass(frozen=True, slots=True)
class Buckets:
    """How many values lie in each bucket (not cumulative); `edges` are upper ends, the last infinite."""

    edges: tuple[float, ...]
    counts: tuple[float, ...]

    @property
    def total(self) -> float:
        return math.fsum(self.counts)

    def share_above(self, seconds: float) -> float | None:
        """Share of values above `seconds`: exact, so None unless it is an edge."""
        if seconds not in self.edges or self.total <= 0:
            return None
        return math.fsum(self.counts[self.edges.index(seconds) + 1 :]) / self.total


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """Arrivals in equal steps from `start` on (epoch seconds), NaN where nothing is known.

    `squares` are the squares of the intervals between arrivals, summed for each step, where the source has them.
    """

    start: float
    step_seconds: float
    counts: Vector
    squares: Vector | None = None

    @property
    def known(self) -> Vector:
        """The counts of the steps that are known."""
        return np.asarray(self.counts[np.isfinite(self.counts)])


@dataclass(frozen=True, slots=True)
class Crowded:
    """A moment at which no worker had a free slot: `active` jobs on `workers` worker objects."""

    active: float
    workers: float

    @property
    def active_per_worker(self) -> float:
        return self.active / self.workers


@dataclass(frozen=True, slots=True)
class Payload:
    """Sizes of a sample of jobs' data."""

    count: float
    total_bytes: float
    buckets: Buckets | None = None

    @property
    def mean_bytes(self) -> float | None:
        return self.total_bytes / self.count if self.count > 0 else None


@dataclass(frozen=True, slots=True, eq=False)
class Observed:
    """One queue over one span. Counts are jobs or attempts within the span; gauges are means over it."""

    prefix: str
    queue: str
    source: str
    start: float
    seconds: float
    arrivals: float | None = None
    steps: Steps | None = None
    intervals: Sums | None = None
    interval_sample: Vector | None = None
    service: Sums | None = None
    service_sample: Vector | None = None
    durations: Buckets | None = None
    waits: Buckets | None = None
    completed: float | None = None
    failed: float | None = None
    requeued: Mapping[str, float] | None = None
    attempts_most: int | None = None
    retry_delays: tuple[Vector, ...] = ()
    workers: float | None = None
    saturated: float | None = None
    active: float | None = None
    active_most: float | None = None
    crowded: tuple[Crowded, ...] = ()
    payload: Payload | None = None
    lost: float | None = None
    target: Mapping[str, str] = field(default_factory=dict)
    absent: Mapping[str, str] = field(default_factory=dict)
    doubts: tuple[str, ...] = ()

    @property
    def retried(self) -> float | None:
        """Attempts after which the job was tried again; a stall or a wait for children is none."""
        if self.requeued is None:
            return None
        return sum(count for reason, count in self.requeued.items() if reason in ("delayed", "waiting"))

    @property
    def finished(self) -> float | None:
        """Jobs that ended."""
        if self.completed is None or self.failed is None:
            return None
        return self.completed + self.failed
