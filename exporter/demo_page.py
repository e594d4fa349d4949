"""This file knows how the demo reads the exporter's page back: totals, waits and durations by queue."""

import urllib.request
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

JOBS_PROCESSED = "queue_jobs_processed"
JOBS_REQUEUED = "queue_jobs_requeued"
JOB_WAIT = "queue_job_wait_seconds"
JOB_DURATION = "queue_job_duration_seconds"
REDIS_UP = "queue_redis_up"


@dataclass(frozen=True, slots=True)
class Histogram:
    """Upper bucket edges in seconds, the last infinite, with cumulative counts; and the sum of all values."""

    edges: tuple[float, ...]
    counts: tuple[float, ...]
    sum_seconds: float

    @property
    def count(self) -> float:
        """How many values were observed."""
        return self.counts[-1] if self.counts else 0.0

    @property
    def mean_seconds(self) -> float | None:
        """The mean, or None of nothing."""
        return self.sum_seconds / self.count if self.count else None

    def bucket(self, probability: float) -> tuple[float, float] | None:
        """The edges between which the quantile lies, or None of nothing."""
        if not self.count:
            return None
        place = next(i for i, count in enumerate(self.counts) if count >= probability * self.count)
        return (self.edges[place - 1] if place else 0.0), self.edges[place]


@dataclass(frozen=True, slots=True)
class QueuePage:
    """What the page says of one queue since the exporter started; durations are of attempts."""

    completed: float
    failed: float
    requeued: float
    wait: Histogram
    duration: Histogram


@dataclass(frozen=True, slots=True)
class Page:
    """One reading of the page; `queues` has (prefix, queue) as keys."""

    redis_up: bool
    queues: dict[tuple[str, str], QueuePage]

    @property
    def wait(self) -> Histogram:
        """The waits of all queues together."""
        return _added(queue.wait for queue in self.queues.values())


def read_page(address: str) -> Page:
    """Fetch and parse `address`/metrics. Raises OSError when nobody answers."""
    with urllib.request.urlopen(f"{address}/metrics", timeout=10) as answer:
        return parse_page(answer.read().decode())


def parse_page(text: str) -> Page:
    """A page of the exporter in Prometheus' text format, as values."""
    families = {family.name: family for family in text_string_to_metric_families(text)}
    ends = _sums(families.get(JOBS_PROCESSED), "status")
    requeues = _sums(families.get(JOBS_REQUEUED), "")
    waits, durations = (_histograms(families.get(name)) for name in (JOB_WAIT, JOB_DURATION))
    nothing = Histogram((), (), 0.0)
    queues = {
        (prefix, queue): QueuePage(
            completed=ends[prefix, queue, "completed"],
            failed=ends[prefix, queue, "failed"],
            requeued=requeues[prefix, queue, ""],
            wait=waits.get((prefix, queue), nothing),
            duration=durations.get((prefix, queue), nothing),
        )
        for prefix, queue, _ in dict(ends)
    }
    up = families.get(REDIS_UP)
    return Page(up is not None and all(sample.value == 1 for sample in up.samples), queues)


def _sums(family: Metric | None, label: str) -> defaultdict[tuple[str, str, str], float]:
    """A counter summed by prefix, queue and one more label."""
    sums: defaultdict[tuple[str, str, str], float] = defaultdict(float)
    for sample in family.samples if family else ():
        if sample.name.endswith("_total"):
            sums[sample.labels["prefix"], sample.labels["queue"], sample.labels.get(label, "")] += (
                sample.value
            )
    return sums


def _histograms(family: Metric | None) -> dict[tuple[str, str], Histogram]:
    """A histogram by prefix and queue, summed over all other labels."""
    parts: defaultdict[tuple[str, str], defaultdict[float, float]] = defaultdict(lambda: defaultdict(float))
    sums: defaultdict[tuple[str, str], float] = defaultdict(float)
    for sample in family.samples if family else ():
        queue = sample.labels["prefix"], sample.labels["queue"]
        if sample.name.endswith("_bucket"):
            parts[queue][float(sample.labels["le"])] += sample.value
        elif sample.name.endswith("_sum"):
            sums[queue] += sample.value
    return {queue: _histogram(buckets, sums[queue]) for queue, buckets in parts.items()}


def _histogram(buckets: dict[float, float], sum_seconds: float) -> Histogram:
    edges = tuple(sorted(buckets))
    return Histogram(edges, tuple(buckets[edge] for edge in edges), sum_seconds)


def _added(histograms: Iterable[Histogram]) -> Histogram:
    buckets: defaultdict[float, float] = defaultdict(float)
    total = 0.0
    for one in histograms:
        total += one.sum_seconds
        for edge, count in zip(one.edges, one.counts, strict=True):
            buckets[edge] += count
    return _histogram(buckets, total)
