"""Erlang's formulas against published tables and against each other."""

import math

import pytest

from planner.exact.distributions import Stay, quantile
from planner.exact.erlang import erlang_b, erlang_c, exponential_wait
from planner.laws.named import Exponential


@pytest.mark.parametrize(
    ("slots", "load", "lost"),
    # Erlang B tables: the load that loses 1 % (ITU-T E.500 and any traffic textbook).
    [
        (1, 0.0101, 0.01),
        (5, 1.36, 0.01),
        (10, 4.46, 0.01),
        (20, 12.0, 0.01),
        (50, 37.9, 0.01),
        (100, 84.1, 0.01),
    ],
)
def test_loss_agrees_with_the_published_tables(slots: int, load: float, lost: float) -> None:
    assert erlang_b(slots, load) == pytest.approx(lost, rel=0.03)


def test_a_call_centre_of_14_agents_waits_as_published() -> None:
    # The worked example of pyworkforce's README: 100 calls in 30 minutes, 3 minutes each, 14 agents.
    wait = exponential_wait(14, 100 / 1800, 180.0)
    assert wait.tail(0.0) == pytest.approx(0.1741319, abs=5e-8)
    assert 1.0 - wait.tail(20.0) == pytest.approx(0.88835, abs=5e-6)


def test_the_formula_is_stable_to_a_hundred_thousand_slots() -> None:
    slots = 100_000
    # Heavy traffic: B·sqrt(c) -> φ(0)/Φ(0) when the load equals the slots.
    assert erlang_b(slots, float(slots)) * math.sqrt(slots) == pytest.approx(0.7979, rel=0.005)
    assert 0.0 < erlang_c(slots, slots - 300.0) < 1.0


def test_loss_is_the_same_by_recursion_and_by_series() -> None:
    direct = 1.0
    for n in range(1, 201):
        direct = 180.0 * direct / (n + 180.0 * direct)
    assert erlang_b(200, 180.0) == pytest.approx(direct, rel=1e-12)


def test_a_single_slot_stays_exponentially() -> None:
    stay = Stay(exponential_wait(1, 0.7, 1.0), Exponential(1.0))
    assert quantile(stay, 0.95) == pytest.approx(-math.log(0.05) / 0.3, rel=1e-9)
