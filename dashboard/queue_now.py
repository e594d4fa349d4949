"""This file knows one queue as it is now: what waits, how fast it goes, how long jobs wait, who works."""

from dataclasses import dataclass, field
from typing import Literal

from dashboard.sources.histogram import quantile, share_above

Counts = dict[float, float]


@dataclass(frozen=True, slots=True)
class QueueNow:
    """Figures of one queue. None is not known. What is `recent` is of the last `seconds`, the rest of this moment."""

    name: str
    seconds: float
    states: dict[str, float] = field(default_factory=dict)
    completed: float | None = None
    failed: float | None = None
    added: float | None = None
    retried: float | None = None
    stalled: float | None = None
    waits: Counts = field(default_factory=dict)
    wait_sum_seconds: float | None = None
    attempts: float | None = None
    attempt_sum_seconds: float | None = None
    oldest_waiting_seconds: float | None = None
    workers: float | None = None
    saturated: float | None = None
    paused: bool = False
    limited: bool = False
    concurrency_limit: float | None = None
    rate_limit_per_second: float | None = None

    @property
    def ready(self) -> float | None:
        """Jobs that a worker could take now."""
        if not self.states:
            return None
        return self.states.get("waiting", 0.0) + self.states.get("prioritized", 0.0)

    @property
    def finished(self) -> float | None:
        """Recent jobs that ended, whichever way."""
        if self.completed is None and self.failed is None:
            return None
        return (self.completed or 0.0) + (self.failed or 0.0)

    @property
    def finished_per_hour(self) -> float | None:
        return None if self.finished is None else self.finished / self.seconds * 3600

    @property
    def added_per_hour(self) -> float | None:
        return None if self.added is None else self.added / self.seconds * 3600

    @property
    def failure_ratio(self) -> float | None:
        """Final failures over finished jobs; None when none ended."""
        return (self.failed or 0.0) / self.finished if self.finished else None

    @property
    def wait_mean_seconds(self) -> float | None:
        count = self.waits.get(float("inf"), 0.0)
        return self.wait_sum_seconds / count if count and self.wait_sum_seconds is not None else None

    @property
    def wait_p95_seconds(self) -> float | None:
        return quantile(0.95, self.waits)

    @property
    def attempt_mean_seconds(self) -> float | None:
        if not self.attempts or self.attempt_sum_seconds is None:
            return None
        return self.attempt_sum_seconds / self.attempts

    @property
    def busy_slots(self) -> float | None:
        """Slots that were at work on average, by the working time of the attempts that ended."""
        return None if self.attempt_sum_seconds is None else self.attempt_sum_seconds / self.seconds

    @property
    def drain_seconds(self) -> float | None:
        """How long the ready jobs would take at the recent pace without new ones."""
        if self.ready == 0:
            return 0.0
        if self.ready is None or not self.finished:
            return None
        return self.ready / (self.finished / self.seconds)

    def waited_longer(self, bound_seconds: float) -> float | None:
        """The share of recent jobs that waited longer than an edge of the buckets."""
        return share_above(bound_seconds, self.waits)


Level = Literal["critical", "warning", "unknown", "fine"]
LEVELS: tuple[Level, ...] = ("critical", "warning", "unknown", "fine")
