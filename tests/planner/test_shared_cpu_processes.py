"""Slots in several processes: the chain against the run of single events, and against formulas where there are any."""

import math
from itertools import pairwise

import pytest

from planner.exact.choice import solve_exactly
from planner.exact.shared_cpu_processes import count_states, sizes_of
from planner.fleet import Fleet
from planner.laws.arrivals import Poisson
from planner.laws.named import Exponential, IoThenCpu
from planner.simulation.effort import Effort
from planner.simulation.replications import Simulation
from planner.workload import Workload

NAMES = ("prob_wait", "mean_wait", "p95_wait", "mean_sojourn", "util")


@pytest.mark.parametrize(
    ("slots", "processes", "io", "cpu", "rate"),
    [(9, 3, 0.2, 0.1, 20.0), (8, 3, 0.2, 0.1, 20.0), (12, 2, 0.5, 0.1, 12.0), (7, 2, 0.05, 0.5, 2.5)],
)
def test_the_chain_says_what_runs_of_single_events_say(slots, processes, io, cpu, rate) -> None:
    workload = Workload(Poisson(rate), IoThenCpu(Exponential(io), Exponential(cpu)))
    fleet = Fleet(slots, processes=processes)
    chain = solve_exactly(workload, fleet)
    assert chain is not None
    run = Simulation(workload, fleet, NAMES, Effort(seconds=0.2, shortest=20_000, seed=5)).run()
    for name, found in run.items():
        assert abs(found.value - chain.figure(name)) < 2.0 * found.half_width, name


def test_with_one_slot_each_it_is_erlang_c_of_two_stages() -> None:
    # Nobody shares a core then: M/G/1 by Pollaczek and Khinchine with one process, and no less with more.
    io, cpu, rate = 1.0, 2.0, 0.3
    workload = Workload(Poisson(rate), IoThenCpu(Exponential(io), Exponential(cpu)))
    squares = (io + cpu) ** 2 + io**2 + cpu**2
    one = solve_exactly(workload, Fleet(1))
    assert one is not None and one.figure("mean_wait") == pytest.approx(rate * squares / 2 / (1 - rate * 3.0))
    waits = [one.figure("mean_wait")]
    for processes in (2, 3):
        chain = solve_exactly(workload, Fleet(processes, processes=processes))
        assert chain is not None
        waits.append(chain.figure("mean_wait"))
        assert chain.figure("mean_sojourn") == pytest.approx(waits[-1] + io + cpu)
    assert all(more < fewer for fewer, more in pairwise(waits))


def test_states_are_counted_as_they_are_listed() -> None:
    assert sizes_of(8, 3) == (3, 3, 2) and sizes_of(2, 3) == (1, 1)
    # Pairs (busy, computing) with at most three busy: ten; two of them in any order and one of six.
    assert count_states((3, 3, 2)) == math.comb(11, 2) * 6
