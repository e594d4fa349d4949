"""Knows the truth as workers noted it: jobs added, attempts, ends, stalls, and what the library counted.

Times are epoch seconds taken inside the workload; nothing here comes from the exporter.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Note = Mapping[str, Any]

# No event of a worker tells that it has put a rate-limited job back; it takes one round trip.
UNHEARD_SECONDS = 0.003
# An immediate retry in Bull, and a move to waiting-children in BullMQ 3 and 4, are told by what comes later alone.
SILENT_ENDS = {
    *((library, "waiting") for library in ("bull3", "bull4")),
    *((library, "waiting_children") for library in ("bullmq3", "bullmq4")),
}
# These requeue a job that has stalled too often and fail it when it starts; earlier majors fail it on the spot.
REQUEUE_FIRST = ("bullmq5", "bullmq6", "python")


@dataclass(frozen=True, slots=True)
class Span:
    """A time, or a length of time, that is only known to lie between two bounds; seconds."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Attempt:
    """One run of a handler, by the handler; `reason` is where a requeued job went: delayed or waiting.

    `fetched` is when its worker asked for the job (`processedOn`), `left` when it had reported the end.
    """

    job_id: str
    job_type: str
    fetched: float
    started: float
    ended: float
    left: float
    outcome: str
    reason: str | None = None

    @property
    def seconds(self) -> float:
        """How long the handler worked."""
        return self.ended - self.started

    @property
    def span(self) -> Span:
        """Redis saw it work for no less than the handler did, and no longer than the worker held the job."""
        return Span(self.seconds, self.left - self.fetched)


@dataclass(slots=True)
class QueueTruth:
    """All that was noted about one queue."""

    name: str
    library: str
    attempts: list[Attempt] = field(default_factory=list)
    ready: dict[str, Span] = field(default_factory=dict)
    first_starts: dict[str, Span] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    ends: dict[str, tuple[str, float]] = field(default_factory=dict)
    stalls: Counter[str] = field(default_factory=Counter)
    counts: dict[str, Note] = field(default_factory=dict)
    workers: dict[str, int] = field(default_factory=dict)
    parents: dict[str, Note] = field(default_factory=dict)

    @property
    def measured(self) -> list[Attempt]:
        """Attempts whose end can be seen: some majors send nothing when one ends in a certain way."""
        return [attempt for attempt in self.attempts if (self.library, attempt.reason) not in SILENT_ENDS]

    @property
    def completed(self) -> int:
        return sum(attempt.outcome == "completed" for attempt in self.attempts)

    @property
    def failed(self) -> int:
        """Final failures: of a handler, of a stall too many, of a parent whose child failed."""
        without_handler = [job for job, (how, _) in self.ends.items() if how == "stalled"]
        by_handler = sum(attempt.outcome == "failed" for attempt in self.attempts)
        return by_handler + len(without_handler) + len(self.failed_parents)

    @property
    def failed_parents(self) -> list[str]:
        return [job for job, note in self.parents.items() if note.get("fails_with_child")]

    def requeued(self, reason: str) -> int:
        """Attempts after which the job went back: delayed, waiting, or stalled."""
        if reason == "stalled":
            return sum(self.stalls.values()) - self._stalls_that_failed_at_once
        return sum(attempt.reason == reason for attempt in self.attempts)

    @property
    def _stalls_that_failed_at_once(self) -> int:
        """Up to BullMQ 4 a stall too many fails the job on the spot; later majors requeue it first."""
        if self.library in REQUEUE_FIRST:
            return 0
        return sum(how == "stalled" for how, _ in self.ends.values())

    def waits(self) -> list[Span]:
        """Seconds from ready to first start of every job that started."""
        return [
            Span(max(0.0, start.low - self.ready[job].high), max(0.0, start.high - self.ready[job].low))
            for job, start in self.first_starts.items()
        ]


