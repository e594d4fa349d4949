"""This file knows how the demo's jobs are added and worked off, by the Python client of BullMQ.

Only ever run against the server that the demo itself has started: nothing else here writes to a Redis.
"""

import asyncio
import math
import random
import time
from collections.abc import Iterable, Iterator
from typing import Any

from bullmq import DelayedError, Queue, UnrecoverableError, Worker

from exporter.demo.live import stopped_within
from exporter.demo.load import (
    ATTEMPTS,
    BACKOFF_SECONDS,
    QUEUES,
    SPEED,
    DemoQueue,
    PlannedJob,
    planned_jobs,
    scheduled_tries,
)
from exporter.demo.truth import Between, QueueTruth

# Enough finished jobs to look at, few enough that an hour of the demo stays small.
KEEP = {"removeOnComplete": {"count": 200}, "removeOnFail": {"count": 200}}
RECANCEL_SECONDS = 0.5


class Work:
    """Producers and workers of all queues; `truth` is what the handlers counted, by queue."""

    def __init__(self, redis_url: str, rng: random.Random) -> None:
        self.truth = {queue.name: QueueTruth() for queue in QUEUES}
        self._redis_url = redis_url
        self._rng = rng
        self._cut = asyncio.Event()
        self._added: dict[tuple[str, str], float] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set; on return no job is being added, started or finished any more.

        A job that is running then is cut short and stays active, as if its worker had been killed.
        """
        queues = {queue.name: Queue(queue.name, {"connection": self._redis_url}) for queue in QUEUES}
        for queue in QUEUES:
            self._note_added(queue.name, await _scheduled(queue, queues[queue.name]))
        workers = [self._worker(queue) for queue in QUEUES]
        for worker in workers:
            # Until it knows the server, this client blocks for whole seconds and starts delayed jobs late.
            await worker.blockingRedisConnection.getRedisVersion()
        running = [asyncio.ensure_future(worker.run()) for worker in workers]
        try:
            while not all(worker.running for worker in workers) and not any(task.done() for task in running):
                await asyncio.sleep(0.01)  # a worker that is closed while it starts fails
            await self._produce(queues, stop)
            await self._cut_short(workers)
        finally:
            # Without `stop` the server is gone, and nothing can be finished any more.
            force = not stop.is_set()
            await asyncio.gather(*(worker.close(force=force) for worker in workers))
            await asyncio.gather(*running, return_exceptions=force)
            await asyncio.gather(*(queue.close() for queue in queues.values()))

    async def _cut_short(self, workers: list[Any]) -> None:
        """Let no worker fetch a job any more, then end the handlers that run."""
        pausing = [asyncio.ensure_future(_paused(worker)) for worker in workers]
        await asyncio.sleep(0)  # each has begun now, and waits for its handlers
        self._cut.set()
        await asyncio.gather(*pausing)

    async def _produce(self, queues: dict[str, Any], stop: asyncio.Event) -> None:
        begin = time.monotonic()
        for batch in _batches(planned_jobs(self._rng)):
            if await stopped_within(stop, begin + batch[0].at_seconds - time.monotonic()):
                return
            name = batch[0].queue
            self._note_added(name, await queues[name].addBulk([_as_added(job) for job in batch]))

    def _note_added(self, queue: str, jobs: Iterable[Any]) -> None:
        now = time.time()
        self._added.update({(queue, job.id): now for job in jobs})

    def _worker(self, queue: DemoQueue) -> Any:
        truth = self.truth[queue.name]
        worked: dict[str, float] = {}

        async def handle(job: Any, _token: str) -> str:
            started = time.time()
            if job.attemptsStarted == 1:
                truth.waits.append(self._wait(queue.name, job, started))
            seconds, end = job.data["tries"][job.attemptsMade]
            if await stopped_within(self._cut, seconds):
                truth.cut_short += 1
                raise DelayedError  # tells the worker to leave the job as it is
            truth.ended(end, job.attemptsMade)
            worked[job.id] = time.time() - started
            return _finish(end, job.name)

        def noted(job: Any, _outcome: Any) -> None:
            taken = time.time() - job.processedOn / 1000
            truth.durations.append(Between(worked.pop(job.id), taken))

        options = {"connection": self._redis_url, "concurrency": queue.slots, "autorun": False}
        worker = Worker(queue.name, handle, options)
        worker.on("completed", noted)
        worker.on("failed", noted)
        return worker

    def _wait(self, queue: str, job: Any, started: float) -> Between:
        """Bounds of the time from ready to the first start, which lies from `processedOn` to `started`.

        A delayed job is ready when due; any other from its `timestamp` to the return of the producer's call.
        """
        delay = job.opts.get("delay", 0)
        due = (job.timestamp + delay) / 1000
        ready_at_last = due if delay else self._added.pop((queue, job.id), math.inf)
        return Between(max(0.0, job.processedOn / 1000 - ready_at_last), started - due)


async def _paused(worker: Any) -> None:
    """Return once `worker` has paused; a busy client may lose the cancel that ends its blocking read."""
    pausing = asyncio.ensure_future(worker.pause())
    while not (await asyncio.wait({pausing}, timeout=RECANCEL_SECONDS))[0]:
        if worker.waiting is not None:
            worker.waiting.cancel()
    await pausing


def _finish(end: str, job_type: str) -> str:
    if end == "hopeless":
        raise UnrecoverableError(f"{job_type}: the recipient does not exist")
    if end == "fails":
        raise RuntimeError(f"{job_type}: the other side did not answer")
    return "done"


def _batches(jobs: Iterator[PlannedJob]) -> Iterator[list[PlannedJob]]:
    """Jobs that come at the same moment, as one list."""
    batch = [next(jobs)]
    for job in jobs:
        if job.at_seconds > batch[0].at_seconds:
            yield batch
            batch = []
        batch.append(job)


def _as_added(job: PlannedJob) -> dict[str, Any]:
    options = {
        "attempts": ATTEMPTS,
        "backoff": {"type": "exponential", "delay": round(BACKOFF_SECONDS / SPEED * 1000)},
        "delay": round(job.delay_seconds * 1000),
        "priority": job.priority,
        **KEEP,
    }
    data = {"tries": job.tries, "payload": "x" * job.payload_bytes}
    return {"name": job.job_type, "data": data, "opts": options}


async def _scheduled(queue: DemoQueue, handle: Any) -> list[Any]:
    """Start the queue's scheduler, if it has one; its first job."""
    if queue.every_seconds is None:
        return []
    every = {"every": round(queue.every_seconds / SPEED * 1000)}
    data = {"tries": scheduled_tries(queue)}
    return [await handle.upsertJobScheduler("nightly", every, "nightly-sweep", data, dict(KEEP))]
