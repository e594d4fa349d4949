"""Fills a Redis with many queues as BullMQ 5 would leave them, for benchmarks; proofs use the real libraries."""

import redis

JOBS_PER_QUEUE = 3


def fill(client: redis.Redis, queues: int, *, events: int = 8) -> None:
    """`queues` queues with waiting, active, delayed, prioritised and finished jobs and a short event stream."""
    now = int(client.time()[0]) * 1000
    for number in range(queues):
        pipe = client.pipeline(transaction=False)
        base = f"bull:queue-{number:04d}"
        pipe.hset(f"{base}:meta", mapping={"opts.maxLenEvents": 10000, "version": "bullmq:5.81.5"})
        pipe.set(f"{base}:id", 100 + number)
        for job in range(1, JOBS_PER_QUEUE + 1):  # a 0 in a wait list is no job but a marker
            fields = {
                "name": "send",
                "data": "{}",
                "opts": '{"attempts":1}',
                "timestamp": now - 1000 * job,
                "delay": 0,
            }
            pipe.hset(f"{base}:{job}", mapping=fields)
        pipe.rpush(f"{base}:wait", 3, 1)
        pipe.rpush(f"{base}:active", 2)
        pipe.hset(f"{base}:2", "processedOn", now)
        pipe.set(f"{base}:2:lock", "token")
        pipe.zadd(f"{base}:delayed", {"9": (now + 60000) * 4096})
        pipe.zadd(f"{base}:prioritized", {"7": 2**32 + 1, "8": 5 * 2**32 + 2})
        pipe.zadd(f"{base}:completed", {str(n): now for n in range(10, 20)})
        for event in range(events):
            pipe.xadd(f"{base}:events", {"event": "waiting", "jobId": event})
        pipe.execute()


def work(client: redis.Redis, queue: int, jobs: int, *, job_types: int = 2, first: int = 1000) -> None:
    """The entries of `jobs` plain jobs of one queue, four a job."""
    pipe = client.pipeline(transaction=False)
    key = f"bull:queue-{queue:04d}:events"
    for job in range(first, first + jobs):
        pipe.xadd(key, {"event": "added", "jobId": job, "name": f"type-{job % job_types}"})
        pipe.xadd(key, {"event": "waiting", "jobId": job})
        pipe.xadd(key, {"event": "active", "jobId": job, "prev": "waiting"})
        pipe.xadd(key, {"event": "completed", "jobId": job, "returnvalue": "null", "prev": "active"})
    pipe.execute()
