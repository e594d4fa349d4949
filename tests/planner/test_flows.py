"""Parents that wait for children in another queue: job by job as SimPy plays both queues, and what is refused."""

import numpy as np
import pytest

from planner.bull_options import Children, Elsewhere, JobOptions
from planner.errors import BadInput
from planner.file.document import parsed
from planner.file.queue_file import read_document
from planner.fleet import Fleet
from planner.laws.arrivals import BatchPoisson, Poisson
from planner.laws.named import Exponential, Lognormal
from planner.predict import predict
from planner.simulation.bull_draws import made
from planner.simulation.effort import Effort
from planner.simulation.queue_run import run
from planner.simulation.runs import draw
from planner.workload import Retries, Workload
from tests.planner.bull_twin import Rules, Twin
from tests.planner.bull_twin_jobs import per_attempt, twin_jobs

ORDERS = "{name: orders, concurrency: 4, jobs_per_hour: 3600, children: {share: 0.2, count: 3, queue: pages}}"
PAGES = "{name: pages, concurrency: 5, jobs_per_hour: 1800, service: {law: exponential, mean: 2s}}"


@pytest.mark.parametrize("priorities", [(), ((0, 0.5), (2, 0.5))])
def test_simpy_starts_every_job_of_both_queues_when_we_do(priorities):
    theirs = Elsewhere(Workload(Poisson(0.5), Lognormal(0.0, 0.8), Retries(0.1, 2, 1.0)), Fleet(4))
    children = Children(0.3, 3, "pages", theirs)
    options = JobOptions(priorities, lifo=0.2, children=children)
    workload = Workload(Poisson(2.0), Exponential(1.5), options=options)
    random = np.random.default_rng(6)
    drawn = draw(workload, random, 1500)
    one = made(workload, drawn, random)
    assert one.brought is not None
    other, span = one.brought.jobs, float(drawn.arrivals.times[-1])
    values = [value for value, _ in priorities] or [0]
    mine = Twin(twin_jobs(one.jobs, values), Rules(own_set=True, late=False, slots=4))
    others = Twin(twin_jobs(other, [0]), Rules(own_set=True, late=False, slots=4), mine.env, above=mine)
    theirs_ended = run(other, theirs.fleet).finished
    linked = 0
    for parent, kids in zip(one.brought.parents.tolist(), one.brought.children.tolist(), strict=True):
        # What is ready after the end of the run is ready as long after its begin: SimPy takes it as it comes.
        if theirs_ended[kids].max() > span:
            continue
        linked += 1
        mine.jobs[parent].children = len(kids)
        for kid in kids:
            others.jobs[kid].parent = parent
    assert linked > 300
    mine.begin()
    others.begin()
    mine.env.run()
    ours = run(one.jobs, Fleet(4))
    assert np.nanmax(ours.waits) > 1.0, "there is a queue"
    assert np.allclose(ours.waits, per_attempt(one.jobs, mine.waits), atol=1e-7)
    assert np.allclose(
        run(other, theirs.fleet).waits, per_attempt(other, others.waits), atol=1e-7, equal_nan=True
    )


def read(text: str):
    return read_document("fleet.yaml", text, parsed("fleet.yaml", text))


def test_the_other_queue_has_the_children_as_batches_beside_its_own_jobs():
    orders, pages = read(f"queues: [{ORDERS}, {PAGES}]").queues
    assert pages.question.workload.arrivals == BatchPoisson(
        pytest.approx(0.7), (1, 3), pytest.approx((5 / 7, 2 / 7))
    )
    assert pages.question.workload.jobs_per_second == pytest.approx(0.5 + 0.6)
    assert "arrivals: the children of orders come on top, as batches" in pages.assumed
    assert orders.question.workload.jobs_per_second == pytest.approx(1.0)
    children = orders.question.workload.options.children
    assert children.elsewhere.workload.arrivals == Poisson(0.5) and children.elsewhere.fleet.slots == 5


def test_both_queues_are_answered():
    effort = Effort(seconds=0.0, round_size=4, rounds_at_least=1, shortest=20_000)
    for queue in read(f"queues: [{ORDERS}, {PAGES}]").queues:
        found = predict(queue.question.workload, queue.question.fleet, ("mean_wait", "throughput"), effort)
        assert found.stable and found["mean_wait"] > 0.0
        assert found["throughput"] == pytest.approx(queue.question.workload.jobs_per_second)


@pytest.mark.parametrize(
    ("orders", "pages", "told"),
    [
        (
            "queue: page",
            "",
            "queues[0].children.queue: 'page' is no other queue of the file; there are pages",
        ),
        (
            "queue: orders",
            "",
            "queues[0].children.queue: 'orders' is no other queue of the file; there are pages",
        ),
        (
            "queue: pages",
            "children: {share: 0.1, count: 2}",
            "children in 'pages', which has children itself, are",
        ),
        (
            "queue: pages",
            "delayed: {share: 0.1, delay: 1s}",
            "children in 'pages', which has delayed itself, are",
        ),
        (
            "queue: pages",
            "places: 9",
            "children in 'pages', which has places itself, are not answered; leave one out",
        ),
    ],
)
def test_a_flow_that_is_not_answered_is_one_line(orders, pages, told):
    first = ORDERS.replace("queue: pages", orders)
    second = PAGES.replace("name: pages", f"name: pages, {pages}" if pages else "name: pages")
    with pytest.raises(BadInput) as problem:
        read(f"queues: [{first}, {second}]")
    assert told in str(problem.value) and "\n" not in str(problem.value)


def test_parents_that_follow_the_clock_are_refused():
    clock = "arrivals: {process: sinusoid, mean_per_second: 1, amplitude: 0.5, period: 1h}"
    with pytest.raises(
        BadInput, match="parents that don't come as Poisson are not answered; give 'orders' jobs_per"
    ):
        read(f"queues: [{ORDERS.replace('jobs_per_hour: 3600', clock)}, {PAGES}]")
