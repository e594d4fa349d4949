"""This file knows what the demo's handlers saw themselves: the truth that the page is held against."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from exporter.demo_load import ATTEMPTS


@dataclass(slots=True)
class QueueTruth:
    """What the handlers of one queue did: attempts by how they ended, waits and durations in seconds."""

    completed: int = 0
    failed: int = 0
    requeued: int = 0
    cut_short: int = 0
    wait_seconds: list[float] = field(default_factory=list)
    duration_seconds: list[float] = field(default_factory=list)

    def ended(self, end: str, attempts_before: int, seconds: float) -> None:
        """Note one attempt; a failure with attempts left is a requeue, as BullMQ decides it."""
        self.duration_seconds.append(seconds)
        if end == "completed":
            self.completed += 1
        elif end == "fails" and attempts_before + 1 < ATTEMPTS:
            self.requeued += 1
        else:
            self.failed += 1


def mean(values: list[float]) -> float | None:
    """The mean, or None of nothing."""
    return sum(values) / len(values) if values else None


def quantile(values: Iterable[float], probability: float) -> float | None:
    """The smallest value that at least `probability` of all do not exceed, or None of nothing."""
    ordered = sorted(values)
    if not ordered:
        return None
    return ordered[max(0, math.ceil(probability * len(ordered)) - 1)]
