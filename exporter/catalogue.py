"""This file knows every metric: its name, type, labels, help with its source, and buckets. Nothing else names one."""

from dataclasses import dataclass
from enum import StrEnum

from exporter.settings import DURATION_BUCKETS, PAYLOAD_BUCKETS


class Kind(StrEnum):
    """Prometheus metric types that are used."""

    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric family. `labels` are those beside `prefix` and `queue`, which every per-queue metric has."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    per_queue: bool = True
    buckets: tuple[float, ...] = ()

    @property
    def all_labels(self) -> tuple[str, ...]:
        return (("prefix", "queue") if self.per_queue else ()) + self.labels


JOB_STATES = (
    "waiting",
    "paused",
    "prioritized",
    "active",
    "delayed",
    "waiting_children",
    "completed",
    "failed",
)
COLLECTORS = ("queues", "events", "connections", "redis", "caches")
ROUND_TRIP_BUCKETS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)

_DURATIONS = tuple(float(edge) for edge in DURATION_BUCKETS)
_SIZES = tuple(float(edge) for edge in PAYLOAD_BUCKETS)


def _queue(name: str, kind: Kind, text: str, *labels: str, buckets: tuple[float, ...] = ()) -> Metric:
    return Metric(name, kind, text, labels, per_queue=True, buckets=buckets)


def _redis(name: str, kind: Kind, text: str, *labels: str, buckets: tuple[float, ...] = ()) -> Metric:
    return Metric(name, kind, text, labels, per_queue=False, buckets=buckets)


GAUGE, COUNTER, HISTOGRAM = Kind.GAUGE, Kind.COUNTER, Kind.HISTOGRAM

