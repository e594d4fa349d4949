"""Knows what is done with a queue of the Python client in each scenario, as scenarios.mjs does for others."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

from bullmq import FlowProducer

from tests.exporter.truth.py_queue import NotedQueue, Options, note

NAMES = ("send-email", "make report", "sync:data")
HOUR = 3_600_000
QUICK_STALL = {"lockDuration": 1200, "stalledInterval": 500, "maxStalledCount": 1}


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


async def take_and_die(queue: NotedQueue, count: int) -> None:
    """Start a worker process, wait until it has taken `count` jobs, and kill it."""
    module = "tests.exporter.truth.py_victim"
    arguments = [queue.options["connection"], queue.options["prefix"], queue.name, str(count)]
    victim = await asyncio.create_subprocess_exec(
        sys.executable, "-u", "-m", module, *arguments, stdout=asyncio.subprocess.PIPE
    )
    assert victim.stdout is not None
    taken = [json.loads(await victim.stdout.readline()) for _ in range(count)]
    victim.send_signal(signal.SIGKILL)
    await victim.wait()
    for one in taken:
        note("taken", queue=queue.name, **one)
        note("stalled", queue=queue.name, job_id=one["job_id"])


async def stalling(queue: NotedQueue, _rng: random.Random) -> None:
    await queue.add("hopeless", {"ms": 20})
    await take_and_die(queue, 1)
    await take_and_die(queue, 1)
    for _ in range(3):
        await queue.add("recovers", {"ms": 40})
    await take_and_die(queue, 3)
    await queue.work(4, **QUICK_STALL)
    await queue.finished(4)
    await queue.checkpoint("end")


async def limited(queue: NotedQueue, rng: random.Random) -> None:
    for _ in range(20):
        await queue.add("limited", {"ms": service_time(rng, 6, 40)})
    # This client does not wait for the end of a limit; it looks again after `drainDelay`.
    await queue.work(5, limiter={"max": 5, "duration": 250}, drainDelay=0.3)
    await queue.finished(20)
    await queue.checkpoint("end")


async def scheduled(queue: NotedQueue, _rng: random.Random) -> None:
    await queue.work(2)
    options = {"removeOnComplete": True}
    await queue.queue.upsertJobScheduler("tick", {"every": 300, "limit": 5}, "tick", {"ms": 12}, options)
    await queue.finished(5)
    await queue.checkpoint("end")


Scenario = Callable[[NotedQueue, random.Random], Awaitable[None]]
PLAYED: tuple[Scenario, ...] = (
    *(stalling, plain, delayed, prioritised, lifo, failing, retrying),
    *(limited, scheduled, bulk, paused, flow, states),
)
SCENARIOS = {scenario.__name__: scenario for scenario in PLAYED}
