"""This file knows how a Bull 3 or 4 job lives, as pub/sub tells it: no time stamps, no names, nothing buffered.

Times are the exporter's receive times. An attempt that ends in a back-off is found through the delayed set,
since the `delayed` message holds a due time and no job id. An immediate retry sends nothing when it ends:
the next `active` tells that it happened, not when, so it is counted and gives no duration.
"""

import json
import re

from exporter.lifecycle import Lifecycle, OpenJob

# `{"jobId":"1","val":…}`: only the id is wanted, the value may be large.
_JOB_ID = re.compile(rb'^\{"jobId":("(?:[^"\\]|\\.)*"|[0-9]+)')
# Bull writes `"val": "job stalled more than …"` with a space, every other reason without one.
_REASON = re.compile(rb'"val": ?"')
_REASON_MAX_BYTES = 4096


class BullLifecycle(Lifecycle):
    """The life of Bull jobs, from the messages of one queue's channels in order."""

    def apply(self, kind: bytes, payload: bytes, at_ms: float) -> None:
        """One message; `at_ms` is when it was received."""
        if kind == b"active":
            self._active(payload, at_ms)
        elif kind == b"waiting":
            self._waiting(payload, at_ms)
        elif kind == b"stalled":
            self._stalled(payload, at_ms)
        elif kind == b"completed" and (job_id := _job_id(payload)) is not None:
            self.complete(job_id, at_ms)
        elif kind == b"failed" and (job_id := _job_id(payload)) is not None:
            self.fail(job_id, at_ms, _reason(payload))

    def backed_off(self, job_ids: list[bytes], at_ms: float) -> None:
        """Jobs found in the delayed set under the due time of a `delayed` message."""
        for job_id in job_ids:
            job = self.open.get(job_id)
            if job is not None and job.active_ms >= 0:
                self.tally.requeued["delayed"] += 1
                self.end(job_id, job, at_ms, "requeued")

    def interrupted(self) -> None:
        """The subscription was interrupted: which open jobs went on meanwhile can't be known."""
        self.open.clear()

    def _active(self, job_id: bytes, at_ms: float) -> None:
        job = self.open.get(job_id)
        if job is not None and job.active_ms >= 0:
            self.tally.requeued["waiting"] += 1
        self.start(job_id, at_ms)

    def _waiting(self, job_id: bytes, at_ms: float) -> None:
        job = self.open.get(job_id)
        if job is None:
            job = self.open[job_id] = OpenJob()
            self.arrivals.append(job_id)
            self.unnamed.append(job_id)
        elif job.active_ms >= 0:
            # A back-off whose end was missed; the attempt's end is unknown.
            self.tally.requeued["delayed"] += 1
            job.waits_again(-1.0)
        self.ready(job, at_ms, at_ms)

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
