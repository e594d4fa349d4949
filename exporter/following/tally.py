"""This file knows how one queue's attempts are added up: counters, histograms and sums of squares."""

from bisect import bisect_left
from collections.abc import Iterable
from typing import Any

from exporter.keys import label, to_bytes, to_text

OTHER_JOB_TYPE = "__other__"
UNKNOWN_JOB_TYPE = "__unknown__"
REQUEUE_REASONS = ("delayed", "waiting", "stalled", "waiting_children")
JOB_TYPE_MAX_CHARACTERS = 200


class Histogram:
    """Counts per bucket (not cumulative) and the sum of what was observed."""

    __slots__ = ("counts", "edges", "sum")

    def __init__(self, edges: tuple[float, ...]) -> None:
        self.edges = edges
        self.counts = [0] * (len(edges) + 1)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self.edges, value)] += 1
        self.sum += value

    @property
    def count(self) -> int:
        return sum(self.counts)

    def dump(self) -> list[Any]:
        """The state as plain JSON values."""
        return [self.sum, *self.counts]

    def load(self, values: list[Any]) -> None:
        """Take over a dumped state; raises ValueError when it was made with other edges."""
        if len(values) != len(self.counts) + 1:
            raise ValueError(f"{len(values) - 2} bucket edges in the state, {len(self.edges)} configured")
        self.sum, self.counts = float(values[0]), [int(count) for count in values[1:]]


class SeriesBudget:
    """How many duration series may still be opened, over all queues of a target."""

    def __init__(self, maximum: int) -> None:
        self.left = maximum
        self.labels_dropped = 0

    def take(self, series: int) -> bool:
        if series > self.left:
            self.labels_dropped += 1
            return False
        self.left -= series
        return True

    def give_back(self, series: int) -> None:
        self.left += series


class Tally:
    """Everything counted from the events of one queue since counting began."""

    def __init__(
        self,
        duration_edges: tuple[float, ...],
        payload_edges: tuple[float, ...],
        budget: SeriesBudget,
        job_types_max: int,
    ) -> None:
        self.completed = 0
        self.failed = 0
        self.requeued = dict.fromkeys(REQUEUE_REASONS, 0)
        self.waits = Histogram(duration_edges)
        self.durations: dict[tuple[str, str], Histogram] = {}
        self.duration_square_seconds = 0.0
        self.arrival_interval_square_seconds = 0.0
        self.last_arrival_ms = -1.0
        self.unknown_starts = 0
        self.payload_bytes = Histogram(payload_edges)
        self._edges = duration_edges
        self._budget = budget
        self._job_types_max = job_types_max
        self._job_types: dict[bytes, str] = {}

    def arrived(self, at_ms: float) -> None:
        """A job became ready for the first time."""
        if self.last_arrival_ms >= 0:
            interval = max(0.0, (at_ms - self.last_arrival_ms) / 1000)
            self.arrival_interval_square_seconds += interval * interval
        self.last_arrival_ms = max(at_ms, self.last_arrival_ms)

    def attempt(self, name: bytes | None, status: str, seconds: float) -> None:
        """One attempt ended after `seconds` of work."""
        job_type = (
            UNKNOWN_JOB_TYPE if name is None else (self._job_types.get(name) or self._new_job_type(name))
        )
        if seconds < 0:  # Bull's times are off by some ms; OpenMetrics refuses a page with a negative sum
            seconds = 0.0
        histogram = self.durations.get((job_type, status)) or self._open(job_type, status)
        histogram.observe(seconds)
        self.duration_square_seconds += seconds * seconds

    def forget(self) -> None:
        """Return the series of this queue to the budget: it was deleted."""
        self._budget.give_back((len(self._edges) + 3) * len(self.durations))

    def _new_job_type(self, name: bytes) -> str:
        if len(self._job_types) >= self._job_types_max:
            self._budget.labels_dropped += 1
            return OTHER_JOB_TYPE
        text = label(name)
        if len(text) > JOB_TYPE_MAX_CHARACTERS:
            text = text[: JOB_TYPE_MAX_CHARACTERS - 1] + "…"
        self._job_types[name] = text
        return text

    def _open(self, job_type: str, status: str) -> Histogram:
        if not self._budget.take(len(self._edges) + 3):
            job_type = OTHER_JOB_TYPE
        return self.durations.setdefault((job_type, status), Histogram(self._edges))

    def dump(self) -> dict[str, Any]:
        """The state as plain JSON values."""
        return {
            "completed": self.completed,
            "failed": self.failed,
            "requeued": self.requeued,
            "waits": self.waits.dump(),
            "durations": [[*key, histogram.dump()] for key, histogram in self.durations.items()],
            "duration_square_seconds": self.duration_square_seconds,
            "arrival_interval_square_seconds": self.arrival_interval_square_seconds,
            "last_arrival_ms": self.last_arrival_ms,
            "unknown_starts": self.unknown_starts,
            "payload_bytes": self.payload_bytes.dump(),
            "job_types": [to_text(name) for name in self._job_types],
        }

    def load(self, state: dict[str, Any]) -> None:
        """Take over a dumped state; raises KeyError, TypeError or ValueError when it does not fit."""
        self.waits.load(state["waits"])
        self.payload_bytes.load(state["payload_bytes"])
        for job_type, status, values in state["durations"]:
            self._open(job_type, status).load(values)
        self._load_job_types(state["job_types"])
        self.completed, self.failed = int(state["completed"]), int(state["failed"])
        self.requeued.update({reason: int(state["requeued"].get(reason, 0)) for reason in REQUEUE_REASONS})
        self.duration_square_seconds = float(state["duration_square_seconds"])
        self.arrival_interval_square_seconds = float(state["arrival_interval_square_seconds"])
        self.last_arrival_ms = float(state["last_arrival_ms"])
        self.unknown_starts = int(state["unknown_starts"])

    def _load_job_types(self, names: Iterable[str]) -> None:
        for name in names:
            self._new_job_type(to_bytes(name))
