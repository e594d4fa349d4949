"""This file knows how to make up for pub/sub messages that were missed: from the finished jobs that Redis still keeps.

Bull's messages are gone when nobody listens, but a finished job that is kept stands in `completed` or `failed` under
the time it finished (the worker's clock). Jobs whose end was heard are known by id, so none is counted twice. Jobs
that were removed on completion can't be found again; the gap is counted all the same.
"""

import threading
from typing import Any

from exporter.bull_lifecycle import BullLifecycle
from exporter.reading import epoch_seconds, ready_seconds
from exporter.roster import Followed
from exporter.topology import Links
from exporter.wire import Wire, pack

MARGIN_MS = 5000
"""Worker clocks may be behind by so much; what was heard in this time is told apart by id."""
PAGE = 1000
_FIELDS = ("name", "timestamp", "delay", "opts", "processedOn", "finishedOn", "attemptsMade")


class BullRecovery:
    """Counts the kept jobs of a queue that finished while nobody listened."""

    def __init__(self, links: Links, lock: threading.Lock) -> None:
        self._links = links
        self._lock = lock

    def recover(self, followed: Followed, since_ms: float, now_ms: float, deadline: float) -> int:
        """Count what finished after `since_ms` and was not heard; returns how many jobs. Raises WireError."""
        lifecycle = followed.lifecycle
        if not isinstance(lifecycle, BullLifecycle):
            return 0
        wire = self._links.wires[self._links.owner(followed.queue.base + b":")]
        found = 0
        for outcome in ("completed", "failed"):
            key = followed.queue.key(outcome.encode())
            unheard = [
                i
                for i in _finished(wire, key, since_ms - MARGIN_MS, deadline)
                if not lifecycle.heard(i, outcome)
            ]
            for start in range(0, len(unheard), PAGE):
                page = unheard[start : start + PAGE]
                packed = b"".join(pack(("HMGET", followed.queue.key(job_id), *_FIELDS)) for job_id in page)
                jobs = wire.exchange(packed, len(page), deadline)
                with self._lock:
                    for job_id, job in zip(page, jobs, strict=True):
                        _count(lifecycle, job_id, job, outcome, now_ms)
            found += len(unheard)
        return found


def _finished(wire: Wire, key: bytes, since_ms: float, deadline: float) -> list[bytes]:
    job_ids: list[bytes] = []
    while True:
        request = ("ZRANGEBYSCORE", key, str(int(since_ms)), "+inf", "LIMIT", str(len(job_ids)), str(PAGE))
        reply = wire.call(*request, deadline=deadline)
        if not isinstance(reply, list):
            return job_ids
        job_ids += reply
        if len(reply) < PAGE:
            return job_ids


def _count(lifecycle: BullLifecycle, job_id: bytes, job: Any, outcome: str, now_ms: float) -> None:
    """One job from its hash; durations by the worker's clock alone, waits only for a first attempt."""
    fields = job if isinstance(job, list) else [None] * len(_FIELDS)
    name, created, delay, options, started, finished, attempts = fields
    started_at, finished_at = epoch_seconds(started), epoch_seconds(finished)
    ready_at = ready_seconds([created, delay, options])
    first = attempts in (None, b"0") or (outcome == "failed" and attempts == b"1")
    lifecycle.recovered(
        job_id,
        outcome,
        name,
        seconds=finished_at - started_at if started_at is not None and finished_at is not None else None,
        wait_seconds=started_at - ready_at
        if first and started_at is not None and ready_at is not None
        else None,
        at_ms=now_ms,
    )
