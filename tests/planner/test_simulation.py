"""The simulator against theory, inside its own error bars, and against Ciw and SimPy, which share nothing with it."""

from collections.abc import Generator

import ciw
import numpy as np
import pytest
import simpy

from planner.exact.erlang import exponential_wait
from planner.fleet import Fleet, RateLimit
from planner.laws.arrivals import BatchPoisson, Poisson, PoissonClasses
from planner.laws.coupling import from_exponential
from planner.laws.named import (
    Deterministic,
    Discrete,
    Exponential,
    Gamma,
    IoThenCpu,
    Law,
    Lognormal,
    Mixture,
    scv,
)
from planner.predict import predict
from planner.simulation import fcfs, queue_run
from planner.simulation.effort import Effort
from planner.simulation.fcfs_plain import waits_plain
from planner.simulation.queue_kernel import GAVE_UP, REFUSED
from planner.simulation.replications import Simulation
from planner.workload import Retries, Workload

QUICK = Effort(seconds=0.5, shortest=40_000, seed=7)
LONG_TAILED = Lognormal(-0.5 * np.log(3.0), float(np.sqrt(np.log(3.0))))


def chance(jobs: int, rate: float, service: Law, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    times = np.cumsum(random.standard_exponential(jobs)) / rate
    return times, service.draw(random, jobs)


def one_class(times: np.ndarray, hold: np.ndarray, **more: np.ndarray) -> queue_run.Jobs:
    count = len(times)
    zeros = np.zeros(count, dtype=np.int64)
    return queue_run.Jobs(times, more.pop("rank", zeros), np.arange(count + 1), hold, np.zeros(count), **more)


def test_simulated_exponential_queue_covers_erlang_c() -> None:
    truth = exponential_wait(10, 8.0, 1.0)
    run = Simulation(Workload(Poisson(8.0), LONG_TAILED), Fleet(10), ("mean_wait",), QUICK)
    assert run.controls, "a twin is run beside"
    plain = Simulation(Workload(Poisson(8.0), Gamma(1.0, 1.0)), Fleet(10), ("mean_wait", "prob_wait"), QUICK)
    plain.controls = ()
    figures = plain.run()
    assert abs(figures["mean_wait"].value - truth.mean) < 2.0 * figures["mean_wait"].half_width
    assert abs(figures["prob_wait"].value - truth.tail(0.0)) < 2.0 * figures["prob_wait"].half_width


def test_controls_narrow_the_band_and_keep_the_answer() -> None:
    workload = Workload(Poisson(8.0), LONG_TAILED)
    with_twin = Simulation(workload, Fleet(10), ("mean_wait",), QUICK)
    alone = Simulation(workload, Fleet(10), ("mean_wait",), QUICK)
    alone.controls = ()
    one, other = with_twin.run()["mean_wait"], alone.run()["mean_wait"]
    assert one.half_width * np.sqrt(len(with_twin.done)) < 0.6 * other.half_width * np.sqrt(len(alone.done))
    assert abs(one.value - other.value) < 1.5 * (one.half_width + other.half_width)


def test_one_pass_and_event_by_event_give_every_job_the_same_wait() -> None:
    times, hold = chance(30_000, 9.0, LONG_TAILED)
    limit = RateLimit(10, 1.0)
    patience = np.full(len(times), 0.4)
    for fleet, given in ((Fleet(10), None), (Fleet(10, rate_limit=limit), None), (Fleet(8), patience)):
        events = queue_run.run(one_class(times, hold, patience=given), fleet)
        assert np.array_equal(events.waits, fcfs.waits(times, hold, fleet.slots, given, fleet.rate_limit))


@pytest.mark.parametrize("slots", [1, 7, 200])
def test_without_a_compiler_every_job_waits_as_long(slots: int) -> None:
    times, hold = chance(20_000, 0.9 * slots, LONG_TAILED)
    assert np.allclose(waits_plain(times, hold, slots), fcfs.waits(times, hold, slots), atol=1e-9)


def test_simpy_gives_every_job_the_same_wait() -> None:
    times, hold = chance(4_000, 4.5, LONG_TAILED)
    waits: list[float] = [0.0] * len(times)

    def job(
        environment: simpy.Environment, slots: simpy.Resource, i: int
    ) -> Generator[simpy.Event, None, None]:
        yield environment.timeout(times[i])
        with slots.request() as slot:
            yield slot
            waits[i] = environment.now - times[i]
            yield environment.timeout(hold[i])

    environment = simpy.Environment()
    slots = simpy.Resource(environment, 5)
    for i in range(len(times)):
        environment.process(job(environment, slots, i))
    environment.run()
    assert np.allclose(fcfs.waits(times, hold, 5), waits, atol=1e-9)


def test_simpy_serves_priority_classes_in_the_same_order() -> None:
    times, hold = chance(4_000, 4.8, Exponential(1.0))
    rank = np.random.default_rng(4).integers(0, 3, len(times))
    waits: list[float] = [0.0] * len(times)

    def job(environment: simpy.Environment, slots: simpy.PriorityResource, i: int) -> Generator:
        yield environment.timeout(times[i])
        with slots.request(priority=int(rank[i])) as slot:
            yield slot
            waits[i] = environment.now - times[i]
            yield environment.timeout(hold[i])

    environment = simpy.Environment()
    slots = simpy.PriorityResource(environment, 5)
    for i in range(len(times)):
        environment.process(job(environment, slots, i))
    environment.run()
    assert np.allclose(queue_run.run(one_class(times, hold, rank=rank), Fleet(5)).waits, waits, atol=1e-9)


class Given(ciw.dists.Distribution):
    """Ciw's customer number i takes what is given to job i."""

    def __init__(self, hold: np.ndarray) -> None:
        self.hold = hold

    def sample(self, t: float | None = None, ind: ciw.Individual | None = None) -> float:  # noqa: ARG002
        assert ind is not None
        return float(self.hold[ind.id_number - 1])


def test_ciw_refuses_the_same_jobs_where_room_is_short_and_starts_the_others_when_we_do() -> None:
    times, hold = chance(6_000, 4.6, Gamma(0.5, 1.0))
    network = ciw.create_network(
        arrival_distributions=[ciw.dists.Sequential([*np.diff(times, prepend=0.0), float("inf")])],
        service_distributions=[Given(hold)],
        number_of_servers=[4],
        queue_capacities=[6],
    )
    simulation = ciw.Simulation(network)
    simulation.simulate_until_max_customers(len(times), method="Arrive")
    records = simulation.get_all_records(only=["service", "rejection"])
    refused = {one.id_number - 1 for one in records if one.record_type == "rejection"}
    ours = queue_run.run(one_class(times, hold), Fleet(4, places=10))
    # Ciw ends when the last job comes, so the last ones in the queue have no record.
    waited = {one.id_number - 1: one.waiting_time for one in records if one.record_type == "service"}
    assert refused == set(np.flatnonzero(ours.outcome == REFUSED)) and len(refused) > 500
    assert len(times) - len(refused) - len(waited) <= 10
    assert np.allclose(ours.waits[list(waited)], list(waited.values()), atol=1e-9)
    workload = Workload(Poisson(4.6), Gamma(0.5, 1.0))
    share = predict(workload, Fleet(4, places=10), ("p_block",), QUICK)["p_block"]
    # Refusals come in clusters: their share in parts of the run tells how sure it is.
    parts = [np.mean(part == REFUSED) for part in np.array_split(ours.outcome, 12)]
    assert abs(share - np.mean(parts)) < 4.0 * np.std(parts, ddof=1) / np.sqrt(len(parts))


def test_flow_is_kept_when_callers_give_up_and_room_is_short() -> None:
    times, hold = chance(20_000, 12.0, Exponential(1.0))
    jobs = one_class(times, hold, patience=np.random.default_rng(2).standard_exponential(len(times)))
    outcome = queue_run.run(jobs, Fleet(10, places=14)).outcome
    assert (outcome == REFUSED).any() and (outcome == GAVE_UP).any()
    assert np.bincount(outcome, minlength=4)[3] == 0, "nobody is left in the queue"


def test_a_window_never_sees_more_starts_than_it_allows() -> None:
    times, hold = chance(5_000, 30.0, Deterministic(0.01))
    starts = times + fcfs.waits(times, hold, 20, limit=RateLimit(10, 1.0))
    opened = starts[0]
    count = 0
    for start in starts:
        if start >= opened + 1.0 - 1e-9:
            opened, count = start, 0
        count += 1
        assert count <= 10


def test_a_parent_starts_after_its_last_child() -> None:
    ready = np.array([0.0, 0.0, 0.0, 1.0])
    parent = np.array([-1, 0, 0, -1])
    out = queue_run.run(one_class(ready, np.array([1.0, 2.0, 5.0, 1.0]), parent=parent), Fleet(2))
    assert out.finished[0] == 6.0


def test_a_lifo_job_passes_those_who_wait() -> None:
    lifo = np.array([0, 0, 1], dtype=np.int64)
    out = queue_run.run(one_class(np.array([0.0, 0.1, 0.2]), np.ones(3), lifo=lifo), Fleet(1))
    assert out.waits == pytest.approx([0.0, 1.9, 0.8])


def test_nothing_starts_while_the_queue_is_paused() -> None:
    out = queue_run.run(one_class(np.array([0.0, 1.0, 9.0]), np.full(3, 0.5)), Fleet(1), pauses=((0.5, 5.0),))
    assert out.waits == pytest.approx([0.0, 4.0, 0.0])


def test_a_failed_attempt_comes_back_at_the_tail_and_a_stalled_one_at_the_head() -> None:
    def second_start(back: float) -> float:
        jobs = queue_run.Jobs(
            np.array([0.0, 0.1]), np.zeros(2, dtype=np.int64), np.array([0, 2, 3]),
            np.array([1.0, 1.0, 1.0]), np.array([back, 0.0, 0.0]),
        )  # fmt: skip
        return float(queue_run.run(jobs, Fleet(1)).waits[1])

    assert second_start(back=0.0) == 1.0
    assert second_start(back=-0.9) == pytest.approx(0.1), (
        "found 0.9 s after its start, its slot is back at 1 s"
    )


def test_attempts_are_as_many_as_the_failures_ask_for() -> None:
    workload = Workload(Poisson(3.0), Exponential(1.0), Retries(0.5, 3, 0.1))
    assert workload.attempts_per_second == pytest.approx(3.0 * 1.75)
    found = predict(workload, Fleet(12), ("mean_completion_time",), QUICK)
    # Almost no waits: 1.75 services and 0.75 delays.
    assert found["mean_completion_time"] == pytest.approx(1.75 + 0.075, rel=0.02)


def test_shared_cores_simulated_cover_the_exact_chain() -> None:
    stages = IoThenCpu(Exponential(0.5), Gamma(1.0, 0.05))
    exact = predict(
        Workload(Poisson(8.0), IoThenCpu(Exponential(0.5), Exponential(0.05))), Fleet(10), ("mean_sojourn",)
    )
    found = Simulation(Workload(Poisson(8.0), stages), Fleet(10), ("mean_sojourn",), QUICK).run()[
        "mean_sojourn"
    ]
    assert abs(found.value - exact["mean_sojourn"]) < 2.0 * found.half_width


def test_classes_simulated_cover_cobham() -> None:
    workload = Workload(PoissonClasses((2.0, 3.0, 3.0)), Gamma(1.0, 1.0))
    found = Simulation(workload, Fleet(10), ("mean_wait_class2",), QUICK).run()["mean_wait_class2"]
    assert abs(found.value - 0.40918015) < 2.0 * found.half_width


def test_one_seed_gives_one_answer() -> None:
    workload = Workload(BatchPoisson(0.8, (8,), (1.0,)), Deterministic(1.0))
    one, other = (
        Simulation(workload, Fleet(10), ("p95_wait",), Effort(seconds=0.0, shortest=20_000)).run()
        for _ in range(2)
    )
    assert one == other


@pytest.mark.parametrize(
    ("limit", "fewest"),
    [({"seconds": 0.1}, 1_200_000), ({"seconds": 60.0, "most_jobs": 1_000_000}, 1_000_000)],
)
def test_a_count_of_jobs_ends_a_run_whatever_else_the_machine_does(limit: dict, fewest: int) -> None:
    workload, never_sure = Workload(Poisson(8.0), LONG_TAILED), 1e-9
    busy, quiet = (
        Simulation(
            workload, Fleet(10), ("p95_wait",), Effort(never_sure, threads=threads, shortest=10_000, **limit)
        )
        for threads in (1, 4)
    )
    assert busy.run() == quiet.run()
    assert busy.jobs == quiet.jobs and fewest <= busy.jobs < fewest + 16 * 10_400


@pytest.mark.parametrize(
    "law",
    [
        LONG_TAILED,
        Gamma(0.3, 1.0),
        Discrete((0.1, 2.0), (0.7, 0.3)),
        Mixture((0.5, 0.5), (Lognormal(0.0, 1.0), Deterministic(1.0))),
    ],
)
def test_coupled_draws_follow_the_law(law: Law) -> None:
    drawn = from_exponential(law, np.random.default_rng(1).standard_exponential(500_000))
    assert drawn.mean() == pytest.approx(law.mean, rel=0.01)
    assert drawn.var() / law.mean**2 == pytest.approx(scv(law), rel=0.06)
