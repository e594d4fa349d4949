"""This file knows every signal that has bounds: unit, bad side, meaning and default bounds."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from alerts.quantities import Unit

Severity = Literal["warning", "critical"]
SEVERITIES: tuple[Severity, ...] = ("warning", "critical")


class Level(StrEnum):
    """What one sample of a signal belongs to."""

    QUEUE = "queue"
    REDIS = "redis"
    CACHE = "cache"


@dataclass(frozen=True, slots=True)
class Signal:
    """One thing that is measured against bounds. `worse` is the side on which an alert fires."""

    name: str
    unit: Unit
    worse: Literal["above", "below"]
    level: Level
    meaning: str
    defaults: tuple[str | None, str | None] = (None, None)

    @property
    def sign(self) -> str:
        return ">" if self.worse == "above" else "<"


def _above(name: str, unit: Unit, level: Level, meaning: str, *defaults: str | None) -> Signal:
    warning, critical = (*defaults, None, None)[:2]
    return Signal(name, unit, "above", level, meaning, (warning, critical))


LATENCY = _above(
    "queue_processing_latency",
    Unit.SECONDS,
    Level.QUEUE,
    "95th percentile of the wait, ready to first start: more than 5 % of jobs waited longer than the bound",
    "750ms",
    "1500ms",
)
THROUGHPUT = Signal(
    "queue_throughput",
    Unit.JOBS_PER_HOUR,
    "below",
    Level.REDIS,
    "finished jobs an hour, all queues of a Redis together, while enough work was waiting",
    ("<8000 jobs/hour", "<5000 jobs/hour"),
)
CONNECTIONS = _above(
    "redis_connection_utilization",
    Unit.RATIO,
    Level.REDIS,
    "open connections of each named pool over its maximum, and all clients over maxclients",
    ">85%",
    ">95%",
)
FAILURES = _above(
    "job_failure_rate", Unit.RATIO, Level.QUEUE, "final failures over finished jobs", ">2%", ">5%"
)
DURATION = _above(
    "job_duration",
    Unit.SECONDS,
    Level.QUEUE,
    "95th percentile of an attempt's processing time; only for queues that give bounds",
)
OLDEST = _above(
    "oldest_waiting_job", Unit.SECONDS, Level.QUEUE, "age of the job that is ready for longest", "15m", "1h"
)
DRAIN = _above(
    "drain_time",
    Unit.SECONDS,
    Level.QUEUE,
    "ready jobs over the rate at which jobs finish: how long the backlog would take without new jobs",
    "30m",
    "2h",
)
DEAD_LETTERS = _above(
    "dead_letters", Unit.JOBS, Level.QUEUE, "failed jobs that are kept in the failed set", ">1000 jobs"
)
RETRIES = _above(
    "retry_rate", Unit.RATIO, Level.QUEUE, "attempts that went back to the queue over all attempts", ">50%"
)
MEMORY = _above(
    "redis_memory_utilization", Unit.RATIO, Level.REDIS, "memory in use over maxmemory", ">85%", ">95%"
)
CACHE_HITS = Signal(
    "cache_hit_rate",
    Unit.RATIO,
    "below",
    Level.CACHE,
    "hits over look-ups of a cache of the application that counts them",
    ("<85%", None),
)

SIGNALS = (
    LATENCY,
    THROUGHPUT,
    CONNECTIONS,
    FAILURES,
    DURATION,
    OLDEST,
    DRAIN,
    DEAD_LETTERS,
    RETRIES,
    MEMORY,
    CACHE_HITS,
)
SIGNAL = {signal.name: signal for signal in SIGNALS}
PER_QUEUE = tuple(s.name for s in SIGNALS if s.level is Level.QUEUE or s is THROUGHPUT)
"""The signals that an override for a queue may name."""
