"""What Bull's options do to waits, against closed forms and, for stalled jobs, against locks and checks played out."""

import math

import numpy as np
import pytest
from scipy import integrate, optimize, special

from planner.bull_options import Children, Delayed, JobOptions, Pause, Stalls
from planner.exact.erlang import exponential_wait
from planner.exact.limits import ceiling, overloads_of
from planner.fleet import Fleet, RateLimit
from planner.laws.arrivals import Poisson, Profile
from planner.laws.named import Deterministic, Exponential, Gamma
from planner.predict import predict
from planner.simulation.effort import Effort
from planner.simulation.fluid_control import FluidControl
from planner.simulation.replications import Simulation
from planner.workload import Life, Retries, Workload, life

QUICK = Effort(seconds=0.8, shortest=30_000, seed=7)
MANY = Fleet(200)


def figures(workload: Workload, fleet: Fleet, *names: str):
    """Simulated, also where a formula would know."""
    found = Simulation(workload, fleet, names, QUICK).run()
    return [found[name] for name in names]


def busy_period_tail(t: float, arrival_rate: float, service_rate: float) -> float:
    """P(busy period of M/M/1 > t): its density has a Bessel function (Kleinrock 1975, eq. 5.158)."""
    both, root = arrival_rate + service_rate, math.sqrt(arrival_rate * service_rate)
    scale = math.sqrt(service_rate / arrival_rate)

    def density(x: float) -> float:
        return scale / x * special.ive(1, 2.0 * x * root) * math.exp(-(both - 2.0 * root) * x)

    return integrate.quad(density, t, np.inf, limit=400)[0]


def test_last_come_first_served_waits_a_busy_period():
    """The mean is Erlang's; who waits at all waits until c slots have worked off all that came after."""
    slots, rate = 4, 3.2
    options = JobOptions(lifo=1.0)
    found = figures(
        Workload(Poisson(rate), Exponential(1.0), options=options), Fleet(slots), "mean_wait", "p99_wait"
    )
    truth = exponential_wait(slots, rate, 1.0)
    p99 = optimize.brentq(lambda t: truth.tail(0.0) * busy_period_tail(t, rate, slots) - 0.01, 0.01, 100.0)
    assert p99 > 1.5 * optimize.brentq(lambda t: truth.tail(t) - 0.01, 0.01, 100.0), "not that of a fair line"
    for figure, value in zip(found, (truth.mean, p99), strict=True):
        assert abs(figure.value - value) < 2.0 * figure.half_width < 0.1 * value


def test_delayed_jobs_of_bull_leave_a_poisson_stream_as_it_is():
    """Displaced points of a Poisson process are one again (Kingman 1993): nothing changes but when jobs are ready."""
    options = JobOptions(delayed=Delayed(0.3, Gamma(2.0, 40.0)))
    found = figures(
        Workload(Poisson(3.2), Exponential(1.0), options=options), Fleet(4), "mean_wait", "p95_wait"
    )
    truth = exponential_wait(4, 3.2, 1.0)
    p95 = optimize.brentq(lambda t: truth.tail(t) - 0.05, 0.01, 100.0)
    for figure, value in zip(found, (truth.mean, p95), strict=True):
        assert abs(figure.value - value) < 2.0 * figure.half_width < 0.1 * value


def test_due_jobs_that_join_late_change_no_mean():
    options = JobOptions(delayed=Delayed(0.3, Deterministic(40.0)), late_due=True)
    (mean,) = figures(Workload(Poisson(3.2), Exponential(1.0), options=options), Fleet(4), "mean_wait")
    assert abs(mean.value - exponential_wait(4, 3.2, 1.0).mean) < 2.0 * mean.half_width


def test_a_parent_ends_after_the_slowest_of_its_children():
    """Slots for all: three exponential children take 1 + 1/2 + 1/3 services until the last has ended."""
    workload = Workload(Poisson(2.0), Exponential(1.0), options=JobOptions(children=Children(1.0, 3)))
    assert workload.attempts_per_second == pytest.approx(8.0)
    (mean,) = figures(workload, MANY, "mean_completion_time")
    assert mean.value == pytest.approx((3.0 + 11.0 / 6.0 + 1.0) / 4.0, abs=2.0 * mean.half_width)


