"""What no method answers is refused in one line, not left out in silence and not met with a traceback."""

import pytest

from planner.cli import main
from planner.errors import BadInput
from planner.fleet import Fleet, RateLimit
from planner.laws.arrivals import BatchPoisson, Poisson, PoissonClasses
from planner.laws.named import Exponential, Gamma, IoThenCpu
from planner.predict import predict
from planner.simulation.effort import Effort
from planner.workload import Retries, Workload

SHARED = IoThenCpu(Exponential(0.2), Exponential(0.05))
QUICK = Effort(seconds=0.1, shortest=20_000)


@pytest.mark.parametrize(
    ("workload", "fleet", "part"),
    [
        (Workload(Poisson(1.0), SHARED, Retries(0.1, 3, 1.0)), Fleet(2), "retries"),
        (Workload(Poisson(1.0), SHARED, patience=Exponential(1.0)), Fleet(2), "patience"),
        (Workload(Poisson(1.0), SHARED), Fleet(2, places=4), "places"),
        (Workload(Poisson(1.0), SHARED), Fleet(2, rate_limit=RateLimit(5, 1.0)), "rate_limit"),
        (Workload(PoissonClasses((1.0, 1.0)), SHARED), Fleet(2), "arrivals.per_second"),
    ],
)
def test_what_slots_that_share_cores_cannot_have_is_refused(workload, fleet, part) -> None:
    with pytest.raises(BadInput, match=f"^{part}: .* beside service io_then_cpu is not answered"):
        predict(workload, fleet, ("mean_wait",))


@pytest.mark.parametrize(
    ("queue", "told"),
    [
        (
            "service: {law: io_then_cpu, io: {law: exponential, mean: 1s}, cpu: {law: exponential, mean: 10ms}},"
            " retries: {failure_ratio: 0.1, attempts: 3}",
            ":2: queues[0].retries: retries beside service io_then_cpu is not answered",
        ),
        (
            "objectives: {worst_bin_p95_wait: 1s}",
            ":2: queues[0].objectives.worst_bin_p95_wait: this queue has no period",
        ),
        (
            "objectives: {p95_wait_class1: 1s}",
            ":2: queues[0].objectives.p95_wait_class1: this queue has no priority",
        ),
        (
            "objectives: {mean_batch_makespan: 1s}",
            ":2: queues[0].objectives.mean_batch_makespan: this queue has no ba",
        ),
    ],
)
def test_the_command_names_the_line(queue, told, tmp_path, capsys) -> None:
    path = tmp_path / "fleet.yaml"
    path.write_text(f"queues:\n- {{name: q, jobs_per_hour: 60, {queue}}}\n")
    assert main(["predict", str(path)]) == 2
    err = capsys.readouterr().err
    assert told in err and err.count("\n") == 1


def test_without_retries_the_first_attempt_is_the_only_one() -> None:
    figures = (
        "mean_wait",
        "mean_wait_first_attempt",
        "mean_wait_per_attempt",
        "mean_sojourn",
        "mean_completion_time",
    )
    found = predict(
        Workload(BatchPoisson(0.5, (1, 3), (0.5, 0.5)), Exponential(1.0)), Fleet(2), figures, QUICK
    )
    assert found["mean_wait_first_attempt"] == found["mean_wait_per_attempt"] == found["mean_wait"]
    assert found["mean_completion_time"] == found["mean_sojourn"]


def test_a_share_that_no_job_of_a_run_showed_has_a_band(tmp_path) -> None:
    idle = Workload(Poisson(0.01), Gamma(2.0, 1.0), Retries(0.05, 3, 5.0))
    waits = predict(idle, Fleet(25), ("prob_wait",), QUICK).figures["prob_wait"]
    assert waits.value == 0.0 < waits.half_width < 1e-4
