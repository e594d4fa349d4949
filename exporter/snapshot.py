"""This file knows what is true of a queue, and of a Redis, at one moment. None means: could not be known."""

from dataclasses import dataclass, field

from exporter.keys import QueueName


@dataclass(frozen=True, slots=True)
class QueueSnapshot:
    """One queue at one moment. Counts of jobs are disjoint; times are epoch seconds of the server's clock."""

    name: QueueName
    waiting: int | None
    paused: int | None
    prioritized: int | None
    active: int | None
    delayed: int | None
    waiting_children: int | None
    completed: int | None
    failed: int | None
    is_paused: bool | None
    is_rate_limited: bool | None
    added: int | None
    oldest_waiting: float | None
    oldest_active: float | None
    next_delayed: float | None
    delayed_overdue: int | None
    active_unlocked: int | None
    concurrency_limit: int | None
    rate_limit_jobs: int | None
    rate_limit_window_seconds: float | None
    schedulers: int | None
    schedulers_overdue: int | None
    scheduler_next_run: float | None
    library: str
    version: str
    exists: bool
    """Whether any key of the queue was found: a queue without one was deleted."""

    @property
    def is_empty(self) -> bool:
        """Whether no job waits, runs or will: then every job that is still thought to is gone."""
        states = (
            self.waiting,
            self.paused,
            self.prioritized,
            self.active,
            self.delayed,
            self.waiting_children,
        )
        return all(count == 0 for count in states)


@dataclass(frozen=True, slots=True)
class QueueWorkers:
    """Worker objects of one queue and how many of them had no free slot."""

    workers: int = 0
    saturated: int = 0


@dataclass(frozen=True, slots=True)
class PoolUse:
    """Connections of one pool named by the user."""

    open: int
    recent: int
    maximum: int


@dataclass(frozen=True, slots=True)
class ClientsSnapshot:
    """The connections of a Redis by role, queue and pool; from one CLIENT LIST."""

    roles: dict[str, int]
    workers: dict[QueueName, QueueWorkers]
    pools: dict[str, PoolUse]


@dataclass(frozen=True, slots=True)
class ServerSnapshot:
    """What INFO says of the server, or of all primaries of a cluster together."""

    clients: int | None = None
    clients_max: int | None = None
    memory_bytes: int | None = None
    memory_max_bytes: int | None = None
    evicted_keys: int | None = None
    rejected_connections: int | None = None
    keyspace_hits: int | None = None
    keyspace_misses: int | None = None
    commands: int | None = None
    cpu_seconds: float | None = None
    eviction_policy: str | None = None
    role: str | None = None
    version: str | None = None


@dataclass(frozen=True, slots=True)
class RedisSnapshot:
    """One Redis database at one moment."""

    up: bool
    reason: str = ""
    """Why it is not up, in one line; empty when it is."""
    queues: list[QueueSnapshot] = field(default_factory=list)
    queues_complete: bool = False
    clients: ClientsSnapshot | None = None
    server: ServerSnapshot | None = None
