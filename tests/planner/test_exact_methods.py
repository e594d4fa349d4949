"""Exact methods against each other where two of them know the same queue, and against limits known by hand."""

from math import exp

import numpy as np
import pytest
from scipy import integrate

from planner.exact.batches import batch_wait
from planner.exact.daily import daily_wait
from planner.exact.deterministic import deterministic_wait
from planner.exact.distributions import Stay, quantile
from planner.exact.erlang import erlang_c, exponential_wait
from planner.exact.mixture import geometric_wait
from planner.exact.patience import impatient_wait
from planner.exact.phases import Crowd, arrival_phases, phase_type
from planner.exact.priorities import class_waits
from planner.exact.qbd import QbdResult, solve
from planner.exact.renewal_exponential import renewal_exponential_wait
from planner.exact.shared_cpu import SharedCpu, saturated_throughput
from planner.exact.single_slot import single_slot_wait
from planner.laws.arrivals import BatchPoisson, Mmpp, Poisson, Profile, Renewal
from planner.laws.named import Deterministic, Exponential, Gamma, Law, Lognormal, Mixture

BURSTY = Mixture((0.9, 0.1), (Exponential(0.5), Exponential(5.5)))


def chain(arrivals: Poisson | Renewal | Mmpp, service: Law, slots: int) -> QbdResult:
    process, law = arrival_phases(arrivals), phase_type(service)
    assert process is not None and law is not None
    return solve(process, Crowd(law, slots))


def test_the_chain_with_one_phase_is_erlang_c() -> None:
    assert chain(Poisson(8.0), Exponential(1.0), 10).wait.mean == pytest.approx(
        exponential_wait(10, 8.0, 1.0).mean, rel=1e-10
    )


@pytest.mark.parametrize(
    "interval", [Gamma(2.0, 0.12), Mixture((0.8, 0.2), (Exponential(0.05), Exponential(0.4)))]
)
def test_takacs_and_the_chain_agree_on_renewal_arrivals(interval: Law) -> None:
    one, other = (
        renewal_exponential_wait(10, interval, 1.0),
        chain(Renewal(interval), Exponential(1.0), 10).wait,
    )
    assert one.tail(0.0) == pytest.approx(other.tail(0.0), rel=1e-9)
    assert quantile(one, 0.99) == pytest.approx(quantile(other, 0.99), rel=1e-9)


def test_pollaczek_khinchine_and_the_chain_agree_on_one_slot() -> None:
    one, other = single_slot_wait(0.7, BURSTY), chain(Poisson(0.7), BURSTY, 1).wait
    assert one.mean == pytest.approx(other.mean, rel=1e-9)
    assert one.tail(3.0) == pytest.approx(other.tail(3.0), rel=1e-6)


def test_many_stages_come_near_a_constant() -> None:
    constant = deterministic_wait(2, 1.6, 1.0).mean
    errors = [chain(Poisson(1.6), Gamma(float(k), 1.0), 2).wait.mean / constant - 1.0 for k in (5, 10, 20)]
    assert errors[0] > errors[1] > errors[2] > 0.0
    assert errors[2] < 0.06


def test_constant_service_on_one_slot_waits_half_as_long() -> None:
    assert deterministic_wait(1, 0.8, 1.0).mean == pytest.approx(
        exponential_wait(1, 0.8, 1.0).mean / 2, rel=1e-9
    )


def test_two_equal_phases_of_arrivals_are_poisson() -> None:
    assert chain(Mmpp((5.0, 5.0), (0.1, 0.3)), Exponential(1.0), 7).wait.mean == pytest.approx(
        exponential_wait(7, 5.0, 1.0).mean, rel=1e-9
    )


def test_batches_of_one_are_poisson() -> None:
    assert batch_wait(10, BatchPoisson(8.0, (1,), (1.0,)), 1.0).mean == pytest.approx(
        exponential_wait(10, 8.0, 1.0).mean, rel=1e-9
    )


def test_a_flat_day_is_erlang_c() -> None:
    flat = daily_wait(10, Profile((1.0,) * 24, 8.0, 3600.0), 1.0)
    assert flat.overall.tail(0.0) == pytest.approx(erlang_c(10, 8.0), rel=1e-6)


def test_endless_patience_is_erlang_c_and_none_is_erlang_b() -> None:
    endless = impatient_wait(10, 8.0, 1.0, Deterministic(1000.0))
    assert endless.mean == pytest.approx(exponential_wait(10, 8.0, 1.0).mean, rel=1e-8)
    nobody_waits = impatient_wait(10, 12.0, 1.0, Deterministic(1e-9))
    assert nobody_waits.p_timeout == pytest.approx(0.3019, abs=5e-4)  # Erlang B(10, 12)


def test_classes_keep_the_mean_over_all_jobs() -> None:
    rates = (2.0, 3.0, 3.0)
    waits = class_waits(10, rates, 1.0)
    mean = sum(rate * wait.mean for rate, wait in zip(rates, waits, strict=True)) / 8.0
    assert mean == pytest.approx(exponential_wait(10, 8.0, 1.0).mean, rel=1e-12)
    assert waits[0].tail(0.0) == waits[2].tail(0.0)
    assert [wait.mean for wait in waits] == sorted(wait.mean for wait in waits)


def test_shared_cores_do_what_product_form_says_at_saturation() -> None:
    shared = SharedCpu(10, 0.5, 0.05)
    found = solve(arrival_phases(Poisson(8.0)), shared).max_throughput  # type: ignore[arg-type]
    assert found == pytest.approx(saturated_throughput(10, 0.5, 0.05, 1.0), rel=1e-9)


@pytest.mark.parametrize("law", [Lognormal(-0.5, 1.0), Gamma(0.4, 2.0), BURSTY, Exponential(3.0)])
def test_moments_and_transforms_come_from_the_same_law(law: Law) -> None:
    drawn = law.draw(np.random.default_rng(5), 400_000)
    assert drawn.mean() == pytest.approx(law.mean, rel=0.02)
    assert float(np.real(law.laplace(0.7))) == pytest.approx(np.exp(-0.7 * drawn).mean(), rel=0.01)
    assert float(law.capped_mean(1.3)) == pytest.approx(np.minimum(drawn, 1.3).mean(), rel=0.01)
    assert float(law.tail(law.upper_quantile(0.03))) == pytest.approx(0.03, rel=1e-6)


@pytest.mark.parametrize(
    ("called", "served"), [(3.0, 0.2), (0.2, 3.0), (0.7, 0.7), (0.7, 0.7 + 1e-9), (900.0, 0.01)]
)
def test_a_stay_of_two_exponentials_is_their_sum(called: float, served: float) -> None:
    """Who waits, 6 of 10, does so exponentially; against the integral over when the service begins."""
    stay = Stay(geometric_wait(0.6, 0.5, 2 * called), Exponential(1 / served))
    for t in (0.0, 0.3, 2.0, 9.0, 40.0):
        begun = integrate.quad(
            lambda w, t=t: 0.6 * called * exp(-called * w - served * (t - w)), 0.0, t, epsabs=1e-14, limit=200,
            points=[min(t, times / called) for times in (5, 20, 80)],
        )[0]  # fmt: skip
        expected = 0.4 * exp(-served * t) + 0.6 * exp(-called * t) + begun
        assert stay.tail(t) == pytest.approx(expected, rel=1e-8)
