"""Sizes: the smallest, and never refuted by a simulation that had no part in choosing them."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.fleet import Fleet, RateLimit
from planner.laws.arrivals import Poisson, PoissonClasses
from planner.laws.named import Exponential, Gamma, IoThenCpu, Law, Lognormal
from planner.objective import Bound, Objective
from planner.predict import predict
from planner.simulation.effort import Effort
from planner.simulation.replications import Simulation
from planner.sizing import size
from planner.workload import Retries, Workload

QUICK = Effort(seconds=0.3, shortest=30_000)


def at_most(figure: str, value: float) -> Objective:
    return Objective((Bound(figure, value),))


def lognormal(mean: float, variability: float) -> Law:
    sigma = float(np.sqrt(np.log1p(variability)))
    return Lognormal(float(np.log(mean)) - sigma**2 / 2, sigma)


@settings(max_examples=12, deadline=None, derandomize=True)
@given(
    load=st.floats(0.3, 12.0),
    mean=st.sampled_from([0.05, 1.0, 20.0]),
    variability=st.sampled_from([0.3, 1.0, 3.0]),
    strictness=st.sampled_from([0.1, 0.5, 2.0]),
    failures=st.sampled_from([0.0, 0.1]),
)
def test_no_size_is_refuted(
    load: float, mean: float, variability: float, strictness: float, failures: float
) -> None:
    retries = Retries(failures, 3, mean) if failures else None
    law = Gamma(1 / variability, mean) if variability < 1 else lognormal(mean, variability)
    workload = Workload(Poisson(load / mean), law, retries)
    bound = strictness * mean
    plan = size(workload, at_most("p95_wait", bound), effort=QUICK)
    assert plan is not None
    fresh = Effort(seconds=0.3, shortest=60_000, seed=99)
    found = Simulation(workload, plan.fleet, ("p95_wait",), fresh).run()["p95_wait"]
    assert found.value - 2.0 * found.half_width <= bound
    if plan.slots_needed > 1 and plan.smaller is not None and plan.smaller.stable:
        fewer = Simulation(
            workload, replace(plan.fleet, slots=plan.slots_needed - 1), ("p95_wait",), fresh
        ).run()
        assert fewer["p95_wait"].value + 2.0 * fewer["p95_wait"].half_width >= bound, (
            "one fewer would have done"
        )


def test_the_next_smaller_fleet_breaks_what_the_plan_says() -> None:
    plan = size(Workload(Poisson(20.0), Exponential(1.0)), at_most("p99_wait", 1.5))
    assert plan is not None and plan.slots_needed == 23
    assert [str(bound) for bound in plan.broken] == ["p99_wait <= 1.5"]


def test_no_number_of_slots_beats_a_rate_limit() -> None:
    fleet = Fleet(1, rate_limit=RateLimit(19, 1.0))
    assert size(Workload(Poisson(20.0), Exponential(1.0)), at_most("mean_wait", 1.0), fleet) is None


def test_no_number_of_slots_beats_a_busy_core() -> None:
    work = IoThenCpu(Exponential(0.2), Exponential(0.05))
    assert size(Workload(Poisson(30.0), work), at_most("mean_wait", 1.0)) is None


def test_an_unstable_queue_is_an_answer() -> None:
    found = predict(Workload(Poisson(15.0), Exponential(1.0)), Fleet(12), ("mean_wait", "util"))
    assert not found.stable
    assert found.backlog_per_second == pytest.approx(3.0)
    assert "mean_wait" not in found.figures


def test_every_class_must_meet_its_bound() -> None:
    workload = Workload(PoissonClasses((2.0, 3.0, 3.0)), Exponential(1.0))
    both = Objective((Bound("mean_wait_class0", 0.06), Bound("mean_wait_class2", 0.2)))
    plan = size(workload, both)
    assert plan is not None and plan.slots_needed == 11
