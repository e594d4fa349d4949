"""Knows what the demo's plain values promise: the jobs it plans, and a comparison that notices a lost job."""

from __future__ import annotations

import math
import random
import statistics
from collections import Counter
from itertools import takewhile

import pytest

from exporter.demo.load import DAY_SECONDS, MEAN_JOBS_PER_HOUR, QUEUES, SPEED, planned_jobs
from exporter.demo.page import parse_page
from exporter.demo.summary import disagreements
from exporter.demo.truth import Between, QueueTruth, mean, quantile

PAGE = """\
# TYPE queue_jobs_processed_total counter
queue_jobs_processed_total{prefix="bull",queue="email",status="completed"} 3.0
queue_jobs_processed_total{prefix="bull",queue="email",status="failed"} 1.0
# TYPE queue_jobs_requeued_total counter
queue_jobs_requeued_total{prefix="bull",queue="email",reason="delayed"} 1.0
queue_jobs_requeued_total{prefix="bull",queue="email",reason="stalled"} 1.0
# TYPE queue_job_wait_seconds histogram
queue_job_wait_seconds_bucket{prefix="bull",queue="email",le="0.1"} 3.0
queue_job_wait_seconds_bucket{prefix="bull",queue="email",le="1.0"} 4.0
queue_job_wait_seconds_bucket{prefix="bull",queue="email",le="+Inf"} 4.0
queue_job_wait_seconds_sum{prefix="bull",queue="email"} 0.8
queue_job_wait_seconds_count{prefix="bull",queue="email"} 4.0
# TYPE queue_job_duration_seconds histogram
queue_job_duration_seconds_bucket{prefix="bull",queue="email",job_type="a",status="completed",le="1.0"} 3.0
queue_job_duration_seconds_bucket{prefix="bull",queue="email",job_type="a",status="completed",le="+Inf"} 3.0
queue_job_duration_seconds_sum{prefix="bull",queue="email",job_type="a",status="completed"} 1.5
queue_job_duration_seconds_bucket{prefix="bull",queue="email",job_type="b",status="requeued",le="1.0"} 3.0
queue_job_duration_seconds_bucket{prefix="bull",queue="email",job_type="b",status="requeued",le="+Inf"} 3.0
queue_job_duration_seconds_sum{prefix="bull",queue="email",job_type="b",status="requeued"} 1.5
# TYPE queue_redis_up gauge
queue_redis_up 1.0
"""


def seen(*seconds: float) -> list[Between]:
    """What handlers saw of these times, each to within a hundredth of a second."""
    return [Between(one - 0.005, one + 0.005) for one in seconds]


def truth(**changes: object) -> dict[str, QueueTruth]:
    agreed = {
        "completed": 3,
        "failed": 1,
        "requeued": 2,
        "waits": seen(0.05, 0.05, 0.05, 0.65),
        "durations": seen(0.5, 0.5, 0.5, 0.5, 0.5, 0.5),
    }
    return {"email": QueueTruth(**{**agreed, **changes})}


def test_a_page_that_says_what_the_handlers_saw_agrees():
    assert disagreements(parse_page(PAGE), truth()) == []


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"completed": 4}, "email: completed: page 3, handlers 4"),
        ({"failed": 0}, "email: failed: page 1, handlers 0"),
        ({"requeued": 3}, "email: requeued: page 2, handlers 3"),
        ({"waits": seen(0.2, 0.2, 0.2)}, "email: waits: page 4, handlers 3"),
        ({"durations": seen(0.5)}, "email: attempts: page 6, handlers 1"),
        (
            {"waits": seen(0.05, 0.05, 0.05, 0.69)},
            "email: wait: mean: page 200 ms, handlers 205-215 ms",
        ),
        (
            {"waits": seen(0.05, 0.05, 0.05, 0.61)},
            "email: wait: mean: page 200 ms, handlers 185-195 ms",
        ),
        (
            {"waits": seen(0.2, 0.2, 0.2, 0.08)},
            "email: wait: mean: page 200 ms, handlers 165-175 ms",
        ),
        (
            {"durations": seen(0.3, 0.3, 0.3, 0.3, 0.3, 1.5)},
            "email: time: p95: page 0-1 s, handlers 1.5-1.5 s",
        ),
    ],
)
def test_each_way_to_differ_is_told(changes, told):
    assert told in disagreements(parse_page(PAGE), truth(**changes))


def test_a_queue_that_is_missing_on_either_side_is_told():
    assert disagreements(parse_page(PAGE), {}) == ["email: on the page, but no queue of the demo"]
    assert disagreements(parse_page(""), truth()) == ["email: not on the page"]


def test_a_demo_day_has_as_many_jobs_as_promised_and_in_the_promised_mix():
    days = 20
    jobs = list(takewhile(lambda job: job.at_seconds < days * DAY_SECONDS, planned_jobs(random.Random(7))))
    expected = MEAN_JOBS_PER_HOUR / 3600 * SPEED * DAY_SECONDS * days
    counts = Counter(job.queue for job in jobs)
    for queue in QUEUES:
        share = sum(job_type.share for job_type in queue.job_types)
        # Jobs come in batches, so a count varies by the batch size more than a Poisson count does.
        batch = max(job_type.batch for job_type in queue.job_types)
        assert counts[queue.name] == pytest.approx(
            share * expected, abs=4 * math.sqrt(share * expected * batch)
        )


def test_the_mix_is_that_of_the_planning_example():
    shares = {queue.name: sum(kind.share for kind in queue.job_types) for queue in QUEUES}
    work = {q.name: sum(kind.share * kind.service_seconds for kind in q.job_types) for q in QUEUES}
    assert sum(shares.values()) == pytest.approx(1)
    means = {name: work[name] / shares[name] for name in shares}
    assert means["email"] == pytest.approx(0.8)
    assert means["notifications"] == pytest.approx(0.25)
    assert means["external-api-coordination"] == pytest.approx(2)
    assert means["reports"] == pytest.approx(20)
    assert means["route-optimization"] == pytest.approx(12)


def test_bounds_of_a_mean_and_of_a_quantile_hold_the_values_whatever_they_were():
    rng = random.Random(3)
    for size in (1, 2, 19, 20, 21, 40):
        values = [rng.expovariate(1) for _ in range(size)]
        bounds = [Between(value - rng.random() / 10, value + rng.random() / 10) for value in values]
        exact = min(value for value in values if sum(other <= value for other in values) >= 0.95 * size)
        assert quantile(bounds, 0.95).low <= exact <= quantile(bounds, 0.95).high
        assert mean(bounds).low <= statistics.fmean(values) <= mean(bounds).high
    assert quantile([], 0.95) is None
    assert mean([]) is None