SIZE = _queue(
    "queue_size",
    GAUGE,
    "Jobs in each state, every job in one state only. Source: LLEN and ZCARD of the state's list or set, markers "
    "taken off.",
    "state",
)
JOB_DURATION = _queue(
    "queue_job_duration_seconds",
    HISTOGRAM,
    "Working time of each attempt by how it ended; requeued is a retry, a move to delayed or a rate limit. Time "
    "until a stall was found is left out. Source: event stream (BullMQ), pub/sub (Bull).",
    "job_type",
    "status",
    buckets=_DURATIONS,
)
JOB_WAIT = _queue(
    "queue_job_wait_seconds",
    HISTOGRAM,
    "Time from ready to first start; a delayed job is ready when it falls due. Source: event stream (BullMQ), "
    "pub/sub (Bull).",
    buckets=_DURATIONS,
)
JOB_DURATION_SQUARE = _queue(
    "queue_job_duration_square_seconds_total",
    COUNTER,
    "Sum of squares of all attempts' working times, for their variability. Source: as queue_job_duration_seconds.",
)
ARRIVAL_SQUARE = _queue(
    "queue_job_arrival_interval_square_seconds_total",
    COUNTER,
    "Sum of squares of the intervals between jobs becoming ready for the first time. Source: as "
    "queue_job_wait_seconds.",
)
PROCESSED = _queue(
    "queue_jobs_processed_total",
    COUNTER,
    "Jobs that ended: completed, or failed with no attempt left. Source: event stream (BullMQ), pub/sub (Bull).",
    "status",
)
ADDED = _queue(
    "queue_jobs_added_total",
    COUNTER,
    "Calls that added a job, duplicates and scheduled runs included. Source: the queue's id counter.",
)
REQUEUED = _queue(
    "queue_jobs_requeued_total",
    COUNTER,
    "Attempts after which the job went back: to delayed, to waiting, to waiting for children, or because it had "
    "stalled. Source: event stream (BullMQ), pub/sub (Bull).",
    "reason",
)
PAUSED = _queue("queue_paused", GAUGE, "1 while the queue is paused. Source: meta, meta-paused.")
RATE_LIMITED = _queue(
    "queue_rate_limited",
    GAUGE,
    "1 while a rate limit holds jobs back; absent when only the workers know the limit. Source: limiter, meta.",
)
OLDEST_WAITING = _queue(
    "queue_oldest_waiting_timestamp_seconds",
    GAUGE,
    "When the job that is ready for longest became ready: in wait, paused, prioritised or overdue in delayed. "
    "Source: events, else the job hash (timestamp, delay).",
)
OLDEST_ACTIVE = _queue(
    "queue_oldest_active_timestamp_seconds",
    GAUGE,
    "When the job that is active for longest was started. Source: events, else the job hash (processedOn).",
)
NEXT_DELAYED = _queue(
    "queue_next_delayed_timestamp_seconds",
    GAUGE,
    "When the next delayed job falls due. Source: first of delayed.",
)
DELAYED_OVERDUE = _queue(
    "queue_delayed_overdue",
    GAUGE,
    "Delayed jobs that are due and not promoted yet. Source: ZCOUNT of delayed.",
)
ACTIVE_UNLOCKED = _queue(
    "queue_active_unlocked",
    GAUGE,
    "Active jobs without a lock, among the 1,000 oldest: their worker is gone. Source: EXISTS of the locks, twice.",
)
WORKERS = _queue(
    "queue_workers",
    GAUGE,
    "Worker objects connected, whatever their concurrency. Source: names in CLIENT LIST.",
)
WORKERS_SATURATED = _queue(
    "queue_workers_saturated",
    GAUGE,
    "Workers with no free slot at this moment. Source: flags in CLIENT LIST.",
)
CONCURRENCY_LIMIT = _queue(
    "queue_concurrency_limit", GAUGE, "Global limit of active jobs; absent when there is none. Source: meta."
)
RATE_LIMIT_JOBS = _queue(
    "queue_rate_limit_jobs",
    GAUGE,
    "Global limit of starts per window; absent when there is none. Source: meta.",
)
RATE_LIMIT_WINDOW = _queue(
    "queue_rate_limit_window_seconds",
    GAUGE,
    "Window of the global rate limit; absent when none. Source: meta.",
)
SCHEDULERS = _queue(
    "queue_schedulers", GAUGE, "Job schedulers and repeatable definitions. Source: ZCARD of repeat."
)
SCHEDULERS_OVERDUE = _queue(
    "queue_schedulers_overdue",
    GAUGE,
    "Schedulers whose next run is more than 60 s in the past: they have stopped. Source: ZCOUNT of repeat.",
)
SCHEDULER_NEXT_RUN = _queue(
    "queue_scheduler_next_run_timestamp_seconds",
    GAUGE,
    "Earliest next run of a scheduler. Source: first of repeat.",
)
PAYLOAD = _queue(
    "queue_job_payload_bytes",
    HISTOGRAM,
    "Size of the data of a sample of jobs as they arrive; the data itself is never read. Source: HSTRLEN.",
    buckets=_SIZES,
)
INFO = _queue(
    "queue_info",
    GAUGE,
    "1; which library and version owns the queue and where durations come from. Source: meta, type of events.",
    "library",
    "version",
    "duration_source",
)
EVENTS_LOST = _queue(
    "queue_events_lost_total",
    COUNTER,
    "What could not be seen: stream entries trimmed before they were read, messages missed while disconnected, "
    "attempts whose length can't be known (unknown_start). A reason whose number can't be told is absent. "
    "Source: XINFO STREAM.",
    "reason",
)
EVENTS_GAPS = _queue(
    "queue_events_gaps_total",
    COUNTER,
    "Times that events may have been missed without a way to tell how many. Source: XINFO STREAM, reconnections.",
)
EVENTS_LAG = _queue(
    "queue_events_lag_seconds",
    GAUGE,
    "How far reading is behind the queue's events. Source: id of the last entry read.",
)

