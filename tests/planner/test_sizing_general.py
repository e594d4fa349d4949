"""Sizes found in milliseconds: their likeness against the exact chain, their answers against long runs of jobs."""

import heapq

import numpy as np
import pytest

from planner.exact.load_twin import load_twin
from planner.exact.phases import Crowd, arrival_phases, phase_type
from planner.exact.qbd import solve
from planner.exact.two_phase import TwoPhases, mean_and_tails, wait
from planner.fleet import Fleet, RateLimit
from planner.laws.arrivals import Poisson
from planner.laws.named import Deterministic, Exponential, Gamma, Lognormal, Mixture, Weibull, scv
from planner.objective import Bound, Objective
from planner.size.general import sizes
from planner.size.quick_search import quick_search
from planner.size.trial_chance import FIRST, LANES, Chance
from planner.size.trial_run import Run
from planner.sizing import size
from planner.workload import Retries, Workload
from tests.bench.planner_sizes import queues, refuted

P95 = Objective((Bound("p95_wait", 0.5),))


@pytest.mark.parametrize(("slots", "load"), [(1, 0.6), (2, 1.9), (7, 4.0), (40, 35.0)])
def test_the_short_way_through_two_phases_is_the_long_one(slots: int, load: float) -> None:
    law = Mixture((0.9, 0.1), (Exponential(0.5), Exponential(5.5)))
    process, phases = arrival_phases(Poisson(load)), phase_type(law)
    assert process is not None and phases is not None
    waits, twin = solve(process, Crowd(phases, slots)).wait, TwoPhases(0.1, (0.5, 5.5))
    times = np.array([0.0, 0.3, 2.0])
    truth = [waits.mean, *map(waits.tail, times)]
    assert mean_and_tails(load, twin, slots, times) == pytest.approx(truth, rel=2e-5)
    by_matrices = wait(load, twin, slots)
    assert [by_matrices.mean, *map(by_matrices.tail, times)] == pytest.approx(truth, rel=2e-5)


@pytest.mark.parametrize("law", [Lognormal(0.0, 1.1), Gamma(0.3, 2.0), Lognormal(1.0, 1.6)])
def test_a_twin_has_the_mean_the_variability_and_the_short_load_of_its_law(law) -> None:
    twin = load_twin(law)
    same = Mixture((1 - twin.slow, twin.slow), tuple(map(Exponential, twin.means)))
    assert same.mean == pytest.approx(law.mean, rel=1e-9)
    assert scv(same) == pytest.approx(scv(law), rel=1e-6)
    assert float(same.capped_mean(law.mean)) == pytest.approx(float(law.capped_mean(law.mean)), rel=0.01)


@pytest.mark.parametrize("slots", [1, 2, 7])
def test_runs_side_by_side_are_those_of_a_heap(slots: int) -> None:
    chance, law = Chance(3), Weibull(0.8, 1.0)
    run = Run(0.9 * slots / law.mean, law, slots, chance)
    waits, services = (np.concatenate(parts) for parts in zip(run.stretch(0), run.stretch(1), strict=True))
    # The closed form of Weibull's quantile, where the run reads a table.
    units = np.concatenate([chance.stretch(0)[1], chance.stretch(1)[1]])
    assert services == pytest.approx(units**1.25, rel=2e-3, abs=2e-3)
    clock = np.concatenate([chance.stretch(0)[0], chance.stretch(1)[0]]) * run.seconds_per_tick
    for lane in (0, LANES - 1):
        free, expected = [0.0] * slots, []
        for arrival, service in zip(clock[: FIRST + 500, lane], services[:, lane], strict=False):
            expected.append(max(arrival, free[0]) - arrival)
            heapq.heapreplace(free, arrival + expected[-1] + service)
        assert waits[: FIRST + 500, lane] == pytest.approx(np.array(expected), rel=1e-9, abs=1e-9)


def test_no_size_of_many_is_refuted_by_a_long_run() -> None:
    asked = queues(24, seed=23)
    found = sizes(asked)
    assert [
        text for queue, slots in zip(asked, found, strict=True) if (text := refuted(queue, slots or 0))
    ] == []


def test_exact_laws_are_sized_as_the_formulas_say() -> None:
    # 4 slots leave 6.4 % of exponential jobs waiting longer than 0.5 s (Erlang), 3.1 % of constant ones (Crommelin).
    bound = P95
    exponential, constant = sizes(
        [
            (Workload(Poisson(2.0), Exponential(1.0)), bound),
            (Workload(Poisson(2.0), Deterministic(1.0)), bound),
        ]
    )
    assert (exponential, constant) == (5, 4)


def test_every_bound_counts() -> None:
    workload = Workload(Poisson(2.0), Gamma(0.5, 1.0))
    loose, strict = Bound("p95_wait", 2.0), Bound("share_within_0.1s", 0.99, at_least=True)
    alone = sizes([(workload, Objective((loose,))), (workload, Objective((strict,)))])
    assert sizes([(workload, Objective((loose, strict)))]) == [alone[1]] != [alone[0]]
    assert sizes([(workload, Objective((loose, Bound("utilisation", 0.1))))]) == [20]


@pytest.mark.parametrize(
    ("workload", "fleet"),
    [
        (Workload(Poisson(1.0), Exponential(1.0), Retries(0.1, 3, 1.0)), Fleet(1)),
        (Workload(Poisson(1.0), Exponential(1.0), patience=Exponential(1.0)), Fleet(1)),
        (Workload(Poisson(1.0), Exponential(1.0)), Fleet(1, places=4)),
        (Workload(Poisson(1.0), Exponential(1.0)), Fleet(1, rate_limit=RateLimit(9, 1.0))),
    ],
)
def test_what_the_quick_search_does_not_know_it_leaves_alone(workload: Workload, fleet: Fleet) -> None:
    assert quick_search(workload, P95, fleet, Chance(1)) is None


def test_one_queue_is_sized_as_among_many() -> None:
    workload = Workload(Poisson(6.0), Lognormal(-0.5, 1.0))
    plan = size(workload, P95)
    assert plan is not None and [plan.slots_needed] == sizes([(workload, P95)])
