"""This file knows how a queue stands against the bounds in force, why, and which queue is worst."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from alerts.signals import DRAIN, FAILURES, LATENCY, OLDEST, SEVERITIES, Signal
from alerts.thresholds import Thresholds
from dashboard import amounts
from dashboard.capacity import QueueCapacity
from dashboard.queue_now import LEVELS, Level, QueueNow

LATE_SHARE = 0.05
"""A 95th percentile above a bound is more than this share of jobs above it."""
FEW_JOBS = 20
"""Fewer jobs make no rate: one failure of three is no 33 %."""
FULL = 0.95


@dataclass(frozen=True, slots=True)
class Standing:
    """A queue's level, and what is to be said of it, worst first."""

    queue: QueueNow
    capacity: QueueCapacity
    level: Level
    reasons: tuple[str, ...]

    @property
    def used_up(self) -> bool:
        """Whether it does all that it can."""
        return self.capacity.used is not None and self.capacity.used >= FULL

    @property
    def capacity_text(self) -> str:
        """`62 % of 5 slots`; a bound is said to be one."""
        slots, used = self.capacity.slots, amounts.share(self.capacity.used)
        counted = amounts.counted(slots.count or 0, "slot")
        return (
            f"at most {used} of at least {counted}" if slots.kind == "lower bound" else f"{used} of {counted}"
        )

    @property
    def text(self) -> str:
        return "; ".join(self.reasons) or "within all bounds"


def standings(
    queues: Sequence[QueueNow], capacities: Sequence[QueueCapacity], thresholds: Thresholds
) -> list[Standing]:
    """Worst first: by level, then by how full, then by what waits."""
    found = [_standing(queue, one, thresholds) for queue, one in zip(queues, capacities, strict=True)]
    return sorted(
        found,
        key=lambda one: (
            LEVELS.index(one.level),
            -(one.capacity.used or 0.0),
            -(one.queue.ready or 0.0),
            one.queue.name,
        ),
    )


def _standing(queue: QueueNow, capacity: QueueCapacity, thresholds: Thresholds) -> Standing:
    said = sorted(_judged(queue, capacity, thresholds), key=lambda pair: LEVELS.index(pair[0]))
    level: Level = said[0][0] if said else "fine"
    notes = ["paused"] if queue.paused else []
    return Standing(queue, capacity, level, (*notes, *(reason for _, reason in said)))


def _judged(queue: QueueNow, capacity: QueueCapacity, thresholds: Thresholds) -> Iterator[tuple[Level, str]]:
    waiting = queue.ready or 0.0
    if queue.workers == 0 and waiting:
        yield "critical", f"no workers, {amounts.jobs(waiting)} jobs wait"
    yield from _waits(queue, thresholds)
    if queue.finished is not None and queue.finished >= FEW_JOBS:
        text = f"{amounts.share(queue.failure_ratio)} of jobs fail"
        yield from _above(thresholds, FAILURES, queue.failure_ratio, text)
    if not queue.paused:
        oldest = queue.oldest_waiting_seconds
        yield from _above(thresholds, OLDEST, oldest, f"a job has waited for {amounts.seconds(oldest)}")
        yield from _above(
            thresholds,
            DRAIN,
            queue.drain_seconds,
            f"what waits takes {amounts.seconds(queue.drain_seconds)} to drain",
        )
    if (capacity.used or 0.0) >= FULL:
        yield "warning", f"{amounts.share(capacity.used)} of its ceiling is used"
    if queue.finished is None and not queue.waits:
        yield "unknown", "no events followed yet: waits, failures and pace can't be known"


def _waits(queue: QueueNow, thresholds: Thresholds) -> Iterator[tuple[Level, str]]:
    for severity in reversed(SEVERITIES):
        bound = thresholds.default(LATENCY, severity)
        late = None if bound is None else queue.waited_longer(bound)
        if bound is not None and late is not None and late > LATE_SHARE:
            yield severity, f"{amounts.share(late)} of jobs waited longer than {amounts.seconds(bound)}"
            return


def _above(
    thresholds: Thresholds, signal: Signal, value: float | None, text: str
) -> Iterator[tuple[Level, str]]:
    for severity in reversed(SEVERITIES):
        bound = thresholds.default(signal, severity)
        if bound is not None and value is not None and value > bound:
            yield severity, text
            return