REDIS_UP = _redis("queue_redis_up", GAUGE, "1 when Redis answered this scrape. Source: the scrape itself.")
CONNECTIONS = _redis(
    "queue_redis_connections",
    GAUGE,
    "Connections of the whole server by role. worker: blocking connections of workers. producer: connections whose "
    "last command was a script, which producers and workers share. Source: CLIENT LIST.",
    "role",
)
CONNECTIONS_MAX = _redis(
    "queue_redis_connections_max",
    GAUGE,
    "Most connections the server accepts. Source: INFO or CONFIG GET maxclients.",
)
CONNECTION_UTILIZATION = _redis(
    "queue_redis_connection_utilization_ratio",
    GAUGE,
    "All connections as a share of the most the server accepts. Source: INFO connected_clients, maxclients.",
)
POOL_CONNECTIONS = _redis(
    "queue_redis_pool_connections",
    GAUGE,
    "Connections of a pool of the application. recent: blocked, or a command in the last second; a check-out inside "
    "the application is not visible. Source: CLIENT LIST.",
    "pool",
    "state",
)
POOL_SIZE = _redis(
    "queue_redis_pool_size", GAUGE, "Most connections of a pool. Source: the configuration.", "pool"
)
ROUND_TRIP = _redis(
    "queue_redis_round_trip_seconds",
    HISTOGRAM,
    "Round trip of one small command of the exporter, once a second. Source: own timing of TIME or PING.",
    buckets=ROUND_TRIP_BUCKETS,
)
MEMORY = _redis("queue_redis_memory_bytes", GAUGE, "Memory in use. Source: INFO used_memory.")
MEMORY_MAX = _redis(
    "queue_redis_memory_max_bytes", GAUGE, "Memory limit; absent when there is none. Source: INFO maxmemory."
)
EVICTED = _redis(
    "queue_redis_evicted_keys_total", COUNTER, "Keys evicted for memory. Source: INFO evicted_keys."
)
REJECTED = _redis(
    "queue_redis_rejected_connections_total",
    COUNTER,
    "Connections refused at maxclients. Source: INFO rejected_connections.",
)
HITS = _redis(
    "queue_redis_keyspace_hits_total", COUNTER, "Key look-ups that found one. Source: INFO keyspace_hits."
)
MISSES = _redis(
    "queue_redis_keyspace_misses_total",
    COUNTER,
    "Key look-ups that found none. Source: INFO keyspace_misses.",
)
COMMANDS = _redis(
    "queue_redis_commands_total", COUNTER, "Commands run. Source: INFO total_commands_processed."
)
CPU = _redis(
    "queue_redis_cpu_seconds_total",
    COUNTER,
    "CPU time of the server. Source: INFO used_cpu_sys + used_cpu_user.",
)
EVICTION_POLICY = _redis(
    "queue_redis_eviction_policy",
    GAUGE,
    "1; anything but noeviction can lose jobs. Source: INFO maxmemory_policy.",
    "policy",
)

CACHE_KEYS = _redis(
    "queue_cache_keys", GAUGE, "Keys of a cache. Source: last whole background SCAN.", "cache"
)
CACHE_SAMPLED_KEYS = _redis(
    "queue_cache_sampled_keys",
    GAUGE,
    "Keys of the cache's sample. Source: last whole background SCAN.",
    "cache",
)
CACHE_SAMPLED_BYTES = _redis(
    "queue_cache_sampled_bytes",
    GAUGE,
    "Bytes of the string values in the sample. Source: STRLEN of at most 100 keys a walk.",
    "cache",
)
CACHE_SAMPLED_TTL = _redis(
    "queue_cache_sampled_ttl_seconds",
    GAUGE,
    "Sum of the remaining lives of sampled keys that have one. Source: TTL of at most 100 keys a walk.",
    "cache",
)
CACHE_SAMPLED_WITHOUT_TTL = _redis(
    "queue_cache_sampled_without_ttl", GAUGE, "Sampled keys that never expire. Source: TTL.", "cache"
)
CACHE_HITS = _redis(
    "queue_cache_hits_total",
    COUNTER,
    "Hits, where the cache counts them. Source: the key that was named.",
    "cache",
)
CACHE_MISSES = _redis(
    "queue_cache_misses_total",
    COUNTER,
    "Misses, where the cache counts them. Source: the key that was named.",
    "cache",
)

SCRAPE_SUCCESS = _redis(
    "queue_exporter_scrape_success",
    GAUGE,
    "1 when this part of the page is whole and fresh, 0 when it is missing or partial; absent when not asked for or "
    "not permitted.",
    "collector",
)
SCRAPE_DURATION = _redis(
    "queue_exporter_scrape_duration_seconds", GAUGE, "Time that this part of the page took.", "collector"
)
LAST_SUCCESS = _redis(
    "queue_exporter_last_success_timestamp_seconds",
    GAUGE,
    "When a scrape last succeeded, by the exporter's clock.",
)
QUEUES_DISCOVERED = _redis("queue_exporter_queues_discovered", GAUGE, "Queues on the page.")
DISCOVERY_SECONDS = _redis(
    "queue_exporter_discovery_seconds",
    GAUGE,
    "Time of the last walk through the key space: a new queue is found within this and 4 s. Source: SCAN.",
)
LABELS_DROPPED = _redis(
    "queue_exporter_labels_dropped_total",
    COUNTER,
    "Attempts counted under __other__ for want of room for their job type.",
)
BUILD_INFO = _redis("queue_exporter_build_info", GAUGE, "1; version of bullgauge.", "version")

METRICS: tuple[Metric, ...] = tuple(value for value in list(globals().values()) if isinstance(value, Metric))
"""All metrics in the order of the page."""
BY_NAME = {metric.name: metric for metric in METRICS}
