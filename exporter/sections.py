"""This file knows which value goes to which metric."""

from collections.abc import Iterable, Mapping
from functools import lru_cache

from exporter import catalogue as c
from exporter.caches import CacheSnapshot
from exporter.families import Labels, Page, labels
from exporter.following.roster import Followed
from exporter.following.tally import REQUEUE_REASONS, Tally
from exporter.keys import QueueName, label
from exporter.snapshot import ClientsSnapshot, QueueSnapshot, QueueWorkers, ServerSnapshot

DURATION_SOURCES = {"stream": "event_stream", "pubsub": "pubsub", "none": "none"}


def queue_labels(queue: QueueName) -> Labels:
    return labels({"prefix": label(queue.prefix), "queue": label(queue.name)})


def add_sizes(page: Page, snapshot: QueueSnapshot, rendered: Labels, source: str) -> None:
    """How many jobs are in each state; `source` is where the queue's events come from."""
    for state in c.JOB_STATES:
        page.add(c.SIZE, f'{rendered},state="{state}"', getattr(snapshot, state))
    page.add(c.PAUSED, rendered, _flag(snapshot.is_paused))
    page.add(c.INFO, f"{rendered},{_facts(snapshot.library, snapshot.version, source)}", 1)


def add_ages(page: Page, snapshot: QueueSnapshot, rendered: Labels) -> None:
    for metric, value in (
        (c.OLDEST_WAITING, snapshot.oldest_waiting),
        (c.OLDEST_ACTIVE, snapshot.oldest_active),
        (c.NEXT_DELAYED, snapshot.next_delayed),
        (c.DELAYED_OVERDUE, snapshot.delayed_overdue),
        (c.ACTIVE_UNLOCKED, snapshot.active_unlocked),
        (c.SCHEDULERS, snapshot.schedulers),
        (c.SCHEDULERS_OVERDUE, snapshot.schedulers_overdue),
        (c.SCHEDULER_NEXT_RUN, snapshot.scheduler_next_run),
    ):
        page.add(metric, rendered, value)


def add_limits(page: Page, snapshot: QueueSnapshot, rendered: Labels) -> None:
    for metric, value in (
        (c.RATE_LIMITED, _flag(snapshot.is_rate_limited)),
        (c.CONCURRENCY_LIMIT, snapshot.concurrency_limit),
        (c.RATE_LIMIT_JOBS, snapshot.rate_limit_jobs),
        (c.RATE_LIMIT_WINDOW, snapshot.rate_limit_window_seconds),
    ):
        page.add(metric, rendered, value)


def add_added(page: Page, added: int | None, rendered: Labels) -> None:
    """`added` is the held value of the queue's id counter."""
    page.add(c.ADDED, rendered, added)


def add_totals(page: Page, followed: Followed, rendered: Labels, lag_seconds: float) -> None:
    """What became of the jobs whose events were seen, and how much was not seen."""
    tally, stream = followed.tally, followed.stream
    page.add(c.PROCESSED, f'{rendered},status="completed"', tally.completed)
    page.add(c.PROCESSED, f'{rendered},status="failed"', tally.failed)
    for reason in REQUEUE_REASONS:
        page.add(c.REQUEUED, f'{rendered},reason="{reason}"', tally.requeued[reason])
    page.add(c.EVENTS_LOST, f'{rendered},reason="unknown_start"', tally.unknown_starts)
    if stream is not None and stream.lost is not None:
        for reason, number in stream.lost.items():
            page.add(c.EVENTS_LOST, f'{rendered},reason="{reason}"', number)
    if stream is None or stream.is_compared:
        page.add(c.EVENTS_GAPS, rendered, followed.gaps + (stream.gaps if stream else 0))
    page.add(c.EVENTS_LAG, rendered, lag_seconds)


def add_durations(page: Page, tally: Tally, rendered: Labels) -> None:
    for (job_type, status), histogram in tally.durations.items():
        pair = labels({"job_type": job_type, "status": status})
        page.add_histogram(c.JOB_DURATION, f"{rendered},{pair}", histogram)
    page.add(c.JOB_DURATION_SQUARE, rendered, tally.duration_square_seconds)


def add_waits(page: Page, tally: Tally, rendered: Labels) -> None:
    page.add_histogram(c.JOB_WAIT, rendered, tally.waits)
    page.add(c.ARRIVAL_SQUARE, rendered, tally.arrival_interval_square_seconds)


def add_payloads(page: Page, tally: Tally, rendered: Labels) -> None:
    page.add_histogram(c.PAYLOAD, rendered, tally.payload_bytes)


def add_workers(page: Page, clients: ClientsSnapshot, rendered: Mapping[QueueName, Labels]) -> None:
    """Workers of each queue; a queue that no connection names has none."""
    none = QueueWorkers()
    for queue, queue_rendered in rendered.items():
        workers = clients.workers.get(queue, none)
        page.add(c.WORKERS, queue_rendered, workers.workers)
        page.add(c.WORKERS_SATURATED, queue_rendered, workers.saturated)


def add_connections(page: Page, clients: ClientsSnapshot) -> None:
    for role, number in clients.roles.items():
        page.add(c.CONNECTIONS, f'role="{role}"', number)
    for pool, use in clients.pools.items():
        name = labels({"pool": pool})
        page.add(c.POOL_CONNECTIONS, f'{name},state="open"', use.open)
        page.add(c.POOL_CONNECTIONS, f'{name},state="recent"', use.recent)
        page.add(c.POOL_SIZE, name, use.maximum)


def add_server(page: Page, server: ServerSnapshot) -> None:
    if server.clients is not None and server.clients_max:
        page.add(c.CONNECTION_UTILIZATION, "", server.clients / server.clients_max)
    for metric, value in (
        (c.CONNECTIONS_MAX, server.clients_max),
        (c.MEMORY, server.memory_bytes),
        (c.MEMORY_MAX, server.memory_max_bytes),
        (c.EVICTED, server.evicted_keys),
        (c.REJECTED, server.rejected_connections),
        (c.HITS, server.keyspace_hits),
        (c.MISSES, server.keyspace_misses),
        (c.COMMANDS, server.commands),
        (c.CPU, server.cpu_seconds),
    ):
        page.add(metric, "", value)
    if server.eviction_policy is not None:
        page.add(c.EVICTION_POLICY, labels({"policy": server.eviction_policy}), 1)


def add_caches(page: Page, caches: Iterable[tuple[str, CacheSnapshot]]) -> None:
    for name, cache in caches:
        rendered = labels({"cache": name})
        sampled = cache.keys is not None
        for metric, value in (
            (c.CACHE_KEYS, cache.keys),
            (c.CACHE_SAMPLED_KEYS, cache.sampled_keys if sampled else None),
            (c.CACHE_SAMPLED_BYTES, cache.sampled_bytes),
            (c.CACHE_SAMPLED_TTL, cache.sampled_ttl_seconds),
            (c.CACHE_SAMPLED_WITHOUT_TTL, cache.sampled_without_ttl),
            (c.CACHE_HITS, cache.hits),
            (c.CACHE_MISSES, cache.misses),
        ):
            page.add(metric, rendered, value)


@lru_cache(64)  # many queues have one library
def _facts(library: str, version: str, source: str) -> Labels:
    duration_source = DURATION_SOURCES.get(source, "none")
    return labels({"library": library, "version": version, "duration_source": duration_source})


def _flag(value: bool | None) -> int | None:
    return None if value is None else int(value)
