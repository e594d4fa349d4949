"""Knows how near times must come to what workers measured: the bucket of the truth, and the sum."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tests.exporter.truth.conftest import Seen
from tests.exporter.truth.notes import Span
from tests.exporter.truth.page import Histogram
from tests.exporter.truth.runs import Run

QUANTILES = (0.5, 0.95, 0.99)
# A true value this near to an edge may be found in the bucket on its other side.
EDGE_SECONDS = 0.003
SUM_RATIO = 0.01
SUM_SECONDS_PER_JOB = 0.002
# Node workers hold a job 2.2 ms longer than its handler works when the machine is calm (measured here).
CALM_SECONDS = 0.003


def ranked(values: Sequence[float], rank: int) -> float:
    """The observation of a rank from 1 on; one beyond the last has no bound, one before the first is 0."""
    if rank > len(values):
        return math.inf
    return sorted(values)[rank - 1] if rank >= 1 else 0.0


def hold_seconds(run: Run) -> float:
    """How much longer than its handler a worker held a job, on the mean: it grows when the machine is busy."""
    attempts = [attempt for queue in run.queues.values() for attempt in queue.measured]
    return sum(attempt.span.high - attempt.span.low for attempt in attempts) / len(attempts)


def late(run: Run) -> float:
    """How late Bull's messages, which carry no times, may be heard: as late as a program that does nothing else."""
    return run.late_seconds if run.library in ("bull3", "bull4") else 0.0


def may_be_later(run: Run, count: int) -> int:
    """How many of `count` times may be later still on a busy machine: one message in a hundred, two a time."""
    return math.ceil(count / 50) if late(run) > CALM_SECONDS else 0


def assert_same_buckets(found: Histogram, truth: Sequence[Span], run: Run) -> None:
    for share in QUANTILES:
        rank = max(1, math.ceil(share * len(truth)))
        slack = may_be_later(run, len(truth))
        low = ranked([span.low for span in truth], rank - slack) - EDGE_SECONDS - late(run)
        high = ranked([span.high for span in truth], rank + slack) + EDGE_SECONDS + late(run)
        below, above = found.bucket_of(share)
        assert below < high and low <= above, (
            f"p{share:.0%} is in {below}–{above} s, in truth {low:.4f}–{high:.4f} s"
        )


def assert_same_sum(found: Histogram, truth: Sequence[Span], run: Run) -> None:
    low, high = sum(span.low for span in truth), sum(span.high for span in truth)
    allowed = max(SUM_RATIO * high, SUM_SECONDS_PER_JOB * len(truth)) + late(run) * len(truth)
    assert low - allowed <= found.sum_seconds <= high + allowed, (
        f"sum {found.sum_seconds:.4f} s, in truth {low:.4f}–{high:.4f} s"
    )


def assert_as_measured(found: Histogram, truth: Sequence[Span], run: Run) -> None:
    assert found.count == len(truth)
    if truth:
        assert_same_buckets(found, truth, run)
        assert_same_sum(found, truth, run)


def test_durations_are_those_that_handlers_measured(seen: Seen) -> None:
    for status in ("completed", "failed", "requeued"):
        truth = [attempt.span for attempt in seen.truth.measured if attempt.outcome == status]
        found = seen.page.histogram("queue_job_duration_seconds", status=status, **seen.labels)
        assert_as_measured(found, truth, seen.run)


def test_waits_are_those_between_ready_and_first_start(seen: Seen) -> None:
    found = seen.page.histogram("queue_job_wait_seconds", **seen.labels)
    assert_as_measured(found, seen.truth.waits(), seen.run)


def test_squares_agree_with_what_handlers_measured(seen: Seen) -> None:
    found = sum(seen.page.values("queue_job_duration_square_seconds_total", **seen.labels))
    spans = [attempt.span for attempt in seen.truth.measured]
    margin = SUM_SECONDS_PER_JOB + late(seen.run)
    low = sum(max(0.0, span.low - margin) ** 2 for span in spans)
    assert low <= found <= sum((span.high + margin) ** 2 for span in spans)


def test_over_all_queues_the_sum_is_what_handlers_alone_measured(run: Run) -> None:
    attempts = [attempt for queue in run.queues.values() for attempt in queue.measured]
    found = run.page.histogram("queue_job_duration_seconds", prefix=run.prefix)
    assert found.count == len(attempts)
    handlers = [Span(attempt.seconds, attempt.seconds) for attempt in attempts]
    # Where the worker itself was slow to hear of its handlers' ends, Redis was not told sooner either.
    truth = handlers if hold_seconds(run) <= CALM_SECONDS else [attempt.span for attempt in attempts]
    assert_same_sum(found, truth, run)