def read(notes: Iterable[Note], library: str) -> dict[str, QueueTruth]:
    """The truth of each queue, by its name."""
    queues: dict[str, QueueTruth] = {}
    by_kind: dict[str, list[Note]] = defaultdict(list)
    for note in notes:
        by_kind[note["note"]].append(note)
        if "queue" in note and note["queue"] not in queues:
            queues[note["queue"]] = QueueTruth(note["queue"], library)
    _read_attempts(queues, by_kind)
    for note in by_kind["ended"]:
        queues[note["queue"]].ends[note["job_id"]] = (note["how"], note["at"])
    for note in by_kind["stalled"]:
        queues[note["queue"]].stalls[note["job_id"]] += 1
    for note in by_kind["counts"]:
        queues[note["queue"]].counts[note["label"]] = note
    for note in by_kind["checkpoint"]:
        queues[note["queue"]].workers[note["label"]] = note["workers"]
    _read_ready(queues, by_kind)
    return queues


def _read_attempts(queues: dict[str, QueueTruth], by_kind: Mapping[str, list[Note]]) -> None:
    left: dict[tuple[str, str], list[float]] = defaultdict(list)
    fetched: dict[tuple[str, str], list[float]] = defaultdict(list)
    for note in by_kind["left"]:
        left[note["queue"], note["job_id"]].append(note["at"])
    for note in by_kind["attempt"]:
        fetched[note["queue"], note["job_id"]].append(note["fetched"])
    for note in by_kind["attempt"]:
        job = note["queue"], note["job_id"]
        next_fetched = min((at for at in fetched[job] if at > note["ended"]), default=float("inf"))
        later = [at for at in left[job] if note["ended"] <= at < next_fetched]
        queues[note["queue"]].attempts.append(
            Attempt(
                note["job_id"],
                note["job_type"],
                note["fetched"],
                note["started"],
                note["ended"],
                min(later, default=note["ended"] + UNHEARD_SECONDS),
                note["outcome"],
                note.get("reason"),
            )
        )
    # A job that a killed worker had taken was noted by that worker, before any attempt that ended.
    for note in [*by_kind["taken"], *by_kind["attempt"]]:
        start = Span(note["fetched"], note["started"])
        queues[note["queue"]].first_starts.setdefault(note["job_id"], start)


def _read_ready(queues: dict[str, QueueTruth], by_kind: Mapping[str, list[Note]]) -> None:
    """When each job became ready: added, due, promoted by hand, its run scheduled, or its last child done."""
    for note in by_kind["added"]:
        queue = queues[note["queue"]]
        due = note.get("due")
        queue.ready[note["job_id"]] = Span(due, due) if due else Span(note["before"], note["after"])
        queue.names[note["job_id"]] = note["job_type"]
        if note.get("children"):
            queue.parents[note["job_id"]] = note
    for note in by_kind["promoted"]:
        queues[note["queue"]].ready[note["job_id"]] = Span(note["before"], note["after"])
    for queue in queues.values():
        _read_scheduled(queue)
        for job, note in queue.parents.items():
            _read_parent(queue, queues[note["children_queue"]], job, note["children"])


def _read_scheduled(queue: QueueTruth) -> None:
    """A scheduled run is ready when it is due, or when the library adds it after that: when the run before starts."""
    due = {job: int(job.rsplit(":", 1)[1]) / 1000 for job in queue.first_starts if job.startswith("repeat:")}
    added = 0.0
    for job in sorted(due, key=lambda job: due[job]):
        queue.ready[job] = Span(due[job], max(due[job], added))
        added = queue.first_starts[job].high


def _read_parent(queue: QueueTruth, children: QueueTruth, parent: str, names: list[str]) -> None:
    handler_ends = [attempt.ended for attempt in children.attempts if attempt.job_id in names]
    heard = [children.ends[child][1] for child in names if child in children.ends]
    if handler_ends and heard:
        queue.ready[parent] = Span(max(handler_ends), max(heard))
    if parent in queue.failed_parents and queue.library in REQUEUE_FIRST:
        # These start the parent only to fail it at once; the start is real, the handler never runs.
        failed_child = next(a for a in children.attempts if a.job_id in names and a.outcome == "failed")
        queue.ready[parent] = Span(failed_child.ended, queue.ends[parent][1])
        queue.first_starts[parent] = Span(failed_child.ended, queue.ends[parent][1])
