"""Uses the Python client of BullMQ for real and notes the truth, as tests/node/workload.mjs does for others.

python py_workload.py REDIS_URL PREFIX QUEUE SCENARIO[,SCENARIO]|all SEED
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any

from bullmq import FlowProducer, Queue, UnrecoverableError, Worker

NAMES = ("send-email", "make report", "sync:data")
HOUR = 3_600_000
# With more side by side, waiting for the event loop would be measured.
LANES = 3
Options = dict[str, Any]


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

    async def work(self, concurrency: int = 1) -> None:
        worker = Worker(
            self.name, self._attempt, {**self.options, "concurrency": concurrency, "autorun": False}
        )
        # Until it knows the server, this client blocks for whole seconds and starts delayed jobs late.
        await worker.blockingRedisConnection.getRedisVersion()
        worker.on("completed", lambda job, *_: self._hear("completed", job))
        worker.on("failed", lambda job, *_: self._hear("failed", job))
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

    def _hear(self, event: str, job: Any) -> None:
        note("left", queue=self.name, job_id=job.id, at=time.time())
        if event == "completed" or self.outcomes.get(job.id) != "requeued":
            note("ended", queue=self.name, job_id=job.id, how=event, at=time.time())
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


def service_time(rng: random.Random, low: float = 6, high: float = 200) -> float:
    """Milliseconds from `low` to `high`, evenly over the logarithm."""
    return float(low * (high / low) ** rng.random())


async def add_many(queue: NotedQueue, count: int, rng: random.Random, **options: Any) -> None:
    for _ in range(count):
        await queue.add(rng.choice(NAMES), {"ms": service_time(rng)}, options)


async def plain(queue: NotedQueue, rng: random.Random) -> None:
    await queue.work(5)
    for _ in range(60):
        await add_many(queue, 1, rng)
        await asyncio.sleep(0.02 * rng.random())
    await queue.finished(60)
    await queue.checkpoint("end")


async def delayed(queue: NotedQueue, rng: random.Random) -> None:
    await queue.work(5)
    for _ in range(20):
        await add_many(queue, 1, rng, delay=30 + int(1200 * rng.random()))
    await queue.finished(20)
    await queue.checkpoint("end")


async def prioritised(queue: NotedQueue, rng: random.Random) -> None:
    for index in range(24):
        await add_many(queue, 1, rng, **({"priority": 1 + index % 5} if index % 3 else {}))
    await queue.checkpoint("before")
    await queue.work(3)
    await queue.finished(24)
    await queue.checkpoint("end")


async def lifo(queue: NotedQueue, rng: random.Random) -> None:
    for index in range(20):
        await add_many(queue, 1, rng, lifo=index % 2 == 1)
    await queue.work(3)
    await queue.finished(20)
    await queue.checkpoint("end")


async def failing(queue: NotedQueue, rng: random.Random) -> None:
    await queue.work(4)
    for index in range(24):
        how = "unrecoverable" if index % 6 == 1 else None
        data = {"ms": service_time(rng), "fails": index % 2, "how": how}
        await queue.add(
            rng.choice(NAMES), data, {"attempts": 5 if how else 1, "removeOnFail": index % 4 == 3}
        )
    await queue.finished(24)
    await queue.checkpoint("end")


async def retrying(queue: NotedQueue, rng: random.Random) -> None:
    await queue.work(4)
    for index in range(24):
        backoff = ({"type": "fixed", "delay": 150}, {"type": "exponential", "delay": 60}, None)[index % 3]
        options = {"attempts": 3, **({"backoff": backoff} if backoff else {})}
        await queue.add(
            rng.choice(NAMES), {"ms": service_time(rng, 8, 80), "fails": 1 + index // 3 % 3}, options
        )
    await queue.finished(24)
    await queue.checkpoint("end")


async def bulk(queue: NotedQueue, rng: random.Random) -> None:
    await queue.work(20)
    for _ in range(3):
        jobs = [
            {
                "name": rng.choice(NAMES),
                "data": {"ms": service_time(rng, 8, 60)},
                "opts": {"removeOnComplete": True},
            }
            for _ in range(50)
        ]
        before = time.time()
        added = await queue.queue.addBulk(jobs)
        after = time.time()
        for job in added:
            queue.note_added(job, before, after)
    await queue.finished(150)
    await queue.checkpoint("end")


async def paused(queue: NotedQueue, rng: random.Random) -> None:
    await queue.work(3)
    await queue.queue.pause()
    await add_many(queue, 9, rng)
    await queue.checkpoint("paused")
    await asyncio.sleep(0.2)
    await queue.queue.resume()
    await queue.finished(9)
    await queue.checkpoint("end")


async def flow(queue: NotedQueue, rng: random.Random) -> None:
    children = NotedQueue(f"{queue.name}-children", queue.options, queue.answers)
    flows = FlowProducer(queue.options["connection"], {"prefix": queue.options["prefix"]})
    for _ in range(4):
        nodes = [
            {"name": f"child {i % 2}", "queueName": children.name, "data": {"ms": service_time(rng)}}
            for i in range(3)
        ]
        before = time.time()
        tree = await flows.add(
            {"name": "parent", "queueName": queue.name, "data": {"ms": 25}, "children": nodes}
        )
        after = time.time()
        jobs = [node["job"] for node in tree["children"]]
        queue.note_added(
            tree["job"], before, after, children=[job.id for job in jobs], children_queue=children.name
        )
        for job in jobs:
            children.note_added(job, before, after)
    await queue.checkpoint("before")
    await children.work(4)
    await queue.work(4)
    await queue.finished(4)
    await children.finished(12)
    await asyncio.gather(queue.checkpoint("end"), children.checkpoint("end"))


async def states(queue: NotedQueue, rng: random.Random) -> None:
    """Jobs in every state at once, then the same while paused, after resuming, and when all is done."""
    kept = {"removeOnComplete": False, "removeOnFail": False}
    await queue.work(2)
    for fails in (0, 0, 0, 0, 1, 1):
        await queue.add("kept", {"ms": 5, "fails": fails}, kept)
    await queue.finished(6)
    for _ in range(2):
        await queue.add("held", {"hold": True}, kept)
    await queue.until(lambda: len(queue.attempts) >= 8)
    more: list[Options] = [{}, {}, {}, {"lifo": True}, *({"priority": 1 + index} for index in range(5))]
    for options in more:
        await queue.add("waits", {"ms": 5}, {**kept, **options})
    for _ in range(3):
        await queue.add("later", {"ms": 5}, {**kept, "delay": HOUR})
    await queue.checkpoint("busy")
    await queue.queue.pause()
    await queue.checkpoint("paused")
    for options in more[2:5]:
        await queue.add("waits", {"ms": 5}, {**kept, **options})
    await queue.checkpoint("paused and filled")
    await queue.queue.resume()
    await queue.checkpoint("resumed")
    queue.held.set()
    await queue.finished(20)
    await queue.checkpoint("end")


Scenario = Callable[[NotedQueue, random.Random], Awaitable[None]]
SCENARIOS: dict[str, Scenario] = {
    scenario.__name__: scenario
    for scenario in (plain, delayed, prioritised, lifo, failing, retrying, bulk, paused, flow, states)
}


async def main(url: str, prefix: str, queue_name: str, wanted: str, seed: str = "1") -> None:
    answers = Answers()
    answers.follow()
    options = {"connection": url, "prefix": prefix}
    names = list(SCENARIOS) if wanted == "all" else wanted.split(",")
    left = list(names)

    async def lane() -> None:
        while left:
            name = left.pop(0)
            queue = NotedQueue(f"{queue_name}-{name}", options, answers)
            note("scenario", queue=queue.name, scenario=name)
            await SCENARIOS[name](queue, random.Random(f"{seed} {name}"))

    await asyncio.gather(*(lane() for _ in range(LANES)))
    note("done")
    os._exit(0)  # workers wait for their next job; what they noted is written


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