def test_a_pause_holds_back_who_comes_while_it_lasts():
    """Slots for all: only who comes in the pause waits, for what is left of it."""
    workload, fleet = Workload(Poisson(5.0), Exponential(1.0)), Fleet(500, pause=Pause(600.0, 100.0, 60.0))
    mean, share = figures(workload, fleet, "mean_wait", "prob_wait")
    assert mean.value == pytest.approx(60.0 / 600.0 * 30.0, abs=2.0 * mean.half_width)
    assert share.value == pytest.approx(0.1, abs=2.0 * share.half_width)


def test_the_control_beside_a_paused_queue_narrows_its_band_and_is_right_itself():
    """Its true mean is known (Campbell 1909); over many runs it strays around 0."""
    workload, fleet = Workload(Poisson(3.0), Gamma(0.5, 1.0)), Fleet(4, pause=Pause(1800.0, 600.0, 120.0))
    effort = Effort(most_jobs=700_000, half_width=1e-9, shortest=20_000, seed=11)
    beside, alone = (Simulation(workload, fleet, ("mean_wait",), effort) for _ in range(2))
    assert isinstance(beside.controls[0], FluidControl)
    alone.controls = beside.controls[1:]
    one, other = beside.run()["mean_wait"], alone.run()["mean_wait"]
    assert one.half_width < 0.6 * other.half_width
    assert abs(one.value - other.value) < 1.5 * (one.half_width + other.half_width)
    strayed = np.array([run.controls[:3] for run in beside.done])
    assert np.all(np.abs(strayed.mean(axis=0)) < 4.0 * strayed.std(axis=0, ddof=1) / np.sqrt(len(strayed)))


def test_a_pause_is_told_by_mean_rates():
    """Five jobs a second for a minute; ten slots do ten a second, five come: a minute until it is worked off."""
    (one,) = overloads_of(
        Workload(Poisson(5.0), Exponential(1.0)), Fleet(10, pause=Pause(600.0, 100.0, 60.0))
    )
    assert one.paused and (one.begins, one.ends) == pytest.approx((100.0, 160.0))
    assert (one.largest_backlog, one.drained) == pytest.approx((300.0, 220.0))


def test_a_pause_in_a_day_counts_with_the_hours_around_it():
    day = Profile((1.0, 3.0), 2.0, 1200.0)
    fleet = Fleet(4, pause=Pause(600.0, 0.0, 60.0))
    found = overloads_of(Workload(day, Exponential(1.0)), fleet)
    assert [one.begins for one in found] == pytest.approx([0.0, 600.0])
    assert [one.largest_backlog for one in found] == pytest.approx([60.0, 180.0])
    assert ceiling(Workload(day, Exponential(1.0)), fleet).per_second == pytest.approx(4.0 * 0.9)


def test_global_concurrency_is_a_fleet_of_that_size():
    workload = Workload(Poisson(3.2), Exponential(1.0))
    found = predict(workload, Fleet(30, processes=3, global_concurrency=4), ("mean_wait", "util"))
    assert found["mean_wait"] == pytest.approx(exponential_wait(4, 3.2, 1.0).mean)
    assert found["util"] == pytest.approx(0.8)
    assert ceiling(workload, Fleet(30, global_concurrency=3)).set_by == "global concurrency"


@pytest.mark.parametrize("kind", ["fixed", "exponential", "bull_exponential"])
def test_back_off_with_jitter_adds_its_mean(kind):
    """Slots for all: services and delays add up; jitter takes half of itself off on average."""
    retries = Retries(0.4, 4, 2.0, kind, jitter=0.6)
    (mean,) = figures(Workload(Poisson(2.0), Exponential(1.0), retries), MANY, "mean_completion_time")
    factors = {"fixed": (1, 1, 1), "exponential": (1, 2, 4), "bull_exponential": (1, 3, 7)}[kind]
    delays = sum(0.4**k * 2.0 * factor * 0.7 for k, factor in enumerate(factors, 1))
    assert mean.value == pytest.approx(retries.mean_attempts + delays, abs=2.0 * mean.half_width)


