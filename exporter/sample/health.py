"""This file knows what is wrong with a queue at one moment, in a few words, and which queue is worse.

Nothing here is a threshold: each sentence states what Redis shows at this moment.
"""

from dataclasses import dataclass
from enum import IntEnum

from exporter.keys import QueueName
from exporter.sample.reading import Sample
from exporter.snapshot import QueueSnapshot, QueueWorkers

OVERDUE_GRACE_SECONDS = 5.0
"""Workers move a delayed job when it is due; one that is due for longer than this is late."""


class Severity(IntEnum):
    """How a queue stands; the larger, the worse."""

    FINE = 0
    HELD = 1
    """Jobs are held back: paused, limited, or every worker is full."""
    WRONG = 2
    """Jobs will not be done, or not in time, unless somebody acts."""


@dataclass(frozen=True, slots=True)
class Health:
    """One queue with what to say of it."""

    queue: QueueSnapshot
    workers: QueueWorkers | None
    """None where CLIENT LIST is not permitted."""
    oldest_waiting_seconds: float | None
    severity: Severity
    problems: tuple[str, ...]


def judge(sample: Sample) -> list[Health]:
    """Every queue of a sample, the worst first: by severity, age of the oldest waiting job, number of jobs."""
    return sorted((_judge(queue, sample) for queue in sample.redis.queues), key=_rank)


def ready(queue: QueueSnapshot) -> int:
    """Jobs that a worker could start now, as far as that is known."""
    return (queue.waiting or 0) + (queue.prioritized or 0)


def _judge(queue: QueueSnapshot, sample: Sample) -> Health:
    workers = _workers(queue.name, sample)
    wrong = [*_without_workers(queue, workers, sample), *_late(queue, sample.at)]
    held = [*_held_back(queue), *_full(queue, workers)]
    severity = Severity.WRONG if wrong else Severity.HELD if held else Severity.FINE
    age = None if queue.oldest_waiting is None else max(0.0, sample.at - queue.oldest_waiting)
    return Health(queue, workers, age, severity, (*wrong, *held))


def _workers(name: QueueName, sample: Sample) -> QueueWorkers | None:
    clients = sample.redis.clients
    return None if clients is None else clients.workers.get(name, QueueWorkers())


def _without_workers(queue: QueueSnapshot, workers: QueueWorkers | None, sample: Sample) -> list[str]:
    """Work and nobody to do it; a connection without a name might be the worker."""
    work = (ready(queue), queue.active or 0)
    if workers is None or workers.workers or not any(work) or (queue.is_paused and not queue.active):
        return []
    return ["no worker" if not sample.unnamed_workers else "no worker by name"]


def _late(queue: QueueSnapshot, now: float) -> list[str]:
    said = []
    if queue.active_unlocked:
        said.append(f"{queue.active_unlocked:,} active without a lock")
    if queue.delayed_overdue and (queue.next_delayed or now) < now - OVERDUE_GRACE_SECONDS:
        said.append(f"{queue.delayed_overdue:,} overdue")
    if queue.schedulers_overdue:
        said.append(f"{queue.schedulers_overdue:,} of {queue.schedulers or 0:,} schedulers stopped")
    return said


def _held_back(queue: QueueSnapshot) -> list[str]:
    said = []
    if queue.is_paused:
        said.append("paused")
    if queue.is_rate_limited:
        said.append("rate limited")
    limit = queue.concurrency_limit
    if limit is not None and (queue.active or 0) >= limit and ready(queue):
        said.append(f"at its limit of {limit:,} active")
    return said


def _full(queue: QueueSnapshot, workers: QueueWorkers | None) -> list[str]:
    if workers is None or not workers.workers or workers.saturated < workers.workers or not ready(queue):
        return []
    return ["its worker is full" if workers.workers == 1 else f"all {workers.workers:,} workers full"]


def _rank(health: Health) -> tuple[int, float, int, QueueName]:
    backlog = ready(health.queue) + (health.queue.paused or 0)
    return -health.severity, -(health.oldest_waiting_seconds or 0.0), -backlog, health.queue.name
