"""This file knows what a metric family is."""

from dataclasses import dataclass
from enum import StrEnum

from exporter.groups import Group


class Kind(StrEnum):
    """Prometheus metric types that are used."""

    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric family. `labels` are those beside `prefix` and `queue`, which every per-queue metric has."""

    group: Group | None
    """What it is asked for with; None where it is on every page."""
    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    per_queue: bool = True
    buckets: tuple[float, ...] = ()

    @property
    def all_labels(self) -> tuple[str, ...]:
        return (("prefix", "queue") if self.per_queue else ()) + self.labels
