"""All of Bull's rules at once: every job starts when SimPy starts it, which plays the libraries' own lists and sets."""

import numpy as np
import pytest

from planner.bull_options import Children, Delayed, JobOptions, Pause, Stalls
from planner.fleet import Fleet, RateLimit
from planner.laws.arrivals import Poisson
from planner.laws.named import Exponential, Lognormal
from planner.simulation.bull_draws import made, pauses
from planner.simulation.bull_rules import joins_late, order_of_start
from planner.simulation.queue_run import run
from planner.simulation.runs import draw
from planner.workload import Retries, Workload
from tests.planner.bull_twin import Rules, Twin
from tests.planner.bull_twin_jobs import per_attempt, twin_jobs

JOBS = 1500
SHARES = {0: 0.6, 1: 0.1, 3: 0.3}
STALLS = Stalls(0.03, most=1, lock_seconds=3.0, check_seconds=2.0, restart_seconds=1.5)
LIMIT = RateLimit(12, 2.0)
PAUSE = Pause(60.0, 20.0, 5.0)


def options(family: str, major: int) -> JobOptions:
    return JobOptions(
        priorities=tuple((value, SHARES[value]) for value in order_of_start(SHARES, family, major)),
        lifo=0.3,
        delayed=Delayed(0.2, Exponential(4.0)),
        children=Children(0.1, 2),
        stalls=STALLS,
        late_due=joins_late(family, major),
    )


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("limit", [None, LIMIT])
@pytest.mark.parametrize(("family", "major"), [("bullmq", 5), ("bull", 4)])
@pytest.mark.parametrize("backoff", ["fixed", "exponential"])
def test_simpy_starts_every_job_when_we_do(family, major, limit, seed, backoff):
    given = options(family, major)
    delay = 0.0 if backoff == "fixed" else 0.7  # no delay: tried again at once
    retries = Retries(0.2, 3, delay, backoff, jitter=0.5)
    workload = Workload(Poisson(3.0), Lognormal(-0.5, 1.0), retries, options=given)
    random = np.random.default_rng(seed)
    jobs = made(workload, draw(workload, random, JOBS), random).jobs
    closed = pauses(PAUSE, float(jobs.ready[-1]))
    fleet = Fleet(5, rate_limit=limit)
    rules = Rules(
        own_set=family == "bullmq",
        late=given.late_due,
        slots=fleet.slots,
        most=limit.max if limit else None,
        window=limit.window_seconds if limit else 0.0,
        pauses=closed,
    )
    ours = run(jobs, fleet, closed, given.late_due)
    assert not np.isnan(ours.finished).any(), "every job ends"
    twin = Twin(twin_jobs(jobs, [value for value, _ in given.priorities]), rules)
    theirs = per_attempt(jobs, twin.play())
    assert np.nanmax(ours.waits) > 1.0, "there is a queue"
    assert np.allclose(ours.waits, theirs, atol=1e-7, equal_nan=False)
