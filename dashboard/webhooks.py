"""This file knows which work is webhooks, by the names of queues and of job types, and how long it takes."""

from collections.abc import Sequence
from dataclasses import dataclass

from dashboard.page import queue_name
from dashboard.queue_now import QueueNow
from dashboard.queues_now import QUEUE
from dashboard.sources.shared import SharedSource
from dashboard.sources.source import Source, Span
from exporter.catalogue import JOB_DURATION

WORD = "webhook"
_FRESH_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Webhooks:
    """Webhooks of one queue: all of its jobs, or those of one type. Waits are told by queue only."""

    name: str
    wait_p95_seconds: float | None
    work_mean_seconds: float | None

    @property
    def seconds(self) -> float | None:
        """From ready to done, but for the slowest twentieth of the waits; None when that is not known."""
        if self.wait_p95_seconds is None or self.work_mean_seconds is None:
            return None
        return self.wait_p95_seconds + self.work_mean_seconds


def webhooks(source: Source, queues: Sequence[QueueNow], recent: Span) -> tuple[Webhooks, ...]:
    """Raises SourceError."""
    named = [queue for queue in queues if WORD in queue.name.lower()]
    if named:
        return tuple(Webhooks(one.name, one.wait_p95_seconds, one.attempt_mean_seconds) for one in named)
    waits = {queue.name: queue.wait_p95_seconds for queue in queues}
    work = _by_type(source, recent)
    return tuple(
        Webhooks(f"{kind} of {name}", waits[name], mean)
        for (name, kind), mean in work.items()
        if name in waits
    )


def _by_type(source: Source, recent: Span) -> dict[tuple[str, str], float | None]:
    """Mean work of each job type that is called a webhook. There are many types: all viewers ask once a minute."""
    if not isinstance(source, SharedSource):
        return _asked(source, recent)
    found: dict[tuple[str, str], float | None] = source.once(
        "webhooks", lambda: _asked(source.source, recent), _FRESH_SECONDS
    )
    return found


def _asked(source: Source, recent: Span) -> dict[tuple[str, str], float | None]:
    labels, whole = (*QUEUE, "job_type"), recent.whole()
    counts = source.increase(JOB_DURATION, labels, whole, part="count")
    found: dict[tuple[str, str], float | None] = {}
    for prefix, queue, kind in counts.columns:
        if WORD in kind.lower():
            where = {"prefix": prefix, "queue": queue, "job_type": kind}
            sums = source.increase(JOB_DURATION, (), whole, where, "sum")
            count = float(counts[prefix, queue, kind].iloc[-1])
            known = count > 0 and len(sums.columns)
            found[queue_name(prefix, queue), kind] = float(sums["value"].iloc[-1]) / count if known else None
    return found
