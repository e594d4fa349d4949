"""This file knows how a sample is written for a program: one JSON object, null where something is unknown."""

from dataclasses import asdict
from typing import Any

from exporter.keys import label
from exporter.sample.health import Health, judge
from exporter.sample.reading import Sample, Seen

STATES = ("waiting", "paused", "prioritized", "active", "delayed", "waiting_children", "completed", "failed")
FACTS = (
    "is_paused",
    "is_rate_limited",
    "delayed_overdue",
    "active_unlocked",
    "concurrency_limit",
    "rate_limit_jobs",
    "rate_limit_window_seconds",
    "schedulers",
    "schedulers_overdue",
    "added",
    "library",
    "version",
)


def document(sample: Sample, address: str) -> dict[str, Any]:
    """The whole sample; queues in the order of the table, the worst first. Times are epoch seconds."""
    return {
        "redis": address,
        "at": sample.at,
        "server": None if sample.redis.server is None else asdict(sample.redis.server),
        "connections": None if sample.redis.clients is None else sample.redis.clients.roles,
        "unnamed_workers": sample.unnamed_workers,
        "queues_complete": sample.redis.queues_complete,
        "queues": [_queue(health, sample.seen.get(health.queue.name)) for health in judge(sample)],
        "refused": sample.refused,
        "unreached": list(sample.unreached),
        "errors": list(sample.errors),
    }


def _queue(health: Health, seen: Seen | None) -> dict[str, Any]:
    queue, workers = health.queue, health.workers
    return {
        "prefix": label(queue.name.prefix),
        "queue": label(queue.name.name),
        "severity": health.severity.name.lower(),
        "problems": list(health.problems),
        "size": {state: getattr(queue, state) for state in STATES},
        "workers": None if workers is None else workers.workers,
        "workers_saturated": None if workers is None else workers.saturated,
        "oldest_waiting_seconds": health.oldest_waiting_seconds,
        "oldest_waiting": queue.oldest_waiting,
        "oldest_active": queue.oldest_active,
        "next_delayed": queue.next_delayed,
        "scheduler_next_run": queue.scheduler_next_run,
        **{fact: getattr(queue, fact) for fact in FACTS},
        "seen": None if seen is None else _seen(seen),
    }


def _seen(seen: Seen) -> dict[str, Any]:
    """JSON has no infinity: beyond the last bucket edge the wait is told as null, with `wait_p95_beyond_buckets`."""
    beyond = seen.wait_p95_at_most == float("inf")
    return {
        "completed": seen.completed,
        "failed": seen.failed,
        "requeued": seen.requeued,
        "wait_p95_at_most_seconds": None if beyond else seen.wait_p95_at_most,
        "wait_p95_beyond_buckets": beyond,
    }
