"""This file knows how to make up for pub/sub messages that were missed: from the finished jobs that Redis still keeps.

Bull's messages are gone when nobody listens, but a finished job that is kept stands in `completed` or `failed` under
the time it finished (the worker's clock). Jobs whose end was heard are known by id, so none is counted twice. Jobs
that were removed on completion can't be found again; the gap is counted all the same.
"""

import threading
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from exporter.bull.lifecycle import BullLifecycle
from exporter.connection.topology import Links
from exporter.connection.wire import Wire, pack
from exporter.following.roster import Followed
from exporter.reading import epoch_seconds, ready_seconds

MARGIN_MS = 5000
"""Worker clocks may be behind by so much; what was heard in this time is told apart by id."""
PAGE = 1000
_FIELDS = ("name", "timestamp", "delay", "opts", "processedOn", "finishedOn", "attemptsMade")


class _Kept(NamedTuple):
    """The finished jobs of one queue that Redis keeps."""

    followed: Followed
    lifecycle: BullLifecycle
    outcome: str

    @property
    def key(self) -> bytes:
        return self.followed.queue.key(self.outcome.encode())


class BullRecovery:
    """Counts the kept jobs of queues that finished while nobody listened."""

    def __init__(self, links: Links, lock: threading.Lock) -> None:
        self._links = links
        self._lock = lock

    def recover(self, every: Iterable[Followed], since_ms: float, now_ms: float, deadline: float) -> None:
        """Count what finished after `since_ms` and was not heard, in few exchanges. Raises WireError."""
        by_wire: dict[int, list[_Kept]] = {}
        for followed in every:
            if isinstance(lifecycle := followed.lifecycle, BullLifecycle):
                kept = [_Kept(followed, lifecycle, outcome) for outcome in ("completed", "failed")]
                by_wire.setdefault(self._links.owner(followed.queue.base + b":"), []).extend(kept)
        for index, sets in by_wire.items():
            wire = self._links.wires[index]
            unheard = list(_unheard(wire, sets, since_ms - MARGIN_MS, deadline))
            for start in range(0, len(unheard), PAGE):
                self._count(wire, unheard[start : start + PAGE], now_ms, deadline)

    def _count(self, wire: Wire, page: list[tuple[_Kept, bytes]], now_ms: float, deadline: float) -> None:
        packed = b"".join(pack(("HMGET", kept.followed.queue.key(job_id), *_FIELDS)) for kept, job_id in page)
        jobs = wire.exchange(packed, len(page), deadline)
        with self._lock:
            for (kept, job_id), job in zip(page, jobs, strict=True):
                _count(kept.lifecycle, job_id, job, kept.outcome, now_ms)


def _unheard(
    wire: Wire, sets: list[_Kept], since_ms: float, deadline: float
) -> Iterator[tuple[_Kept, bytes]]:
    """Jobs that finished since then and whose end was not counted."""
    offsets = dict.fromkeys(sets, 0)
    while offsets:
        packed = b"".join(
            pack(("ZRANGEBYSCORE", kept.key, str(int(since_ms)), "+inf", "LIMIT", str(offset), str(PAGE)))
            for kept, offset in offsets.items()
        )
        replies = wire.exchange(packed, len(offsets), deadline)
        found = {
            k: reply if isinstance(reply, list) else [] for k, reply in zip(offsets, replies, strict=True)
        }
        for kept, job_ids in found.items():
            yield from ((kept, i) for i in job_ids if not kept.lifecycle.heard(i, kept.outcome))
        offsets = {kept: offsets[kept] + PAGE for kept, job_ids in found.items() if len(job_ids) == PAGE}


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
