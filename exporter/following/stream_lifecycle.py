"""This file knows how a BullMQ job lives, as the entries of its queue's event stream tell it."""

from typing import Any

from exporter import keys
from exporter.events import JobEvent
from exporter.following.tally import Tally
from exporter.lifecycle import AT_SOME_TIME, Lifecycle, OpenJob


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

    def apply_untimed(self, event: JobEvent) -> None:
        """One entry of the stream whose id does not tell when it was written."""
        if (job := self.open.get(event.job_id)) is not None:
            job.forget_times()
        self.apply(event._replace(at_ms=AT_SOME_TIME))

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
            due_ms = _number(event.detail, event.at_ms)
            job.due_ms = due_ms if event.at_ms == AT_SOME_TIME else max(due_ms, event.at_ms)

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


def _number(text: bytes | None, otherwise: float) -> float:
    try:
        value = float(text) if text is not None else otherwise
    except ValueError:
        return otherwise
    return value if 0 <= value < 1e15 else otherwise
