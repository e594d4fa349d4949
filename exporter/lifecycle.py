"""This file knows how a job lives: from ready, over each attempt, to its end, as the event stream tells it.

Rules: an attempt ends at the first of completed, failed, delayed, waiting, waiting-children, stalled or removed
after its `active`. The time until a stall was found is not work. A wait is ready → first start; a delayed job is
ready when it falls due. What was not seen is counted as an unknown start, never guessed.
"""

from typing import Any, NamedTuple

from exporter import keys
from exporter.events import JobEvent
from exporter.tally import Tally


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
    """What is known of a job that has not ended. Unknown times are -1."""

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
            if job.ready_ms >= 0:
                self.tally.waits.observe(max(0.0, (at_ms - job.ready_ms) / 1000))
        if job.starts >= 0:
            job.starts += 1
        job.active_ms = at_ms

    def end(self, job_id: bytes, job: OpenJob, at_ms: float, outcome: str) -> None:
        """An attempt of `job` ended; it may be tried again."""
        if self.records is None and job.name is not None:
            self.tally.attempt(job.name, outcome, (at_ms - job.active_ms) / 1000)
            job.waits_again(-1.0)
            return
        record = JobRecord(
            job_id,
            job.name,
            job.starts if job.starts > 0 else None,
            job.ready_ms if job.ready_ms >= 0 else None,
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
            if not job.started:
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
        """The clock of the times above was set ahead: a step is no time that passed."""
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


class StreamLifecycle(Lifecycle):
    """The life of BullMQ jobs, from the entries of `{prefix}:{queue}:events` in order."""

    def __init__(self, tally: Tally, *, keep_records: bool = False) -> None:
        super().__init__(tally, keep_records=keep_records)
        self.names_seen = False
        """Whether this library writes `added` entries (BullMQ up to 1.37 does not)."""
        self._requeued: tuple[bytes, OpenJob, float] | None = None

    @property
    def is_undecided(self) -> bool:
        """Whether the next entry tells if the last re-queue was a stall."""
        return self._requeued is not None

    def apply(self, event: JobEvent) -> None:
        """One entry of the stream."""
        if self._requeued is not None and self._was_stall(event):
            return
        kind, job_id, at_ms = event.kind, event.job_id, event.at_ms
        if kind == b"active":
            self.start(job_id, at_ms)
        elif kind == b"completed":
            self.complete(job_id, at_ms)
        elif kind == b"waiting":
            self.wait(job_id, at_ms, event.prev)
        elif kind == b"added":
            self.add(job_id, event.detail)
        elif kind == b"delayed":
            self._delayed(event)
        elif kind == b"failed":
            self.fail(job_id, at_ms, event.detail)
        elif kind == b"waiting-children":
            self._waiting_children(event)
        elif kind == b"stalled":
            self._stalled(self.open.get(job_id), at_ms)
        elif kind == b"removed":
            self.open.pop(job_id, None)

    def add(self, job_id: bytes, name: bytes | None) -> None:
        """The job exists; whether it waits, is delayed or waits for children follows."""
        self.names_seen = True
        self.open[job_id] = OpenJob(name)
        self.arrivals.append(job_id)

    def settle(self) -> None:
        """The end of the stream was reached: a script is atomic, so no `stalled` belongs to the last `waiting`."""
        if self._requeued is not None:
            job_id, job, at_ms = self._requeued
            self._requeued = None
            self.tally.requeued["waiting"] += 1
            self.end(job_id, job, at_ms, "requeued")
            job.ready_ms = at_ms

    def dump(self) -> dict[str, Any]:
        """What is not in the open jobs, as plain JSON values."""
        requeued = None if self._requeued is None else [keys.to_text(self._requeued[0]), self._requeued[2]]
        return {"names_seen": self.names_seen, "requeued": requeued}

    def load(self, state: dict[str, Any]) -> None:
        """Take over a dump, after the open jobs."""
        self.names_seen = bool(state["names_seen"])
        if state["requeued"] is not None:
            job_id = keys.to_bytes(state["requeued"][0])
            if (job := self.open.get(job_id)) is not None:
                self._requeued = (job_id, job, float(state["requeued"][1]))

    def _was_stall(self, event: JobEvent) -> bool:
        """`waiting` then `stalled` of one job is a stall (section 3.2); anything else was a re-queue."""
        assert self._requeued is not None
        job_id, job, at_ms = self._requeued
        if event.kind == b"stalled" and event.job_id == job_id:
            self._requeued = None
            self._stalled(job, at_ms)
            return True
        self.settle()
        return False

    def _stalled(self, job: OpenJob | None, at_ms: float) -> None:
        self.tally.requeued["stalled"] += 1
        if job is not None:
            job.waits_again(at_ms)

    def wait(self, job_id: bytes, at_ms: float, prev: bytes | None) -> None:
        """The job may run: for the first time, again, or after a stall."""
        job = self.open.get(job_id)
        if job is None:
            job = self.open[job_id] = self._unknown(prev)
        if job.active_ms >= 0 and prev == b"waiting-children":
            # BullMQ up to 4 writes nothing when a running job begins to wait for children: the end isn't known.
            self.tally.requeued["waiting_children"] += 1
            job.waits_again(at_ms)
        elif job.active_ms >= 0:
            self._requeued = (job_id, job, at_ms)
        elif job.due_ms >= 0 and job.ready_ms < 0:
            # Promoted by hand before it was due, or by a producer whose clock runs ahead: ready now.
            self.ready(job, min(job.due_ms, at_ms), at_ms)
        else:
            self.ready(job, at_ms, at_ms)

    def _delayed(self, event: JobEvent) -> None:
        job = self.open.get(event.job_id)
        if job is None:
            job = self.open[event.job_id] = self._unknown(event.prev)
        if job.active_ms >= 0:
            self.tally.requeued["delayed"] += 1
            self.end(event.job_id, job, event.at_ms, "requeued")
        if job.ready_ms < 0:
            # The due time is by the producer's clock; no job falls due before it was delayed.
            job.due_ms = max(_number(event.detail, event.at_ms), event.at_ms)

    def _waiting_children(self, event: JobEvent) -> None:
        job = self.open.get(event.job_id)
        if job is None:
            self.open[event.job_id] = self._unknown(event.prev)
        elif job.active_ms >= 0:
            self.tally.requeued["waiting_children"] += 1
            self.end(event.job_id, job, event.at_ms, "requeued")

    def _unknown(self, prev: bytes | None) -> OpenJob:
        """A job met in the middle of its life. Only where no `added` is written can a bare entry be its first."""
        return OpenJob(started=self.names_seen or prev is not None)


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


def _number(text: bytes | None, otherwise: float) -> float:
    try:
        value = float(text) if text is not None else otherwise
    except ValueError:
        return otherwise
    return value if 0 <= value < 1e15 else otherwise
