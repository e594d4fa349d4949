"""This file knows what the demo's handlers saw themselves: the truth that the page is held against.

The page has the server's times. A handler cannot see those, but can bound them: the server noted an end after
the handler's work was done and before the client was told so. That holds however busy the machine is.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from exporter.demo.load import ATTEMPTS


@dataclass(frozen=True, slots=True)
class Between:
    """The least and the most, in seconds, that a time can have been."""

    low: float
    high: float


@dataclass(slots=True)
class QueueTruth:
    """What the handlers of one queue did: attempts by how they ended, waits and durations of attempts."""

    completed: int = 0
    failed: int = 0
    requeued: int = 0
    cut_short: int = 0
    waits: list[Between] = field(default_factory=list)
    durations: list[Between] = field(default_factory=list)

    def ended(self, end: str, attempts_before: int) -> None:
        """Count one attempt; a failure with attempts left is a requeue, as BullMQ decides it."""
        if end == "completed":
            self.completed += 1
        elif end == "fails" and attempts_before + 1 < ATTEMPTS:
            self.requeued += 1
        else:
            self.failed += 1


def mean(times: Sequence[Between]) -> Between | None:
    """Bounds of the mean, or None of nothing."""
    if not times:
        return None
    return Between(sum(one.low for one in times) / len(times), sum(one.high for one in times) / len(times))


def quantile(times: Sequence[Between], probability: float) -> Between | None:
    """Bounds of the smallest time that at least `probability` of all do not exceed, or None of nothing."""
    if not times:
        return None
    return Between(
        *(_at(probability, values) for values in zip(*((t.low, t.high) for t in times), strict=True))
    )


def _at(probability: float, values: Iterable[float]) -> float:
    ordered = sorted(values)
    return ordered[max(0, math.ceil(probability * len(ordered)) - 1)]
