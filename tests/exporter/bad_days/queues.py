"""Knows how to leave in Redis what BullMQ 5 leaves there, entry by entry; totals are known beforehand."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable

import redis

LIFE = ("added", "waiting", "active")
ENTRIES_PER_JOB = 4
"""Added, waiting, active, and its end."""


class HandQueue:
    """One queue written by hand; `name` and `prefix` may be any bytes."""

    def __init__(
        self, client: redis.Redis, name: str | bytes = "email", prefix: str | bytes = "bull"
    ) -> None:
        self.client = client
        self.base = _bytes(prefix) + b":" + _bytes(name)

    def key(self, suffix: str | bytes) -> bytes:
        return self.base + b":" + _bytes(suffix)

    def create(self, entries_max: int = 10_000) -> HandQueue:
        """What a `Queue` object writes when it is made."""
        meta = {"opts.maxLenEvents": entries_max, "version": "bullmq:5.81.5"}
        self.client.hset(self.key("meta"), mapping=meta)  # type: ignore[arg-type]
        return self

    def finish(
        self, count: int, status: str = "completed", name: str = "send", entries_max: int | None = None
    ) -> HandQueue:
        """`count` jobs are added, run and end, and nothing of them is kept but their events."""
        with self.client.pipeline(transaction=False) as pipeline:
            for job in self._ids(count):
                pipeline.incr(self.key("id"))
                for event in (*LIFE, status):
                    fields = {"event": event, "jobId": job, **({"name": name} if event == "added" else {})}
                    pipeline.xadd(self.key("events"), fields, maxlen=entries_max, approximate=False)  # type: ignore[arg-type]
            pipeline.execute()
        return self

    def add(self, count: int, name: str = "send") -> HandQueue:
        """`count` jobs that wait."""
        now_ms = int(time.time() * 1000)
        with self.client.pipeline(transaction=False) as pipeline:
            for job in self._ids(count):
                pipeline.incr(self.key("id"))
                mapping = {"name": name, "data": "{}", "opts": "{}", "timestamp": now_ms, "delay": 0}
                pipeline.hset(self.key(job), mapping=mapping)  # type: ignore[arg-type]
                pipeline.lpush(self.key("wait"), job)
                pipeline.xadd(self.key("events"), {"event": "added", "jobId": job, "name": name})
                pipeline.xadd(self.key("events"), {"event": "waiting", "jobId": job})
            pipeline.execute()
        return self

    def tell(self, event: str, job: str, entry_id: str = "*", **fields: str | int) -> HandQueue:
        """One entry, under an id of the caller's choice, and where the job stands then: running or not."""
        self.client.lrem(self.key("active"), 0, job)
        if event == "active":
            self.client.lpush(self.key("active"), job)
        entry = {"event": event, "jobId": job, **fields}
        self.client.xadd(self.key("events"), entry, id=entry_id)  # type: ignore[arg-type]
        return self

    def _ids(self, count: int) -> Iterable[str]:
        first = int(self.client.get(self.key("id")) or 0)  # type: ignore[arg-type]
        return (str(first + 1 + number) for number in range(count))


def hold(queue: HandQueue, job: str, **fields: str) -> None:
    """A job hash of whatever fields."""
    queue.client.hset(queue.key(job), mapping={"data": json.dumps({}), **fields})


def _bytes(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text
