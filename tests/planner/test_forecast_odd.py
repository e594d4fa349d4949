"""Proves that histories which are not tidy are forecast honestly: closed nights, holes, odd hours, memory."""

from __future__ import annotations

import numpy as np
import pytest

from planner.forecast.band import measure_band
from planner.forecast.hours import WEEK_HOURS, Hourly
from planner.forecast.hours_ahead import look_ahead, naive
from planner.forecast.model import fit_model, period_levels
from planner.forecast.scatter import scatter_of
from tests.bench.forecast_laws import heavy_days, outages, zero_nights

MONDAY = 1_761_523_200.0  # Monday 2025-10-27 00:00 UTC
HOURS = np.arange(4 * WEEK_HOURS)
SHAPE = 1 + 0.8 * np.sin((HOURS % 24 - 9) / 24 * 2 * np.pi)


def test_hours_in_which_nothing_ever_comes_do_not_narrow_the_band_of_the_others() -> None:
    inside = []
    for seed in range(12):
        made = zero_nights(np.random.default_rng(seed), 4 * WEEK_HOURS)
        past, truth = Hourly(made.start, made.counts[:-WEEK_HOURS]), made.counts[-WEEK_HOURS:]
        ahead, is_open = look_ahead(past, WEEK_HOURS), made.open_hours[-WEEK_HOURS:]
        inside.append(float(((truth >= ahead.low) & (truth <= ahead.high))[is_open].mean()))
        assert ahead.expected[~is_open].max() == 0.0
    assert 0.85 < np.mean(inside) < 0.98


def test_one_odd_hour_is_no_habit() -> None:
    counts = np.random.default_rng(1).poisson(500 * SHAPE).astype(float)
    odd = counts.copy()
    odd[3 * WEEK_HOURS + 63] *= 4
    usual, told = (fit_model(Hourly(MONDAY, each)) for each in (counts, odd))
    assert told.profile[63] == pytest.approx(usual.profile[63], rel=0.1)
    habit = counts.copy()
    habit[63::WEEK_HOURS] *= 4
    assert fit_model(Hourly(MONDAY, habit)).profile[63] > 3 * usual.profile[63], "each week is one"


def test_the_level_of_a_week_is_that_of_its_known_hours_when_quiet_ones_are_missing() -> None:
    counts = 500 * SHAPE
    counts[np.flatnonzero((HOURS >= 3 * WEEK_HOURS) & (HOURS % 24 < 9))] = np.nan
    history = Hourly(MONDAY, counts)
    assert period_levels(history, WEEK_HOURS)[-1] > 1.2 * 500
    assert period_levels(history, WEEK_HOURS, SHAPE) == pytest.approx(np.full(4, 500.0))
    assert fit_model(history).level == pytest.approx(500.0, rel=1e-3)


def days_told(kept: float, seed: int) -> float:
    """Independent days that were told by 8 weeks whose days keep so much of the day before."""
    random, days = np.random.default_rng(seed), np.zeros(8 * 7)
    for day in range(1, len(days)):
        days[day] = kept * days[day - 1] + random.normal(0, 0.2 * np.sqrt(1 - kept**2))
    counts = random.poisson(500 * np.tile(SHAPE, 2) * np.exp(days.repeat(24))).astype(float)
    history = Hourly(MONDAY, counts)
    return scatter_of(fit_model(history), measure_band(history, 1)).days


def test_days_that_err_like_the_day_before_count_as_fewer() -> None:
    alone, alike = (np.median([days_told(kept, seed) for seed in range(5)]) for kept in (0.0, 0.6))
    assert alike < 0.6 * alone


def test_from_one_week_of_unlike_days_the_peak_is_not_put_above_what_was_seen() -> None:
    """Evenings on weekdays, long afternoons at weekends: their errors must not be piled on each other."""
    for law in (heavy_days, outages):
        held = 0
        for seed in range(10):
            made = law(np.random.default_rng(seed), 2 * WEEK_HOURS)
            peak = look_ahead(Hourly(made.start, made.counts[:WEEK_HOURS]), WEEK_HOURS).peak
            held += peak.low <= made.counts[WEEK_HOURS:].max() <= peak.high
            assert peak.low <= made.counts[:WEEK_HOURS].max()
        assert held >= 7


def test_the_peer_takes_an_unknown_hour_from_the_time_before() -> None:
    counts = np.arange(2.0 * WEEK_HOURS)
    counts[[WEEK_HOURS + 5, 7, WEEK_HOURS + 7]] = np.nan
    foretold = naive(Hourly(MONDAY, counts), WEEK_HOURS)
    assert foretold[4:7].tolist() == [WEEK_HOURS + 4, 5.0, WEEK_HOURS + 6]
    assert foretold[7] == pytest.approx(np.nanmean(counts)), "never known"
