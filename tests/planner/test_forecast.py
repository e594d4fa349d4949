"""Proves that a forecast of made histories, whose law is known, errs as it says it does and less than its peer."""

from __future__ import annotations

import math
from zoneinfo import ZoneInfo

import numpy as np
import pytest
import yaml
from scipy import stats

from planner.file.queue_file import AskedQueue, read_document
from planner.forecast.hours import DAY_HOURS, HOUR, WEEK_HOURS, Hourly, slots_of_week
from planner.forecast.hours_ahead import Forecast, backtest, forecast, held_back, naive, relative_error
from planner.forecast.model import TooShortError, fit_model
from planner.forecast.staffing import breaks, load_borne, staffing, with_rate

MONDAY = 1_761_523_200.0  # Monday 2025-10-27 00:00 UTC
SEEDS = 30


def made(weeks: int, seed: int, level: float = 500.0, growth: float = 0.0, noise: float = 0.08) -> np.ndarray:
    """Busy days, quiet nights and weekends; each hour and each day off by some per cent, then Poisson."""
    random, hours = np.random.default_rng(seed), np.arange(weeks * WEEK_HOURS)
    shape = 1 + 0.8 * np.sin((hours % 24 - 9) / 24 * 2 * np.pi)
    shape *= np.where((hours // 24) % 7 < 5, 1.2, 0.5) * (1 + growth) ** (hours / WEEK_HOURS)
    days = np.exp(random.normal(0, 0.06, weeks * 7)).repeat(24)
    return random.poisson(level * shape * days * np.exp(random.normal(0, noise, len(hours)))).astype(float)


def test_the_monday_of_these_tests_is_one() -> None:
    assert slots_of_week(MONDAY, 2).tolist() == [0, 1]


@pytest.mark.parametrize("weeks", [1, 2, 3, 6, 12])
def test_hours_and_peaks_lie_in_their_bands_about_as_often_as_they_say_and_the_peer_errs_more(
    weeks: int,
) -> None:
    inside, peaks, errors, peers = [], 0, [], []
    for seed in range(SEEDS):
        counts = made(weeks + 1, seed, growth=0.02)
        past, truth = Hourly(MONDAY, counts[: weeks * WEEK_HOURS]), counts[weeks * WEEK_HOURS :]
        ahead = forecast(past).ahead
        inside.append(float(((truth >= ahead.low) & (truth <= ahead.high)).mean()))
        peaks += ahead.peak.low <= truth.max() <= ahead.peak.high
        errors.append(relative_error(truth, ahead.expected))
        peers.append(relative_error(truth, naive(past, WEEK_HOURS)))
    assert 0.85 < np.mean(inside) < (0.98 if weeks > 1 else 0.995), (
        "one week can't tell a weekend from chance"
    )
    assert stats.binomtest(peaks, SEEDS, 0.9).pvalue > 0.01
    assert np.mean(errors) < 0.85 * np.mean(peers)


def test_the_hours_held_back_are_foretold_without_being_seen() -> None:
    counts = made(6, 3)
    changed = counts.copy()
    changed[-WEEK_HOURS:] *= 3
    history, other = Hourly(MONDAY, counts), Hourly(MONDAY, changed)
    assert held_back(history) == WEEK_HOURS
    one, two = backtest(history, WEEK_HOURS), backtest(other, WEEK_HOURS)
    assert one.peak == two.peak and one.coverage > 0.8 > 0.3 > two.coverage
    assert two.peak_seen == 3 * one.peak_seen


def test_growth_is_found_when_it_is_there_and_not_when_it_is_chance() -> None:
    assert fit_model(Hourly(MONDAY, made(10, 1, growth=0.05))).growth == pytest.approx(0.05, abs=0.02)
    flat = [fit_model(Hourly(MONDAY, made(10, seed))).growth for seed in range(20)]
    assert sum(growth != 0.0 for growth in flat) <= 4, "by chance one of twenty"


def test_the_profile_is_the_one_that_made_the_history() -> None:
    history = Hourly(MONDAY, made(8, 2, level=5000, noise=0.02))
    profile = fit_model(history).profile.reshape(7, 24)
    assert profile.mean() == pytest.approx(1.0)
    assert profile[:5].mean() / profile[5:].mean() == pytest.approx(1.2 / 0.5, rel=0.1)
    assert profile.mean(axis=0).argmax() in (14, 15, 16) and profile.mean(axis=0).argmin() in (2, 3, 4)


def test_hours_are_those_of_the_wall_clock_so_that_summer_time_moves_nothing() -> None:
    zone = ZoneInfo("Europe/Berlin")
    start = 1_759_183_200.0  # Tuesday 2025-09-30 00:00 in Berlin; the clocks go back on 26 October
    hours = 5 * WEEK_HOURS
    busy = slots_of_week(start, hours, zone) % DAY_HOURS == 9
    ahead = forecast(Hourly(start, np.where(busy, 900.0, 100.0)), zone=zone).ahead
    slots = slots_of_week(ahead.start, WEEK_HOURS, zone) % DAY_HOURS
    assert set(slots[ahead.expected > 500]) == {9}


def test_unknown_hours_are_left_out_and_told() -> None:
    counts = made(6, 4)
    holes = counts.copy()
    holes[np.random.default_rng(1).choice(len(counts), 100, replace=False)] = np.nan
    whole, patchy = forecast(Hourly(MONDAY, counts)), forecast(Hourly(MONDAY, holes))
    assert relative_error(whole.ahead.expected, patchy.ahead.expected) < 0.05
    assert any("100 of 1008 hours are unknown" in doubt for doubt in patchy.doubts)


def test_three_days_are_enough_for_a_day_and_fewer_are_refused_with_what_is_needed() -> None:
    short = forecast(Hourly(MONDAY, made(1, 5)[:72]))
    assert short.holdout is None
    assert any("every day is taken alike" in doubt for doubt in short.doubts)
    assert any("was not tried" in doubt for doubt in short.doubts)
    with pytest.raises(TooShortError, match="30 hours are known; 72 are the least"):
        forecast(Hourly(MONDAY, made(1, 5)[:30]))


def test_from_one_week_the_days_ahead_are_foretold_from_all_of_it_not_from_its_sunday() -> None:
    for seed in range(5):
        counts = made(2, seed)
        ahead = forecast(Hourly(MONDAY, counts[:WEEK_HOURS])).ahead
        truth = counts[WEEK_HOURS:]
        assert ahead.expected.sum() == pytest.approx(truth.sum(), rel=0.15)
        assert ahead.peak.low <= truth.max() <= ahead.peak.high
        # A Saturday and a Monday of the past were as far off as those ahead will be.
        assert np.mean((truth >= ahead.low) & (truth <= ahead.high)) > 0.9


def test_one_seed_gives_one_answer_and_weeks_further_ahead_are_less_sure() -> None:
    history = Hourly(MONDAY, made(10, 6))
    assert forecast(history).ahead.peak == forecast(history).ahead.peak
    ahead = forecast(history, weeks=4).ahead
    width = (ahead.high - ahead.low) / ahead.expected
    assert len(ahead.expected) == 4 * WEEK_HOURS
    assert width[-WEEK_HOURS:].mean() >= width[:WEEK_HOURS].mean()


def test_a_queue_that_never_has_jobs_is_foretold_none() -> None:
    ahead = forecast(Hourly(MONDAY, np.zeros(3 * WEEK_HOURS))).ahead
    assert ahead.expected.max() == 0.0 and ahead.peak.jobs <= 1.0


# --- what the hours ask of a queue --------------------------------------------------------------------------------

QUEUE = """
queues: [{name: email, slots: 6, jobs_per_hour: 100, service: {law: exponential, mean: 20s}}]
objectives: {p95_wait: 30s}
"""


def queue() -> AskedQueue:
    [asked] = read_document("fleet.yaml", QUEUE, yaml.safe_load(QUEUE)).queues
    return asked


def p95_wait(per_second: float, mean: float, slots: int) -> float:
    """Erlang's C summed as he wrote it down: shares nothing with the planner."""
    load = per_second * mean
    if load >= slots:
        return math.inf
    last = load**slots / math.factorial(slots) * slots / (slots - load)
    waits = last / (sum(load**k / math.factorial(k) for k in range(slots)) + last)
    return max(0.0, math.log(waits / 0.05) * mean / (slots - load))


def ahead_of(counts: np.ndarray) -> Forecast:
    return forecast(Hourly(MONDAY, counts))


def test_the_load_that_slots_bear_is_the_one_at_which_the_objective_breaks() -> None:
    borne = load_borne(queue())
    assert p95_wait(borne, 20.0, 6) <= 30.0 < p95_wait(1.02 * borne, 20.0, 6)


def test_slots_by_the_hour_meet_the_objective_and_follow_the_load() -> None:
    ahead = ahead_of(made(4, 7)).ahead
    found = staffing(queue(), ahead)
    assert (found.high >= found.expected).all()
    for hour in range(0, WEEK_HOURS, 7):
        slots, rate = int(found.expected[hour]), ahead.expected[hour] / HOUR
        assert p95_wait(rate, 20.0, slots) <= 30.0
        assert p95_wait(rate * 1.1, 20.0, slots - 1) > 30.0, "no more than a tenth more would need"


def test_the_hour_that_breaks_the_objective_is_the_first_beyond_the_load_borne() -> None:
    ahead = ahead_of(made(4, 8)).ahead
    found = breaks(queue(), ahead)
    later = np.flatnonzero(ahead.expected > found.jobs_per_hour)
    assert found.jobs_per_hour == pytest.approx(load_borne(queue()) * HOUR)
    assert found.expected_at == ahead.start + later[0] * HOUR
    assert found.possible_at is not None and found.possible_at <= found.expected_at
    calm = ahead_of(made(4, 8, level=5.0)).ahead
    assert breaks(queue(), calm).expected_at is None


def test_the_same_work_at_another_rate_is_only_another_rate() -> None:
    given = queue().question.workload
    other = with_rate(given, 3.0)
    assert other.arrivals.per_second == 3.0 and other.service == given.service
