"""This file knows how the demo reads the exporter's page back: totals, waits and durations by queue."""

from __future__ import annotations

import urllib.request
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.catalogue import JOB_DURATION, JOB_WAIT, PROCESSED, REDIS_UP, REQUEUED
from exporter.demo.truth import Between

if TYPE_CHECKING:  # the package comes with the extra, and the demo says so where it is missing
    from prometheus_client.samples import Sample

QueueKey = tuple[str, str]
"""Prefix and queue."""


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

    def bucket(self, probability: float) -> Between | None:
        """The edges between which the quantile lies, or None of nothing."""
        if not self.count:
            return None
        place = next(i for i, count in enumerate(self.counts) if count >= probability * self.count)
        return Between(self.edges[place - 1] if place else 0.0, self.edges[place])


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
    """One reading of the page; whether its Redis answered, and its queues."""

    redis_up: bool
    queues: dict[QueueKey, QueuePage]

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
    from prometheus_client.parser import text_string_to_metric_families

    samples: defaultdict[str, list[Sample]] = defaultdict(list)
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            samples[sample.name].append(sample)
    ends, requeues = _sums(samples[PROCESSED.name]), _sums(samples[REQUEUED.name])
    waits, durations = (
        _histograms(samples[f"{name}_bucket"], samples[f"{name}_sum"])
        for name in (JOB_WAIT.name, JOB_DURATION.name)
    )
    nothing = Histogram((), (), 0.0)
    queues = {
        queue: QueuePage(
            completed=by_status["completed"],
            failed=by_status["failed"],
            requeued=sum(requeues[queue].values()),
            wait=waits.get(queue, nothing),
            duration=durations.get(queue, nothing),
        )
        for queue, by_status in ends.items()
    }
    return Page([sample.value for sample in samples[REDIS_UP.name]] == [1.0], queues)


def _queue(sample: Sample) -> QueueKey:
    return sample.labels["prefix"], sample.labels["queue"]


def _sums(samples: Iterable[Sample]) -> defaultdict[QueueKey, defaultdict[str, float]]:
    """Values by queue and by status, or by reason."""
    sums: defaultdict[QueueKey, defaultdict[str, float]] = defaultdict(lambda: defaultdict(float))
    for sample in samples:
        sums[_queue(sample)][sample.labels.get("status", sample.labels.get("reason", ""))] += sample.value
    return sums


def _histograms(buckets: Iterable[Sample], sums: Iterable[Sample]) -> dict[QueueKey, Histogram]:
    """A histogram by queue, added up over all other labels."""
    counts: defaultdict[QueueKey, defaultdict[float, float]] = defaultdict(lambda: defaultdict(float))
    totals: defaultdict[QueueKey, float] = defaultdict(float)
    for sample in buckets:
        counts[_queue(sample)][float(sample.labels["le"])] += sample.value
    for sample in sums:
        totals[_queue(sample)] += sample.value
    return {queue: _histogram(by_edge, totals[queue]) for queue, by_edge in counts.items()}


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
