"""Knows how to ask a metrics page: one value, one histogram, the bucket in which a percentile lies."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families


@dataclass(frozen=True, slots=True)
class Histogram:
    """A histogram summed over the labels not asked for; buckets are cumulative, by upper edge in seconds."""

    buckets: Mapping[float, float]
    count: float
    sum_seconds: float

    def bucket_of(self, quantile: float) -> tuple[float, float]:
        """Edges (low, high] of the bucket that holds the observation of rank ceil(quantile × count)."""
        rank = max(1, math.ceil(quantile * self.count))
        low = 0.0
        for edge in sorted(self.buckets):
            if self.buckets[edge] >= rank:
                return low, edge
            low = edge
        raise AssertionError(f"no bucket reaches rank {rank} of {self.count}")


class Page:
    """One scrape, parsed by prometheus_client."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.families: dict[str, Metric] = {
            family.name: family for family in text_string_to_metric_families(text)
        }

    def values(self, name: str, **labels: str) -> list[float]:
        """Values of all samples called `name` that carry these labels."""
        family = self.families.get(name) or self.families.get(name.removesuffix("_total"))
        samples = family.samples if family else []
        return [
            sample.value
            for sample in samples
            if sample.name == name and labels.items() <= sample.labels.items()
        ]

    def value(self, name: str, **labels: str) -> float | None:
        """The one value with these labels, None when it is absent.

        Raises AssertionError when several samples carry them.
        """
        found = self.values(name, **labels)
        assert len(found) <= 1, f"{name}{labels} names {len(found)} samples"
        return found[0] if found else None

    def counts_by(self, name: str, by: tuple[str, ...], **labels: str) -> dict[tuple[str, ...], float]:
        """Observations of the histogram `name` by the values of the labels `by`; none where there are 0."""
        family = self.families.get(name)
        return {
            tuple(sample.labels[label] for label in by): sample.value
            for sample in (family.samples if family else [])
            if sample.name == f"{name}_count" and sample.value and labels.items() <= sample.labels.items()
        }

    def histogram(self, name: str, **labels: str) -> Histogram:
        """The histogram `name` summed over all series with these labels."""
        buckets: dict[float, float] = {}
        sums = {f"{name}_count": 0.0, f"{name}_sum": 0.0}
        family = self.families.get(name)
        for sample in family.samples if family else []:
            if not labels.items() <= sample.labels.items():
                continue
            if sample.name in sums:
                sums[sample.name] += sample.value
            else:
                edge = float(sample.labels["le"])
                buckets[edge] = buckets.get(edge, 0.0) + sample.value
        return Histogram(buckets, sums[f"{name}_count"], sums[f"{name}_sum"])
