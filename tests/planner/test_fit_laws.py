"""Proves that fitted laws are those that made the sample, that moments survive, and that bands cover the truth."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from planner.fit import buckets as fit_buckets
from planner.fit import laws as fit_laws
from planner.fit.arrivals import dispersion, fit_arrivals
from planner.fit.estimates import scv_of, share
from planner.fit.failures import fit_failures
from planner.fit.fitting import fit
from planner.fit.observed import Buckets, Crowded, Observed, Steps, Sums
from planner.laws.arrivals import Mmpp, Poisson, Renewal
from planner.laws.named import Discrete, Exponential, Gamma, Law, Lognormal, Mixture, Weibull
from planner.laws.named import scv as scv_of_law

EDGES = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1, 1.5, 2.5, 5, 10, 30, 60, 300, 1800, math.inf)
SAMPLES = {
    "exponential": (stats.expon(scale=0.5), Exponential),
    "gamma": (stats.gamma(3, scale=0.1), Gamma),
    "lognormal": (stats.lognorm(1.0, scale=0.3), Lognormal),
    "weibull": (stats.weibull_min(0.6, scale=1.0), Weibull),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_of_a_known_law_is_fitted_by_that_law_and_no_richer_one(name: str) -> None:
    drawn, kind = SAMPLES[name]
    sample = drawn.rvs(20_000, random_state=np.random.default_rng(3))
    law = fit_laws.of_sample(sample).law
    assert isinstance(law, kind)
    for order in (1, 2, 3):
        spread = float((sample**order).std()) / math.sqrt(len(sample))
        assert abs(law.moment(order) - drawn.moment(order)) < 4 * spread


def test_work_of_two_speeds_is_told_from_one_and_found_again() -> None:
    random = np.random.default_rng(4)
    sample = np.where(
        random.random(20_000) < 0.9, random.exponential(0.1, 20_000), random.exponential(2, 20_000)
    )
    law = fit_laws.of_sample(sample).law
    assert isinstance(law, Mixture)
    assert law.p[0] == pytest.approx(0.9, abs=0.02)
    assert [part.mean for part in law.laws] == pytest.approx([0.1, 2.0], rel=0.07)


def test_a_sample_that_no_simple_law_makes_is_kept_with_its_moments_and_tail() -> None:
    random = np.random.default_rng(5)
    sample = np.concatenate([random.normal(0.1, 0.01, 5000), random.normal(3.0, 0.2, 2000)])
    law = fit_laws.of_sample(sample).law
    assert isinstance(law, Discrete) and len(law.values) < 130
    assert law.mean == pytest.approx(sample.mean(), rel=1e-9)
    assert scv_of_law(law) == pytest.approx(sample.var() / sample.mean() ** 2, rel=0.01)
    assert float(law.upper_quantile(np.array(0.01))) == pytest.approx(np.quantile(sample, 0.99), rel=0.02)


def test_times_rounded_to_milliseconds_are_still_exponential() -> None:
    sample = np.random.default_rng(6).exponential(0.02, 50_000).round(3)
    assert isinstance(fit_laws.of_sample(sample).law, Exponential)


def test_a_handful_is_no_reason_to_name_a_law() -> None:
    found = fit_laws.of_sample(np.array([0.1, 0.2, 0.4]))
    assert isinstance(found.law, Exponential) and "only 3 values" in found.doubts[0]


# --- from buckets ------------------------------------------------------------------------------------------------


def histogram(sample: np.ndarray) -> tuple[Sums, Buckets]:
    counts = np.histogram(sample, bins=(-1.0, *EDGES[:-1], 1e9))[0]
    sums = Sums(len(sample), float(sample.sum()), float((sample**2).sum()))
    return sums, Buckets(EDGES, tuple(map(float, counts)))


@pytest.mark.parametrize("name", SAMPLES)
def test_buckets_with_square_sums_give_back_mean_variability_and_shape(name: str) -> None:
    drawn, _ = SAMPLES[name]
    sample = drawn.rvs(20_000, random_state=np.random.default_rng(7))
    law = fit_buckets.of_buckets(*histogram(sample)).law
    assert law.mean == pytest.approx(sample.mean(), rel=1e-6)
    assert scv_of_law(law) == pytest.approx(sample.var() / sample.mean() ** 2, rel=0.05)
    assert float(law.upper_quantile(np.array(0.05))) == pytest.approx(drawn.ppf(0.95), rel=0.06)


def test_buckets_of_a_mixed_bag_are_kept_and_keep_the_mean() -> None:
    random = np.random.default_rng(8)
    sample = np.concatenate([random.normal(0.08, 0.005, 5000), random.normal(7.0, 1.0, 500)])
    found = fit_buckets.of_buckets(*histogram(sample))
    assert isinstance(found.law, Discrete) and "kept" in found.how
    assert found.law.mean == pytest.approx(sample.mean(), rel=1e-6)
    assert scv_of_law(found.law) == pytest.approx(sample.var() / sample.mean() ** 2, rel=0.1)


@pytest.mark.parametrize("name", SAMPLES)
def test_without_square_sums_the_band_of_variability_is_wide_and_holds_the_truth(name: str) -> None:
    drawn, _ = SAMPLES[name]
    sample = drawn.rvs(5000, random_state=np.random.default_rng(9))
    sums, buckets = histogram(sample)
    low, high = fit_buckets.scv_bounds(sums.mean or 0.0, buckets)
    assert low < sample.var() / sample.mean() ** 2 < high
    fitted = fit(observed(service=Sums(sums.count, sums.seconds), durations=buckets))
    assert fitted.service is not None and fitted.service.scv.value is None
    assert (fitted.service.scv.low, fitted.service.scv.high) == (low, high)
    assert any("square sums" in doubt for doubt in fitted.doubts)


# --- bands -------------------------------------------------------------------------------------------------------


def test_bands_of_variability_cover_the_truth_about_as_often_as_they_say() -> None:
    law, random = Gamma(2.0, 1.0), np.random.default_rng(10)
    hits = 0
    for _ in range(200):
        sample = law.draw(random, 500)
        band = scv_of(law, float(sample.var() / sample.mean() ** 2), 500)
        hits += (band.low or 0.0) <= 0.5 <= (band.high or 0.0)
    assert stats.binomtest(hits, 200, 0.95).pvalue > 0.001


def test_the_band_of_a_ratio_is_that_of_scipy() -> None:
    for hits, of in ((0, 40), (3, 40), (40, 40), (20, 1000)):
        ours, theirs = share(hits, of), stats.binomtest(hits, of).proportion_ci(0.95, "exact")
        assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-9)


# --- arrivals ----------------------------------------------------------------------------------------------------


def observed(times: np.ndarray | None = None, **more: object) -> Observed:
    """A queue whose arrivals came at `times` (1,000 of a Poisson stream by default), counted every 10 s."""
    if times is None:
        times = np.cumsum(np.random.default_rng(11).exponential(1.0, 1000))
    span = float(times[-1])
    counts = np.histogram(times, bins=np.arange(0.0, span, 10.0))[0].astype(float)
    known: dict[str, object] = {"arrivals": float(len(times)), "steps": Steps(0.0, 10.0, counts)}
    known |= {
        "interval_sample": np.diff(times),
        "service": Sums(500, 50.0, 10.0),
        "completed": 500.0,
        "failed": 0.0,
    }
    known |= {"source": "trace", "start": 0.0, "seconds": span}
    return Observed("bull", "email", **{**known, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize(("shape", "truth"), [(1.0, 1.0), (4.0, 0.25), (0.25, 4.0)])
def test_rate_and_variability_of_arrivals_lie_in_their_own_bands(shape: float, truth: float) -> None:
    random = np.random.default_rng(12)
    rates, variabilities = 0, 0
    for _ in range(40):
        found = fit_arrivals(observed(np.cumsum(random.gamma(shape, 0.5 / shape, 4000))))
        rates += (found.rate.low or 0) <= 2.0 <= (found.rate.high or 0)
        variabilities += (found.scv.low or 0) <= truth <= (found.scv.high or 0)
    assert min(rates, variabilities) >= 33, "of 40, 38 are expected"


def test_a_poisson_stream_is_called_one_and_a_bursty_one_is_not() -> None:
    random = np.random.default_rng(13)
    assert "Poisson:" in fit_arrivals(observed(np.cumsum(random.exponential(0.5, 5000)))).how
    bursty = fit_arrivals(observed(np.cumsum(random.gamma(0.25, 2.0, 5000))))
    assert "independent intervals" in bursty.how and bursty.process.per_second == pytest.approx(2.0, rel=0.1)


def test_square_sums_alone_give_the_same_variability_as_the_intervals() -> None:
    times = np.cumsum(np.random.default_rng(14).gamma(0.25, 2.0, 20_000))
    span, intervals = float(times[-1]), np.diff(times)
    sums = Sums(len(times), span, float((intervals**2).sum()))
    found = fit_arrivals(observed(times, interval_sample=None, steps=None, intervals=sums))
    assert found.scv.value == pytest.approx(intervals.var() / intervals.mean() ** 2, rel=0.01)


def days(weights: np.ndarray, number: int, per_hour: float, seed: int) -> Steps:
    rates = np.tile(weights / weights.mean() * per_hour / 12, (number, 1)).repeat(12, axis=1).ravel()
    return Steps(0.0, 300.0, np.random.default_rng(seed).poisson(rates).astype(float))


def test_the_shape_of_the_day_is_found_and_a_flat_day_has_none() -> None:
    weights = 1.0 + 0.8 * np.sin(np.arange(24) / 24 * 2 * np.pi)
    steps = days(weights, 3, 400.0, 15)
    found = fit_arrivals(observed(steps=steps, seconds=3 * 86400.0, arrivals=float(steps.counts.sum())))
    assert found.shape == pytest.approx(weights / weights.mean(), abs=0.12)
    flat = days(np.ones(24), 3, 400.0, 16)
    assert fit_arrivals(observed(steps=flat, arrivals=float(flat.counts.sum()))).shape is None


def test_the_shape_of_the_day_does_not_pass_for_variability() -> None:
    weights = 1.0 + 0.9 * np.sin(np.arange(24) / 24 * 2 * np.pi)
    random = np.random.default_rng(17)
    counts = random.poisson(np.tile(weights * 600, 2))
    times = np.sort(np.concatenate([h * 3600 + random.random(n) * 3600 for h, n in enumerate(counts)]))
    intervals = np.diff(times)
    assert intervals.var() / intervals.mean() ** 2 > 1.5, "naively, the day looks like bursts"
    per_hour = np.histogram(times, bins=np.arange(0, 48 * 3600 + 1, 3600.0))[0].astype(float)
    squares = np.histogram(times[1:], bins=np.arange(0, 48 * 3600 + 1, 3600.0), weights=intervals**2)[0]
    steps = Steps(0.0, 3600.0, per_hour, squares)
    assert fit_arrivals(observed(times, steps=steps)).scv.value == pytest.approx(1.0, abs=0.06)
    by_squares = fit_arrivals(observed(times, steps=steps, interval_sample=None))
    assert by_squares.scv.value == pytest.approx(1.0, abs=0.06)


def test_counts_scatter_as_much_as_they_are_bursty() -> None:
    flat = np.random.default_rng(18).poisson(20, 5000).astype(float)
    assert dispersion(Steps(0.0, 1.0, flat)) == pytest.approx(1.0, abs=0.06)
    assert dispersion(Steps(0.0, 1.0, flat * 3)) == pytest.approx(3.0, abs=0.2)
    assert dispersion(Steps(0.0, 1.0, flat[:5])) is None


def in_spells(random: np.random.Generator, seconds: float) -> np.ndarray:
    """20 a second for 10 s on average, then 2 a second for 20 s, and so on."""
    moment, busy, found = 0.0, True, []
    while moment < seconds:
        lasts = random.exponential(10.0 if busy else 20.0)
        found.append(moment + np.sort(random.random(random.poisson((20.0 if busy else 2.0) * lasts))) * lasts)
        moment, busy = moment + lasts, not busy
    return np.concatenate(found)


def test_arrivals_in_spells_are_told_from_bursts_and_their_rates_are_found() -> None:
    found = []
    for seed in range(6):
        times = in_spells(np.random.default_rng(seed), 5000.0)
        counts = np.histogram(times, bins=np.arange(0.0, times[-1], 1.0))[0].astype(float)
        process = fit_arrivals(observed(times, steps=Steps(0.0, 1.0, counts))).process
        assert isinstance(process, Mmpp)
        assert process.per_second == pytest.approx(len(times) / times[-1], rel=0.01)
        found.append((*process.rates, *process.switch_per_second))
    assert np.mean(found, axis=0) == pytest.approx([20.0, 2.0, 0.1, 0.05], rel=0.15)


def test_independent_bursts_and_steady_streams_are_no_spells() -> None:
    random = np.random.default_rng(22)
    for gaps in (random.exponential(0.2, 20_000), random.gamma(0.25, 0.8, 20_000)):
        times = np.cumsum(gaps)
        counts = np.histogram(times, bins=np.arange(0.0, times[-1], 1.0))[0].astype(float)
        process = fit_arrivals(observed(times, steps=Steps(0.0, 1.0, counts))).process
        assert isinstance(process, Poisson | Renewal)


# --- failures and slots --------------------------------------------------------------------------------------------


def test_failure_ratios_and_attempts_are_those_of_the_jobs() -> None:
    random = np.random.default_rng(19)
    tries = random.random((20_000, 3)) < 0.2
    failed = tries.all(axis=1)
    attempts = np.where(failed, 3, tries.argmin(axis=1) + 1)
    seen = observed(
        completed=float((~failed).sum()), failed=float(failed.sum()),
        requeued={"delayed": float((attempts - 1).sum()), "stalled": 50.0, "waiting_children": 900.0},
    )  # fmt: skip
    found = fit_failures(seen)
    assert (found.attempt.low or 1) <= 0.2 <= (found.attempt.high or 0)
    assert (found.final.low or 1) <= 0.008 <= (found.final.high or 0)
    assert found.retries is not None and found.retries.attempts == 3
    assert found.retries.mean_attempts == pytest.approx(attempts.mean(), rel=0.01)
    assert any("delay before a retry unknown" in doubt for doubt in found.doubts)


def test_jobs_that_do_not_fail_alike_are_told_from_those_that_do() -> None:
    mixed = fit_failures(observed(completed=980.0, failed=20.0, requeued={"delayed": 10.0}))
    assert mixed.retries is not None and mixed.retries.attempts == 2
    assert any("some jobs fail more than others" in doubt for doubt in mixed.doubts)
    once = fit_failures(observed(completed=980.0, failed=20.0, requeued={"delayed": 0.0}))
    assert once.retries is not None and once.retries.attempts == 1 and once.retries.failure_ratio == 0.02
    never = fit_failures(observed(completed=980.0, failed=0.0, requeued={"delayed": 0.0}))
    assert never.retries is None and never.attempt.high == pytest.approx(3.7 / 980, rel=0.02)
    untold = fit_failures(observed(completed=None))
    assert untold.final.value is None and "failures unknown" in untold.doubts[0]


def test_slots_are_as_given_or_a_lower_bound_or_unknown_and_say_so() -> None:
    crowded = (Crowded(9, 2), Crowded(10, 2), Crowded(4, 1))
    assert fit(observed(), 7).slots.kind == "known"
    bound = fit(observed(source="exporter", crowded=crowded)).slots
    assert (bound.kind, bound.count) == ("lower bound", 5), "5 a worker, and one worker is left"
    unknown = fit(observed(source="exporter")).slots
    assert (unknown.kind, unknown.count) == ("unknown", None) and "can't be known" in unknown.why


def test_losses_and_what_is_not_seen_are_doubts_and_never_numbers() -> None:
    found = fit(observed(lost=12.0, arrivals=None, service=None))
    assert found.workload is None and "arrivals" in found.why and "service" in found.why
    assert any("12 events lost" in doubt for doubt in found.doubts)
    assert found.utilisation is None


@pytest.mark.parametrize("law", [Exponential(0.3), Gamma(2.0, 0.5), Lognormal(-1.0, 0.8)])
def test_a_whole_fit_recovers_what_made_the_sample(law: Law) -> None:
    random = np.random.default_rng(20)
    service = law.draw(random, 8000)
    sums = Sums(len(service), float(service.sum()), float((service**2).sum()))
    found = fit(observed(np.cumsum(random.exponential(0.5, 8000)), service=sums, service_sample=service))
    assert found.service is not None and found.workload is not None
    assert (found.service.mean.low or 0) <= law.mean <= (found.service.mean.high or 0)
    assert (found.service.scv.low or 0) <= scv_of_law(law) <= (found.service.scv.high or 0)
    assert found.workload.offered_load == pytest.approx(2.0 * law.mean, rel=0.06)
    assert found.workload.sample_size == 8000
