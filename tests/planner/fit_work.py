"""Adds real BullMQ jobs of a known law and works on them, then says what truly happened, for the tests of `fit`.

python -m tests.planner.fit_work REDIS_URL QUEUE JOBS PER_SECOND MEAN_SECONDS CONCURRENCY FAILURE_RATIO SEED
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
import time
from typing import Any

from bullmq import Queue, Worker

ATTEMPTS = 3
BURST = range(100, 170)


class Work:
    """One queue with one worker; notes when each job was added and how long each attempt took."""

    def __init__(
        self, url: str, queue: str, concurrency: int, mean: float, failing: float, seed: int
    ) -> None:
        self.random = random.Random(seed)
        self.queue = Queue(queue, {"connection": url})
        self.worker = Worker(
            queue, self._attempt, {"connection": url, "concurrency": concurrency, "autorun": False}
        )
        self.mean, self.failing, self.seed = mean, failing, seed
        self.added: list[float] = []
        self.attempts: list[tuple[float, bool]] = []
        self.failures: dict[str, int] = {}
        self.ended = asyncio.Semaphore(0)

    async def _attempt(self, job: Any, _token: str) -> str:
        # What an attempt draws is its own, whatever else the machine does and in which order.
        drawn = random.Random(f"{self.seed} {job.id} {self.failures.get(job.id, 0)}")
        began = time.time()
        await asyncio.sleep(drawn.expovariate(1 / self.mean))
        fails = drawn.random() < self.failing
        self.attempts.append((time.time() - began, fails))
        if fails:
            self.failures[job.id] = self.failures.get(job.id, 0) + 1
        if not fails or self.failures[job.id] == ATTEMPTS:
            self.ended.release()
        if fails:
            raise RuntimeError("as planned")
        return "done"

    async def run(self, jobs: int, per_second: float) -> None:
        """Poisson arrivals, and amid them a burst that fills every slot; ends when every job has ended."""
        await self.worker.blockingRedisConnection.getRedisVersion()  # until then it starts jobs late
        await self.queue.getJobCounts()  # connected before the first job is timed
        # As Node's Queue does when it is made: until then an exporter sees no queue.
        await self.queue.client.hset(f"bull:{self.queue.name}:meta", "opts.maxLenEvents", "10000")
        self.worker.on("error", lambda *_: None)
        self._running = asyncio.ensure_future(self.worker.run())
        print(json.dumps({"note": "started"}), flush=True)
        await told()
        due = time.time()
        for number in range(jobs):
            due += self.random.expovariate(per_second) if number not in BURST else 0.0
            await asyncio.sleep(max(0.0, due - time.time()))
            await self._add()
        for _ in range(jobs):
            await self.ended.acquire()

    async def _add(self) -> None:
        options = {
            "attempts": ATTEMPTS,
            "backoff": {"type": "fixed", "delay": 300},
            "removeOnComplete": False,
        }
        before = time.time()
        await self.queue.add("send", {"text": "x" * 500}, options)
        self.added.append((before + time.time()) / 2)


async def told() -> None:
    """Wait for a line on stdin."""
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)


async def main(url: str, queue: str, *numbers: str) -> None:
    jobs, per_second, mean, concurrency, failing, seed = numbers
    work = Work(url, queue, int(concurrency), float(mean), float(failing), int(seed))
    await work.run(int(jobs), float(per_second))
    failed = sum(count == ATTEMPTS for count in work.failures.values())
    print(
        json.dumps({"note": "done", "added": work.added, "attempts": work.attempts, "failed": failed}),
        flush=True,
    )
    await told()  # the worker ends its last jobs and stays connected until then
    os._exit(0)  # a worker waits for its next job; what it noted is written


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