def played(stalls: Stalls, started: float, crashed: float, checks_from: float) -> float:
    """The libraries' own way, step by step: locks that are renewed, checks that mark and then find."""
    renewals = [started]
    while renewals[-1] + stalls.lock_seconds / 2 <= crashed:
        renewals.append(renewals[-1] + stalls.lock_seconds / 2)
    check, marked = checks_from, False
    while True:
        if marked and check >= renewals[-1] + stalls.lock_seconds:
            return check
        # A renewal takes the job out of the set of marked ones.
        marked = check > renewals[-1]
        check += stalls.check_seconds


@pytest.mark.parametrize(("lock", "check"), [(30.0, 30.0), (30.0, 7.0), (10.0, 45.0)])
def test_a_stalled_job_is_found_when_locks_and_checks_say(lock, check):
    stalls, random = Stalls(0.1, lock_seconds=lock, check_seconds=check), np.random.default_rng(5)
    worked, phase = random.random(3000) * 200.0, random.random(3000) * check
    theirs = [
        played(stalls, 0.0, w, (w - w % (lock / 2) + p) % check) - w
        for w, p in zip(worked, phase, strict=True)
    ]
    assert np.allclose(stalls.found_after(worked, phase), theirs)


def test_stalls_and_failures_end_a_job_each_in_its_own_way():
    """One attempt and no stall allowed; then two attempts and one stall, summed over all ways by hand."""
    assert life(None, Stalls(0.1, most=0)) == Life(1.0, pytest.approx(0.1), pytest.approx(0.1))
    r, f = 0.2, 0.3 * 0.8
    failed = r * r + 2 * r * r * f + f * f + 2 * r * f * f
    found = life(Retries(0.3, 2, 1.0), Stalls(0.2, most=1))
    assert found.failed == pytest.approx(failed)
    random = np.random.default_rng(3)
    assert found.starts == pytest.approx(np.mean([one_life(random) for _ in range(200_000)]), rel=0.01)


def one_life(random: np.random.Generator) -> int:
    starts = stalled = failed = 0
    while True:
        starts += 1
        if random.random() < 0.2:
            stalled += 1
            if stalled > 1:
                return starts
        elif random.random() < 0.3:
            failed += 1
            if failed == 2:
                return starts
        else:
            return starts


def test_a_crash_costs_half_a_service_and_the_time_until_it_is_found():
    """Slots for all, 30 s of work: a lock is 7.5 s old on average, the check that finds comes 15 + 30 s after it."""
    stalls = Stalls(0.02, most=50, restart_seconds=20.0)
    workload = Workload(Poisson(2.0), Deterministic(30.0), options=JobOptions(stalls=stalls))
    mean, used = figures(workload, MANY, "mean_completion_time", "util")
    crashes = 0.02 / 0.98
    assert mean.value == pytest.approx(30.0 + crashes * (15.0 + 45.0 - 7.5), abs=2.0 * mean.half_width)
    assert used.value == pytest.approx(2.0 * (30.0 + crashes * (15.0 + 20.0)) / 200.0)


def test_a_rate_limit_counts_the_starts_after_a_stall_and_of_children():
    options = JobOptions(children=Children(0.5, 2), stalls=Stalls(0.5, most=1))
    workload = Workload(Poisson(1.0), Exponential(0.1), options=options)
    assert workload.attempts_per_second == pytest.approx(2.0 * 1.5)
    assert not predict(workload, Fleet(50, rate_limit=RateLimit(29, 10.0)), ()).stable
    assert predict(workload, Fleet(50, rate_limit=RateLimit(31, 10.0)), ()).stable


def test_priorities_of_one_stream_are_told_exactly_and_simulated_alike():
    options = JobOptions(priorities=((0, 0.25), (1, 0.375), (7, 0.375)))
    workload = Workload(Poisson(8.0), Exponential(1.0), options=options)
    exact = predict(workload, Fleet(10), ("mean_wait_class2",))
    assert "exact" in exact.method
    (last,) = figures(Workload(Poisson(8.0), Gamma(1.0, 1.0), options=options), Fleet(10), "mean_wait_class2")
    assert abs(last.value - exact["mean_wait_class2"]) < 2.0 * last.half_width
    assert exact["mean_wait_class2"] == pytest.approx(0.40918015)
