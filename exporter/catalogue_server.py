"""This file knows every metric of a Redis, of caches in it and of the exporter. `exporter/catalogue.py` holds all."""

from exporter import groups as g
from exporter.metric import Kind, Metric

ROUND_TRIP_BUCKETS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)
GAUGE, COUNTER, HISTOGRAM = Kind.GAUGE, Kind.COUNTER, Kind.HISTOGRAM


def _redis(
    group: g.Group | None, name: str, kind: Kind, text: str, *labels: str, buckets: tuple[float, ...] = ()
) -> Metric:
    return Metric(group, name, kind, text, labels, per_queue=False, buckets=buckets)


REDIS_UP = _redis(
    None, "queue_redis_up", GAUGE, "1 when Redis answered this scrape. Source: the scrape itself."
)
CONNECTIONS = _redis(
    g.CONNECTIONS,
    "queue_redis_connections",
    GAUGE,
    "Connections of the whole server by role. worker: blocking connections of workers. producer: connections whose "
    "last command was a script, which producers and workers share. Source: CLIENT LIST.",
    "role",
)
CONNECTIONS_MAX = _redis(
    g.REDIS,
    "queue_redis_connections_max",
    GAUGE,
    "Most connections the server accepts. Source: INFO or CONFIG GET maxclients.",
)
CONNECTION_UTILIZATION = _redis(
    g.REDIS,
    "queue_redis_connection_utilization_ratio",
    GAUGE,
    "All connections as a share of the most the server accepts. Source: INFO connected_clients, maxclients.",
)
POOL_CONNECTIONS = _redis(
    g.CONNECTIONS,
    "queue_redis_pool_connections",
    GAUGE,
    "Connections of a pool of the application. recent: blocked, or a command in the last second; a check-out inside "
    "the application is not visible. Source: CLIENT LIST.",
    "pool",
    "state",
)
POOL_SIZE = _redis(
    g.CONNECTIONS,
    "queue_redis_pool_size",
    GAUGE,
    "Most connections of a pool. Source: the configuration.",
    "pool",
)
ROUND_TRIP = _redis(
    g.REDIS,
    "queue_redis_round_trip_seconds",
    HISTOGRAM,
    "Round trip of one small command of the exporter, once a second. Source: own timing of TIME or PING.",
    buckets=ROUND_TRIP_BUCKETS,
)
MEMORY = _redis(g.REDIS, "queue_redis_memory_bytes", GAUGE, "Memory in use. Source: INFO used_memory.")
MEMORY_MAX = _redis(
    g.REDIS,
    "queue_redis_memory_max_bytes",
    GAUGE,
    "Memory limit; absent when there is none. Source: INFO maxmemory.",
)
EVICTED = _redis(
    g.REDIS, "queue_redis_evicted_keys_total", COUNTER, "Keys evicted for memory. Source: INFO evicted_keys."
)
REJECTED = _redis(
    g.REDIS,
    "queue_redis_rejected_connections_total",
    COUNTER,
    "Connections refused at maxclients. Source: INFO rejected_connections.",
)
HITS = _redis(
    g.REDIS,
    "queue_redis_keyspace_hits_total",
    COUNTER,
    "Key look-ups that found one. Source: INFO keyspace_hits.",
)
MISSES = _redis(
    g.REDIS,
    "queue_redis_keyspace_misses_total",
    COUNTER,
    "Key look-ups that found none. Source: INFO keyspace_misses.",
)
COMMANDS = _redis(
    g.REDIS, "queue_redis_commands_total", COUNTER, "Commands run. Source: INFO total_commands_processed."
)
CPU = _redis(
    g.REDIS,
    "queue_redis_cpu_seconds_total",
    COUNTER,
    "CPU time of the server. Source: INFO used_cpu_sys + used_cpu_user.",
)
EVICTION_POLICY = _redis(
    g.REDIS,
    "queue_redis_eviction_policy",
    GAUGE,
    "1; anything but noeviction can lose jobs. Source: INFO maxmemory_policy.",
    "policy",
)

CACHE_KEYS = _redis(
    g.CACHES, "queue_cache_keys", GAUGE, "Keys of a cache. Source: last whole background SCAN.", "cache"
)
CACHE_SAMPLED_KEYS = _redis(
    g.CACHES,
    "queue_cache_sampled_keys",
    GAUGE,
    "Keys of the cache's sample. Source: last whole background SCAN.",
    "cache",
)
CACHE_SAMPLED_BYTES = _redis(
    g.CACHES,
    "queue_cache_sampled_bytes",
    GAUGE,
    "Bytes of the string values in the sample. Source: STRLEN of at most 100 keys a walk.",
    "cache",
)
CACHE_SAMPLED_TTL = _redis(
    g.CACHES,
    "queue_cache_sampled_ttl_seconds",
    GAUGE,
    "Sum of the remaining lives of sampled keys that have one. Source: TTL of at most 100 keys a walk.",
    "cache",
)
CACHE_SAMPLED_WITHOUT_TTL = _redis(
    g.CACHES,
    "queue_cache_sampled_without_ttl",
    GAUGE,
    "Sampled keys that never expire. Source: TTL.",
    "cache",
)
CACHE_HITS = _redis(
    g.CACHES,
    "queue_cache_hits_total",
    COUNTER,
    "Hits, where the cache counts them. Source: the key that was named.",
    "cache",
)
CACHE_MISSES = _redis(
    g.CACHES,
    "queue_cache_misses_total",
    COUNTER,
    "Misses, where the cache counts them. Source: the key that was named.",
    "cache",
)

SCRAPE_SUCCESS = _redis(
    None,
    "queue_exporter_scrape_success",
    GAUGE,
    "1 when this part of the page is whole and fresh, 0 when it is missing or partial; absent when not asked for or "
    "not permitted.",
    "collector",
)
SCRAPE_DURATION = _redis(
    None,
    "queue_exporter_scrape_duration_seconds",
    GAUGE,
    "Time that this part of the page took.",
    "collector",
)
LAST_SUCCESS = _redis(
    None,
    "queue_exporter_last_success_timestamp_seconds",
    GAUGE,
    "When a scrape last succeeded, by the exporter's clock.",
)
QUEUES_DISCOVERED = _redis(None, "queue_exporter_queues_discovered", GAUGE, "Queues on the page.")
DISCOVERY_SECONDS = _redis(
    None,
    "queue_exporter_discovery_seconds",
    GAUGE,
    "Time of the last walk through the key space: a new queue is found within this and 4 s. Source: SCAN.",
)
LABELS_DROPPED = _redis(
    None,
    "queue_exporter_labels_dropped_total",
    COUNTER,
    "Attempts counted under __other__ for want of room for their job type.",
)
BUILD_INFO = _redis(None, "queue_exporter_build_info", GAUGE, "1; version of bullgauge.", "version")
