"""This file knows how a job lives: from ready, over each attempt, to its end, whoever tells of it.

Rules: an attempt ends at the first of completed, failed, delayed, waiting, waiting-children, stalled or removed
after its `active`. The time until a stall was found is not work. A wait is ready → first start; a delayed job is
ready when it falls due. What was not seen is counted as an unknown start, never guessed.
"""

import math
from typing import NamedTuple

from exporter.following.tally import Tally

AT_SOME_TIME = math.inf
"""When something happened of which nobody knows when."""


class JobRecord(NamedTuple):
    """One finished attempt; times in ms of the server's clock, None where unknown. A tuple for speed."""

    job_id: bytes
    job_type: bytes | None
    attempt: int | None
    ready_ms: float | None
    started_ms: float
    ended_ms: float
    outcome: str


class OpenJob:
    """What is known of a job that has not ended. Times are -1 for what has not happened, as far as was seen."""

    __slots__ = ("active_ms", "due_ms", "name", "ready_ms", "started", "starts")

    def __init__(self, name: bytes | None = None, *, started: bool = False) -> None:
        self.name = name
        self.ready_ms = -1.0
        self.due_ms = -1.0
        self.active_ms = -1.0
        self.started = started
        """Whether the first start is past: then no wait is observed any more."""
        self.starts = -1 if started else 0
        """Starts seen, -1 when earlier ones may have been missed."""

    def waits_again(self, ready_ms: float) -> None:
        """The attempt is over and the job is ready for another one since `ready_ms`; -1 when not yet."""
        self.active_ms = self.due_ms = -1.0
        self.ready_ms = ready_ms

    def forget_times(self) -> None:
        """What follows will not tell its time, so how long anything took until then can't be known."""
        if self.active_ms >= 0:
            self.active_ms = AT_SOME_TIME
        if self.ready_ms >= 0:
            self.ready_ms = AT_SOME_TIME


class Lifecycle:
    """The open jobs of one queue and what follows when one starts or an attempt ends."""

    def __init__(self, tally: Tally, *, keep_records: bool = False) -> None:
        self.tally = tally
        self.open: dict[bytes, OpenJob] = {}
        self.unnamed: list[bytes] = []
        """Jobs that started without a known name: worth one HGET while they run."""
        self.nameless: list[JobRecord] = []
        """Ended attempts that wait for the answer to that HGET."""
        self.arrivals: list[bytes] = []
        """Jobs that just arrived, for the sample of payload sizes."""
        self.records: list[JobRecord] | None = [] if keep_records else None
        self.last_ms = 0.0
        """When a message about a job was last heard, where that is not in the place of a stream."""

    def start(self, job_id: bytes, at_ms: float) -> None:
        job = self.open.get(job_id)
        if job is None:
            job = self.open[job_id] = OpenJob(started=True)
        if job.name is None:
            self.unnamed.append(job_id)
        if not job.started:
            job.started = True
            if 0 <= job.ready_ms < AT_SOME_TIME:
                self.tally.waits.observe(max(0.0, (at_ms - job.ready_ms) / 1000))
        if job.starts >= 0:
            job.starts += 1
        job.active_ms = at_ms

    def end(self, job_id: bytes, job: OpenJob, at_ms: float, outcome: str) -> None:
        """An attempt of `job` ended; it may be tried again."""
        if job.active_ms == AT_SOME_TIME:
            self.tally.unknown_starts += 1
            job.waits_again(-1.0)
            return
        if self.records is None and job.name is not None:
            self.tally.attempt(job.name, outcome, (at_ms - job.active_ms) / 1000)
            job.waits_again(-1.0)
            return
        record = JobRecord(
            job_id,
            job.name,
            job.starts if job.starts > 0 else None,
            job.ready_ms if 0 <= job.ready_ms < AT_SOME_TIME else None,
            job.active_ms,
            at_ms,
            outcome,
        )
        job.waits_again(-1.0)
        if record.job_type is None:
            self.nameless.append(record)
        else:
            self.observe(record)

    def complete(self, job_id: bytes, at_ms: float) -> None:
        job = self.open.pop(job_id, None)
        self.tally.completed += 1
        if job is None or job.active_ms < 0:
            self.tally.unknown_starts += 1
        else:
            self.end(job_id, job, at_ms, "completed")

    def fail(self, job_id: bytes, at_ms: float, reason: bytes | None) -> None:
        """The job failed for good. Without a start it was failed from outside: no attempt, so no duration."""
        job = self.open.pop(job_id, None)
        self.tally.failed += 1
        if job is None:
            self.tally.unknown_starts += 1
        elif job.active_ms >= 0 and not _is_no_work(reason):
            self.end(job_id, job, at_ms, "failed")

    def ready(self, job: OpenJob, ready_ms: float, at_ms: float) -> None:
        """The job may run from `ready_ms` on; its arrival if it was never ready before."""
        if job.ready_ms < 0:
            if not job.started and at_ms < AT_SOME_TIME:
                self.tally.arrived(at_ms)
            job.ready_ms = ready_ms

    def observe(self, record: JobRecord) -> None:
        self.tally.attempt(record.job_type, record.outcome, (record.ended_ms - record.started_ms) / 1000)
        if self.records is not None:
            self.records.append(record)

    def name_jobs(self, names: dict[bytes, bytes | None]) -> None:
        """Take names looked up for `unnamed`, then count the attempts that waited for them."""
        for job_id, name in names.items():
            job = self.open.get(job_id)
            if job is not None and job.name is None:
                job.name = name
        nameless, self.nameless = self.nameless, []
        for record in nameless:
            self.observe(record._replace(job_type=names.get(record.job_id)))

    def doubt_starts(self) -> None:
        """So much was lost that a running job may be in a later attempt by now: its start is unknown."""
        for job in self.open.values():
            job.active_ms = -1.0

    def clock_stepped(self, step_ms: float) -> None:
        """The clock of the times above was set, ahead or back: a step is no time that passed."""
        for job in self.open.values():
            if job.active_ms >= 0:
                job.active_ms += step_ms
            if job.ready_ms >= 0:
                job.ready_ms += step_ms
        if self.tally.last_arrival_ms >= 0:
            self.tally.last_arrival_ms += step_ms

    def forget_oldest(self, count: int) -> None:
        """Drop the open jobs seen longest ago; their ends will count as unknown starts."""
        for job_id in list(self.open)[:count]:
            del self.open[job_id]


def _is_no_work(reason: bytes | None) -> bool:
    """Whether a final failure closes an attempt in which no handler worked to its end.

    `job stalled more than allowable limit` (BullMQ) and `…maxStalledCount` (Bull) close stall detection time;
    `child {key} failed` is written at once when a parent starts whose child failed (BullMQ 5, 6).
    """
    if reason is None:
        return False
    return reason.startswith(b"job stalled more than ") or (
        reason.startswith(b"child ") and reason.endswith(b" failed")
    )
