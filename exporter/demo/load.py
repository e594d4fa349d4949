"""This file knows what the demo's jobs are: queues, service times, failures and the shape of a day.

Eight queues of a fleet that is to grow from 1,000 to 10,000 jobs an hour. The slots of the first four are its
own; the mix, and the slots of the last four, which it does not list, are our assumption.
"""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass

# Work runs ten times as fast as life, so that a minute shows a thousand jobs. Service times, gaps, delays and
# back-offs all shrink alike: utilisation, and the ratio of waiting to working, stay as in life.
SPEED = 10.0
# Half of the planned 10,000 jobs an hour on average; the cosine below then reaches 10,000 at the day's peak.
MEAN_JOBS_PER_HOUR = 5_000.0
DAY_SECONDS = 240.0
FIRST_HOUR = 8.0
PEAK_HOUR = 14.0
ATTEMPTS = 3
BACKOFF_SECONDS = 5.0
# Squared coefficient of variation of the service times of one job type: constant is 0, exponential is 1.
SERVICE_SCV = 0.5


@dataclass(frozen=True, slots=True)
class JobType:
    """One kind of job; `share` is of all jobs, times are those of life, before `SPEED`."""

    name: str
    share: float
    service_seconds: float
    fails: float = 0.02
    hopeless: float = 0.0
    delay_seconds: float = 0.0
    priority: int = 0
    batch: int = 1
    payload_bytes: int = 400


@dataclass(frozen=True, slots=True)
class DemoQueue:
    """A queue, the slots that serve it, and what comes in; a scheduler adds `every_seconds` jobs on top."""

    name: str
    slots: int
    job_types: tuple[JobType, ...]
    every_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class PlannedJob:
    """A job to add at `at_seconds` of the demo's clock; each try is its demo seconds and its end."""

    at_seconds: float
    queue: str
    job_type: str
    tries: tuple[tuple[float, str], ...]
    delay_seconds: float
    priority: int
    payload_bytes: int


QUEUES = (
    DemoQueue(
        "email",
        5,
        (
            JobType("invoice", 0.10, 0.9, hopeless=0.01, priority=5, payload_bytes=4_000),
            JobType("pickup-reminder", 0.15, 0.8, delay_seconds=60.0, priority=10),
            JobType("password-reset", 0.05, 0.6, priority=1),
        ),
    ),
    DemoQueue(
        "reports",
        2,
        (
            JobType("contract-report", 0.022, 15.0, priority=5, payload_bytes=30_000),
            JobType("annual-report", 0.008, 33.75, fails=0.05, priority=10, payload_bytes=900_000),
        ),
    ),
    DemoQueue(
        "notifications",
        10,
        (
            JobType("driver-push", 0.25, 0.2, priority=1),
            JobType("customer-sms", 0.10, 0.3, hopeless=0.02, priority=5),
            JobType("route-changed", 0.05, 0.4, priority=1, batch=20),
        ),
    ),
    DemoQueue("route-optimization", 1, (JobType("day-routes", 0.02, 12.0, payload_bytes=120_000),)),
    DemoQueue(
        "data-sync",
        2,
        (JobType("contracts", 0.03, 1.2), JobType("gps-tracks", 0.02, 1.95, payload_bytes=60_000)),
    ),
    DemoQueue("cleanup", 1, (JobType("expired-sessions", 0.02, 5.0, batch=3),), every_seconds=60.0),
    DemoQueue("analytics", 2, (JobType("daily-figures", 0.03, 3.0, payload_bytes=8_000),)),
    DemoQueue(
        "external-api-coordination",
        5,
        (
            JobType("weighbridge", 0.06, 1.5, fails=0.06, priority=5),
            JobType("payment", 0.05, 2.0, fails=0.04, hopeless=0.01, priority=1),
            JobType("recycler", 0.04, 2.75, fails=0.10, priority=10, payload_bytes=2_000),
        ),
    ),
)


def hour_of_day(demo_seconds: float) -> float:
    """The hour, 0 to 24, that the demo's day shows at `demo_seconds` after the start."""
    return (FIRST_HOUR + 24 * demo_seconds / DAY_SECONDS) % 24


def arrival_rate(demo_seconds: float) -> float:
    """Jobs a second, schedulers aside: a cosine over the day, from none at night to twice the mean."""
    swing = math.cos(2 * math.pi * (hour_of_day(demo_seconds) - PEAK_HOUR) / 24)
    return MEAN_JOBS_PER_HOUR / 3600 * SPEED * (1 + swing)


def planned_jobs(rng: random.Random) -> Iterator[PlannedJob]:
    """The endless list of jobs in order of time: a Poisson process with `arrival_rate`, made by thinning."""
    types = [(queue, job_type) for queue in QUEUES for job_type in queue.job_types]
    weights = [job_type.share / job_type.batch for _, job_type in types]
    peak_rate = 2 * MEAN_JOBS_PER_HOUR / 3600 * SPEED
    peak_batches = peak_rate * sum(weights) / sum(job_type.share for _, job_type in types)
    now = 0.0
    while True:
        now += rng.expovariate(peak_batches)
        if rng.random() < arrival_rate(now) / peak_rate:
            queue, job_type = rng.choices(types, weights)[0]
            for _ in range(job_type.batch):
                yield _planned(queue, job_type, now, rng)


def scheduled_tries(queue: DemoQueue) -> tuple[tuple[float, str], ...]:
    """What each run of the queue's scheduler does: one try of the mean length that works."""
    return ((queue.job_types[0].service_seconds / SPEED, "completed"),)


def _planned(queue: DemoQueue, job_type: JobType, now: float, rng: random.Random) -> PlannedJob:
    return PlannedJob(
        at_seconds=now,
        queue=queue.name,
        job_type=job_type.name,
        tries=tuple(_tries(job_type, rng)),
        delay_seconds=job_type.delay_seconds / SPEED,
        priority=job_type.priority,
        payload_bytes=round(_lognormal(job_type.payload_bytes, 1.0, rng)),
    )


def _tries(job_type: JobType, rng: random.Random) -> Iterator[tuple[float, str]]:
    for _ in range(ATTEMPTS):
        seconds = _lognormal(job_type.service_seconds, SERVICE_SCV, rng) / SPEED
        end = _end(job_type, rng.random())
        yield seconds, end
        if end != "fails":
            return


def _end(job_type: JobType, draw: float) -> str:
    if draw < job_type.hopeless:
        return "hopeless"
    return "fails" if draw < job_type.hopeless + job_type.fails else "completed"


def _lognormal(mean: float, scv: float, rng: random.Random) -> float:
    sigma_squared = math.log1p(scv)
    return rng.lognormvariate(math.log(mean) - sigma_squared / 2, math.sqrt(sigma_squared))
