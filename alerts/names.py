"""This file knows what each recording is called: `level:metric:operations`, by the catalogue."""

from alerts.signals import Signal
from exporter import catalogue as c
from exporter.catalogue import Metric

UP = "up"
ALERTS = "ALERTS"
RULE_FAILURES = "prometheus_rule_evaluation_failures_total"
FOREIGN = (UP, ALERTS, RULE_FAILURES)
"""Series that Prometheus makes itself."""

BULLMQ_COUNT = "bullmq_job_count"
BULLMQ_COMPLETED = "bullmq_job_completed_total"
BULLMQ_FAILED = "bullmq_job_failed_total"
BULLMQ = (BULLMQ_COUNT, BULLMQ_COMPLETED, BULLMQ_FAILED)
"""What BullMQ's own exportPrometheusMetrics() writes (bullmq 6.7.0, queue-getters.js)."""


def recorded(level: str, metric: Metric | str, operations: str) -> str:
    """The name of a recording."""
    name = metric if isinstance(metric, str) else metric.name
    return f"{level}:{name.removesuffix('_total')}:{operations}"


def bound(signal: Signal, level: str) -> str:
    """The series that holds a signal's bounds; labels `severity` and `bound` (in words)."""
    return recorded(level, signal.name, "bound")


EXPORTERS = recorded("exporter", UP, "last")
UP_ANY = recorded("redis", UP, "max")
REDIS_UP = recorded("redis", c.REDIS_UP, "max")
COLLECTED = recorded("redis", c.SCRAPE_SUCCESS, "max")
AGE = recorded("redis", c.LAST_SUCCESS, "age")
VISIBLE = recorded("redis", "queue_redis_visible", "min")

SIZE = recorded("queue", c.SIZE, "max")
READY = recorded("queue", c.SIZE, "ready")
KNOWN = recorded("queue", c.SIZE, "last5m")
PAUSED = recorded("queue", c.PAUSED, "max")
LIMITED = recorded("queue", c.RATE_LIMITED, "max2m")
WORKERS = recorded("queue", c.WORKERS, "max")
SATURATED = recorded("queue", c.WORKERS_SATURATED, "ratio")
DESERTED = recorded("queue", "queue_deserted", "max")
DESERTED_LATELY = recorded("queue", "queue_deserted", "max10m_once30m")
HELD = recorded("queue", "queue_held", "max")
HELD_15M = recorded("queue", "queue_held", "max15m")
PAUSED_15M = recorded("queue", c.PAUSED, "max15m")
BLOCKED_30M = recorded("queue", "queue_blocked", "max30m")
DEMAND = recorded("queue", c.SIZE, "demand")
REDIS_DEMAND = recorded("redis", c.SIZE, "demand")
OLDEST_AGE = recorded("queue", c.OLDEST_WAITING, "age")
DRAIN = recorded("queue", c.SIZE, "drain_seconds")
UNLOCKED = recorded("queue", c.ACTIVE_UNLOCKED, "max")
OVERDUE_SCHEDULERS = recorded("queue", c.SCHEDULERS_OVERDUE, "max")

SEEN_RATE = recorded("queue", c.PROCESSED, "seen_rate5m")
APPEARED = recorded("queue", c.PROCESSED, "appeared5m")
CONTINUED = recorded("queue", c.PROCESSED, "continued5m")
MISSED = recorded("queue", c.PROCESSED, "missed5m")
FIRST_RATE = recorded("queue", c.PROCESSED, "first_rate5m")
RATE = recorded("queue", c.PROCESSED, "rate5m")
TILE = recorded("queue", c.PROCESSED, "increase5m_tile")

WAIT_RATE = recorded("queue", c.JOB_WAIT, "increase15m")
WAIT_OVER = recorded("queue", c.JOB_WAIT, "over_increase15m")
WAIT_RATIO = recorded("queue", c.JOB_WAIT, "over_ratio15m")
EDGES = recorded("queue", f"{c.JOB_WAIT.name}_bucket", "edges")
DURATION_RATE = recorded("queue", c.JOB_DURATION, "increase15m")
DURATION_OVER = recorded("queue", c.JOB_DURATION, "over_increase15m")
DURATION_RATIO = recorded("queue", c.JOB_DURATION, "over_ratio15m")
LOST = recorded("queue", c.EVENTS_LOST, "increase15m")
GAPS = recorded("queue", c.EVENTS_GAPS, "increase15m")

CONNECTIONS = recorded("redis", c.CONNECTION_UTILIZATION, "avg5m")
POOLS = recorded("pool", c.POOL_CONNECTIONS, "ratio_avg5m")
MEMORY = recorded("redis", c.MEMORY, "ratio")
POLICY = recorded("redis", c.EVICTION_POLICY, "max")
EVICTED = recorded("redis", c.EVICTED, "increase15m")
REJECTED = recorded("redis", c.REJECTED, "increase15m")
CACHE_RATIO = recorded("cache", c.CACHE_HITS, "ratio1h")
RULES_FAILED = recorded("group", RULE_FAILURES, "increase15m")


def visible_ratio(window: str) -> str:
    """Share of a window in which this Redis could be seen."""
    return recorded("redis", "queue_redis_visible", f"ratio{window}")


def held(window: str) -> str:
    """Alerts that fire and can't be judged, with the value -1."""
    return recorded("alert", "bullgauge_held", window)


def increase(window: str) -> str:
    """Jobs that ended in a window, by status."""
    return recorded("queue", c.PROCESSED, f"increase{window}")


def finished(window: str) -> str:
    """Jobs that ended in a window, whatever their status."""
    return recorded("queue", c.PROCESSED, f"finished{window}")


def failed_ratio(window: str) -> str:
    """Final failures over finished jobs; absent where none finished."""
    return recorded("queue", c.PROCESSED, f"failed_ratio{window}")


def requeued(window: str) -> str:
    """Attempts that went back, by reason."""
    return recorded("queue", c.REQUEUED, f"increase{window}")


def seen_ratio(window: str) -> str:
    """Share of a window in which this queue's counts were seen."""
    return recorded("queue", c.PROCESSED, f"seen_ratio{window}")


def per_hour(level: str) -> str:
    """Finished jobs an hour over the last 30 minutes."""
    return recorded(level, c.PROCESSED, "per_hour30m")


def demand_per_hour(level: str) -> str:
    """Jobs an hour that could have been finished over the last 30 minutes."""
    return recorded(level, "queue_jobs_demand", "per_hour30m")


RETRY_RATIO = recorded("queue", c.REQUEUED, "ratio30m")
