"""Processes that crash with all their jobs: each job starts when SimPy starts it, and what a crash costs on average."""

from dataclasses import replace

import numpy as np
import pytest

from planner.bull_options import Crashes, JobOptions, Pause
from planner.fleet import Fleet, RateLimit
from planner.laws.arrivals import Poisson
from planner.laws.named import Deterministic, Exponential, Lognormal
from planner.predict import predict
from planner.simulation.bull_draws import crashing, made, pauses
from planner.simulation.bull_rules import joins_late, order_of_start
from planner.simulation.crashes import crashed_life
from planner.simulation.effort import Effort
from planner.simulation.queue_run import run
from planner.simulation.runs import draw
from planner.workload import Retries, Workload
from tests.planner.bull_twin import Rules, Twin
from tests.planner.bull_twin_jobs import per_attempt, twin_crashes, twin_jobs

JOBS = 1500
CRASHES = Crashes(8.0, most=1, lock_seconds=3.0, check_seconds=2.0, restart_seconds=4.0)
QUICK = Effort(seconds=0.0, round_size=4, rounds_at_least=1, shortest=4_000)
SHARES = {0: 0.6, 1: 0.1, 3: 0.3}


@pytest.mark.parametrize("limit", [None, RateLimit(12, 2.0)])
@pytest.mark.parametrize(("family", "major"), [("bullmq", 5), ("bull", 4)])
def test_simpy_starts_every_job_of_a_fleet_that_crashes_when_we_do(family, major, limit):
    values = order_of_start(SHARES, family, major)
    given = JobOptions(
        priorities=tuple((value, SHARES[value]) for value in values),
        lifo=0.2,
        crashes=CRASHES,
        late_due=joins_late(family, major),
    )
    workload = Workload(
        Poisson(3.0), Lognormal(-0.5, 1.0), Retries(0.2, 3, 0.7, "exponential"), options=given
    )
    random = np.random.default_rng(4)
    jobs = made(workload, draw(workload, random, JOBS), random).jobs
    fleet, until = Fleet(7, processes=3, rate_limit=limit), float(jobs.ready[-1])
    lost, closed = crashing(given, fleet, until, random), pauses(Pause(60.0, 20.0, 5.0), until)
    assert lost is not None and len(lost.times) > 20
    rules = Rules(
        own_set=family == "bullmq",
        late=given.late_due,
        slots=7,
        most=limit.max if limit else None,
        window=limit.window_seconds if limit else 0.0,
        pauses=closed,
        crashes=twin_crashes(lost, [3, 2, 2]),
    )
    ours = run(jobs, fleet, closed, given.late_due, lost)
    assert not np.isnan(ours.finished).any(), "every job ends"
    twin = Twin(twin_jobs(jobs, values), rules)
    theirs = per_attempt(jobs, twin.play())
    assert len(ours.again_jobs) > 20, "jobs start again"
    assert np.isnan(theirs).any(), "some have crashed too often for their last attempts"
    assert np.allclose(ours.waits, theirs, atol=1e-7, equal_nan=True)
    again = sorted(zip(ours.again_jobs.tolist(), ours.again_waits.tolist(), strict=True))
    assert np.allclose(again, sorted(twin.again), atol=1e-7)
    assert all(job.crashes <= 2 for job in twin.jobs)


def test_what_a_crash_costs_is_known_without_a_run():
    # Work of 10 s meets a crash each 100 s: h = 1 - exp(-0.1). It starts again once.
    hit = -np.expm1(-0.1)
    once = crashed_life(Deterministic(10.0), Crashes(100.0, most=1), 0.0, 1)
    assert once.starts == pytest.approx(1.0 + hit)
    assert once.failed == pytest.approx(hit**2)
    assert once.held_seconds == pytest.approx(100.0 * (hit + hit**2))
    # Exponential work is cut short with chance mean / (mean + every); so long it goes on anew, memory it has none.
    free = crashed_life(Exponential(10.0), Crashes(100.0, most=0), 0.0, 1)
    assert free.failed == pytest.approx(10.0 / 110.0, rel=1e-4)
    assert free.held_seconds == pytest.approx(100.0 * 10.0 / 110.0, rel=1e-4)


@pytest.mark.parametrize("service", [Exponential(8.0), Lognormal(1.6, 0.9)])
def test_starts_crashes_and_failures_of_a_run_are_those_that_were_foretold(service):
    crashes = replace(CRASHES, every_seconds=60.0)
    workload = Workload(Poisson(0.5), service, Retries(0.3, 2, 5.0), options=JobOptions(crashes=crashes))
    fleet, random = Fleet(12, processes=3), np.random.default_rng(8)
    drawn = draw(workload, random, 20_000)
    jobs = made(workload, drawn, random).jobs
    out = run(jobs, fleet, crashing=crashing(workload.options, fleet, float(jobs.ready[-1]), random))
    foretold, count = workload.life, len(jobs.ready)
    starts = (~np.isnan(out.waits)).sum() + len(out.again_waits)
    assert starts / count == pytest.approx(foretold.starts, rel=0.02)
    found = predict(workload, fleet, ("mean_wait", "util"), QUICK)
    assert found["util"] == pytest.approx(workload.offered_load / 12) and found["mean_wait"] > 0.0


def test_a_fleet_that_is_away_half_of_the_time_carries_half_the_load():
    crashes = Crashes(100.0, restart_seconds=100.0)
    workload = Workload(Poisson(1.0), Deterministic(0.1), options=JobOptions(crashes=crashes))
    assert workload.offered_load == pytest.approx(0.2, rel=2e-3)
