"""This file knows how a Bull 3 or 4 job lives, as pub/sub tells it: no time stamps, no names, nothing buffered.

Times are the exporter's receive times. An attempt that ends in a back-off is found through the delayed set,
since the `delayed` message holds a due time and no job id. An immediate retry sends nothing when it ends:
the next `active` tells that it happened, not when, so it is counted and gives no duration.
"""

import json
import re
from collections.abc import Mapping
from typing import NamedTuple

from exporter.bull.put_back import PutBack
from exporter.following.tally import Tally
from exporter.lifecycle import Lifecycle, OpenJob

# `{"jobId":"1","val":…}`: only the id is wanted, the value may be large.
_JOB_ID = re.compile(rb'^\{"jobId":("(?:[^"\\]|\\.)*"|[0-9]+)')
# Bull writes `"val": "job stalled more than …"` with a space, every other reason without one.
_REASON = re.compile(rb'"val": ?"')
_REASON_MAX_BYTES = 4096


# Ends are remembered this long, and so many at most, to tell them apart from what is recovered after a gap.
_HEARD_MS = 60_000
_HEARD_MAX = 20_000
# A message may arrive so long after its job was found among the kept ones.
_OVERLAP_MS = 10_000


class JobFact(NamedTuple):
    """What Redis says of a message's job that the message does not."""

    name: bytes | None = None
    due_ms: float | None = None
    """When a delayed job falls due."""
    was_tried: bool = False
    """Whether an attempt has failed before."""
    delayed: Mapping[bytes, "JobFact"] = {}
    """The jobs that stand in the delayed set under the due time of a `delayed` message; new ones with their facts."""


NO_FACT = JobFact()


class BullLifecycle(Lifecycle):
    """The life of Bull jobs, from the messages of one queue's channels in order."""

    def __init__(self, tally: Tally, *, keep_records: bool = False) -> None:
        super().__init__(tally, keep_records=keep_records)
        self.ends: dict[tuple[bytes, str], float] = {}
        """When the latest ends were counted, by job and outcome, oldest first."""
        self._recovered: set[tuple[bytes, str]] = set()
        self._recovered_until_ms = 0.0
        self._put_back = PutBack()

    def heard(self, job_id: bytes, outcome: str) -> bool:
        """Whether this end was counted lately."""
        return (job_id, outcome) in self.ends

    def recovered(
        self,
        job_id: bytes,
        outcome: str,
        name: bytes | None,
        *,
        seconds: float | None,
        wait_seconds: float | None,
        at_ms: float,
    ) -> None:
        """A job that ended while nobody listened, found among the kept ones at `at_ms`."""
        if outcome == "completed":
            self.tally.completed += 1
        else:
            self.tally.failed += 1
        if seconds is not None and seconds >= 0:
            self.tally.attempt(name, outcome, seconds)
        else:
            self.tally.unknown_starts += 1
        if wait_seconds is not None:
            self.tally.waits.observe(max(0.0, wait_seconds))
        self.open.pop(job_id, None)
        self.ends[job_id, outcome] = at_ms
        self._recovered.add((job_id, outcome))
        self._recovered_until_ms = at_ms + _OVERLAP_MS

    def apply(self, kind: bytes, payload: bytes, at_ms: float, fact: JobFact = NO_FACT) -> None:
        """One message; `at_ms` is when it was received, `fact` what Redis added to it."""
        self.last_ms = at_ms
        if kind == b"active":
            self._active(payload, at_ms)
        elif kind == b"waiting":
            self._waiting(payload, at_ms, fact)
        elif kind == b"delayed":
            self._put_back.note(payload, at_ms, is_placed=bool(fact.delayed))
            self._delayed(fact.delayed, at_ms)
        elif kind == b"stalled":
            self._stalled(payload, at_ms)
        elif kind == b"completed" and (job_id := _job_id(payload)) is not None:
            if self._is_first_word(job_id, "completed", at_ms):
                self.complete(job_id, at_ms)
        elif (
            kind == b"failed"
            and (job_id := _job_id(payload)) is not None
            and self._is_first_word(job_id, "failed", at_ms)
        ):
            self.fail(job_id, at_ms, _reason(payload))

    def _delayed(self, jobs: Mapping[bytes, JobFact], at_ms: float) -> None:
        """Jobs were put into the delayed set: new ones, or at the end of an attempt that failed."""
        for job_id, fact in jobs.items():
            job = self.open.get(job_id)
            if job is None and fact is not NO_FACT:
                self._open(job_id, fact)
            elif job is not None and job.active_ms >= 0:
                self.tally.requeued["delayed"] += 1
                self.end(job_id, job, at_ms, "requeued")

    def _open(self, job_id: bytes, fact: JobFact) -> OpenJob:
        job = self.open[job_id] = OpenJob(fact.name, started=fact.was_tried)
        job.due_ms = -1.0 if fact.due_ms is None else fact.due_ms
        self.arrivals.append(job_id)
        return job

    def _is_first_word(self, job_id: bytes, outcome: str, at_ms: float) -> bool:
        """Whether an end is news; one that was recovered while its message was on the way is counted already."""
        key = (job_id, outcome)
        if at_ms >= self._recovered_until_ms:
            self._recovered.clear()
        elif key in self._recovered:
            self._recovered.discard(key)
            return False
        self.ends.pop(key, None)
        self.ends[key] = at_ms
        oldest = next(iter(self.ends))
        while len(self.ends) > _HEARD_MAX or self.ends[oldest] < at_ms - _HEARD_MS:
            del self.ends[oldest]
            oldest = next(iter(self.ends))
        return True

    def interrupted(self) -> None:
        """The subscription was interrupted: which open jobs went on meanwhile can't be known."""
        self.open.clear()
        self._put_back = PutBack()

    def _active(self, job_id: bytes, at_ms: float) -> None:
        job = self.open.get(job_id)
        if job is not None and job.active_ms >= 0:
            self.tally.requeued["waiting"] += 1
        self.start(job_id, at_ms)

    def _waiting(self, job_id: bytes, at_ms: float, fact: JobFact) -> None:
        job = self.open.get(job_id)
        if job is None:
            job = self._open(job_id, fact)
        elif job.active_ms >= 0:
            self._promoted(job_id, job, at_ms)
        # A delayed job was ready when it fell due, by the producer's clock; it waits here once it was promoted.
        self.ready(job, at_ms if job.due_ms < 0 else min(job.due_ms, at_ms), at_ms)

    def _promoted(self, job_id: bytes, job: OpenJob, at_ms: float) -> None:
        """A back-off is over before anyone saw the job in the delayed set."""
        self.tally.requeued["delayed"] += 1
        ended_ms = self._put_back.take(job.active_ms, at_ms)
        if ended_ms is not None:
            self.end(job_id, job, ended_ms, "requeued")
        else:
            self.tally.unknown_starts += 1
            job.waits_again(-1.0)

    def _stalled(self, job_id: bytes, at_ms: float) -> None:
        self.tally.requeued["stalled"] += 1
        job = self.open.get(job_id)
        if job is not None:
            job.waits_again(at_ms)


def _job_id(payload: bytes) -> bytes | None:
    found = _JOB_ID.match(payload)
    try:
        value = json.loads(found.group(1) if found else payload)
        if isinstance(value, dict):
            value = value["jobId"]
    except (ValueError, KeyError):
        return None
    return str(value).encode("utf-8", "surrogatepass")


def _reason(payload: bytes) -> bytes | None:
    found = _REASON.search(payload)
    return payload[found.end() : found.end() + _REASON_MAX_BYTES].rstrip(b'"}') if found else None
