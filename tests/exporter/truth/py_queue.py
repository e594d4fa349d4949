"""Knows one queue under test of the Python client of BullMQ: every job added and every attempt is noted."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from bullmq import Queue, UnrecoverableError, Worker

Options = dict[str, Any]
STALLED = "stalled more than"


def note(kind: str, **fields: Any) -> None:
    print(json.dumps({"note": kind, **fields}), flush=True)


class Answers:
    """Lines `go KEY` on stdin, each of which lets one checkpoint go on; the end lets all go on."""

    def __init__(self) -> None:
        self._waiting: dict[str, asyncio.Event] = {}
        self._ended = False

    def follow(self) -> None:
        """Read stdin in a thread of its own, which ends with the process."""
        loop = asyncio.get_running_loop()

        def read() -> None:
            for line in sys.stdin:
                loop.call_soon_threadsafe(self._let_go, line.strip().removeprefix("go "))
            loop.call_soon_threadsafe(self._let_all_go)

        threading.Thread(target=read, daemon=True).start()

    def _let_go(self, key: str) -> None:
        self._waiting[key].set()

    def _let_all_go(self) -> None:
        self._ended = True
        for event in self._waiting.values():
            event.set()

    async def wait(self, key: str) -> None:
        event = self._waiting.setdefault(key, asyncio.Event())
        if not self._ended:
            await event.wait()


class NotedQueue:
    """One queue under test: every job added and every attempt is noted by whoever did it."""

    def __init__(self, name: str, options: Options, answers: Answers) -> None:
        self.name = name
        self.options = options
        self.answers = answers
        self.queue = Queue(name, options)
        self.workers = 0
        self.attempts: dict[str, int] = {}
        self.outcomes: dict[str, str] = {}
        self.ended: set[str] = set()
        self.held = asyncio.Event()
        self.news = asyncio.Event()

    def note_added(self, job: Any, before: float, after: float, **fields: Any) -> None:
        due = (job.timestamp + job.opts["delay"]) / 1000 if job.opts.get("delay") else None
        note(
            "added",
            queue=self.name,
            job_id=job.id,
            job_type=job.name,
            before=before,
            after=after,
            due=due,
            **fields,
        )

    async def add(self, name: str, data: Options, options: Options | None = None) -> Any:
        before = time.time()
        job = await self.queue.add(name, data, {"removeOnComplete": True, **(options or {})})
        self.note_added(job, before, time.time())
        return job

    async def work(self, concurrency: int = 1, **more: Any) -> None:
        options = {**self.options, "concurrency": concurrency, "autorun": False, **more}
        worker = Worker(self.name, self._attempt, options)
        # Until it knows the server, this client blocks for whole seconds and starts delayed jobs late.
        await worker.blockingRedisConnection.getRedisVersion()
        worker.on("completed", lambda job, *_: self._hear("completed", job))
        worker.on("failed", lambda job, error, *_: self._hear("failed", job, error))
        worker.on("error", lambda *_: None)
        self.workers += 1
        self._running = asyncio.ensure_future(worker.run())

    async def _attempt(self, job: Any, _token: str) -> str:
        attempt = self.attempts[job.id] = self.attempts.get(job.id, 0) + 1
        self.news.set()
        started = time.time()
        await (self.held.wait() if job.data.get("hold") else asyncio.sleep(job.data["ms"] / 1000))
        ended = time.time()
        outcome, reason = self._planned_end(job, attempt)
        self.outcomes[job.id] = outcome
        note(
            "attempt",
            queue=self.name,
            job_type=job.name,
            job_id=job.id,
            attempt=attempt,
            fetched=job.processedOn / 1000,
            started=started,
            ended=ended,
            outcome=outcome,
            reason=reason,
        )
        if outcome == "completed":
            return "done"
        if job.data.get("how") == "unrecoverable":
            raise UnrecoverableError("no use trying again")
        raise RuntimeError("as planned")

    def _planned_end(self, job: Any, attempt: int) -> tuple[str, str | None]:
        """What the plan in the job's data, the attempts allowed and the back-off make of this attempt."""
        if attempt > job.data.get("fails", 0):
            return "completed", None
        if job.data.get("how") == "unrecoverable" or attempt >= job.opts.get("attempts", 1):
            return "failed", None
        return "requeued", "delayed" if job.opts.get("backoff") else "waiting"

    def _hear(self, event: str, job: Any, error: object = "") -> None:
        note("left", queue=self.name, job_id=job.id, at=time.time())
        stalled = event == "failed" and STALLED in str(error)
        if event == "completed" or stalled or self.outcomes.get(job.id) != "requeued":
            how = "stalled" if stalled else event
            note("ended", queue=self.name, job_id=job.id, how=how, at=time.time())
            self.ended.add(job.id)
            self.news.set()

    async def until(self, reached: Callable[[], bool]) -> None:
        while not reached():
            self.news.clear()
            await self.news.wait()

    async def finished(self, count: int) -> None:
        await self.until(lambda: len(self.ended) >= count)

    async def checkpoint(self, label: str) -> None:
        """Stand still, be looked at, and only then ask the library."""
        key = f"{self.name} {label}"
        note("checkpoint", queue=self.name, label=label, key=key, workers=self.workers)
        await self.answers.wait(key)
        counts = await self.queue.getJobCounts()
        note("counts", queue=self.name, label=label, counts=counts, paused=bool(await self.queue.isPaused()))
