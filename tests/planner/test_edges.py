"""Values at the edge of what a file may say: laws without breadth, no work, one beat, bounds that nobody can tell."""

import numpy as np
import pytest

from planner.errors import BadInput
from planner.exact.shared_cpu import saturated_throughput
from planner.file.reading import read_question
from planner.fleet import Fleet
from planner.laws.arrivals import Poisson
from planner.laws.named import Deterministic, Exponential, IoThenCpu, Lognormal
from planner.objective import Bound, Objective
from planner.predict import predict
from planner.simulation.effort import Effort
from planner.simulation.known_durations import known_beside_waits
from planner.simulation.runs import draw, replicate
from planner.sizing import size
from planner.workload import Retries, Workload

POISSON = {"process": "poisson", "per_second": 1.0}


@pytest.mark.parametrize(
    ("law", "breadth"), [("lognormal", "scv"), ("lognormal", "sigma"), ("gamma", "scv"), ("weibull", "scv")]
)
def test_a_law_without_breadth_is_a_constant(law: str, breadth: str) -> None:
    given = {"arrivals": POISSON, "service": {"law": law, "mean": "800ms", breadth: 0}, "slots": 2}
    assert read_question(given).workload.service == Deterministic(0.8)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("service", {"law": "deterministic", "value": 0}, "service: 0 s"),
        ("arrivals", {"process": "mmpp", "per_second": [0, 0], "switch_per_second": [1, 1]}, "both rates are 0"),
        ("arrivals", {"process": "renewal", "interval": {"law": "deterministic", "value": 0}}, "intervals are 0 s"),
    ],
)  # fmt: skip
def test_no_work_and_no_arrivals_are_refused_in_one_line(field: str, value: dict, said: str) -> None:
    given = {"arrivals": POISSON, "service": {"law": "exponential", "mean": 1}, "slots": 2, field: value}
    with pytest.raises(BadInput, match=said):
        read_question(given)


def test_jobs_that_compute_nothing_are_limited_by_their_slots() -> None:
    assert saturated_throughput(4, 0.5, 0.0, 1.0) == 8.0


def test_on_one_beat_nobody_waits_for_roundings() -> None:
    """Arrivals each 0.1 s, services of 0.2 or 1 s on 7 slots; the same in whole tenths of a second is exact."""
    question = read_question(
        {
            "arrivals": {"process": "renewal", "interval": {"law": "deterministic", "value": 0.1}},
            "service": {"law": "discrete", "values": [0.2, 1.0]},
            "slots": 7,
        }
    )
    random = np.random.default_rng(1)
    drawn = draw(question.workload, random, 50_000)
    waits = replicate(question.workload, question.fleet, drawn, random, 0).series["wait"].seconds
    tenths = np.where(drawn.unit < np.log(2.0), 2, 10)
    free, whole = [0] * 7, []
    for moment, held in enumerate(tenths.tolist(), start=1):
        start = max(moment, min(free))
        free[free.index(min(free))] = start + held
        whole.append(start - moment)
    assert (waits > 0).mean() == pytest.approx((np.array(whole) > 0).mean(), abs=1e-12)
    assert waits.mean() == pytest.approx(np.mean(whole) / 10.0, rel=1e-9)


def test_the_mean_stay_is_the_wait_and_the_known_service() -> None:
    workload, effort = Workload(Poisson(8.0), Lognormal(-0.8, 1.2)), Effort(most_jobs=1, shortest=5_000)
    found = predict(workload, Fleet(9), ("mean_wait", "mean_sojourn", "mean_completion_time"), effort)
    assert found["mean_sojourn"] == pytest.approx(found["mean_wait"] + workload.service.mean, rel=1e-12)
    assert found["mean_completion_time"] == found["mean_sojourn"]


def test_of_a_job_that_is_tried_again_only_the_waits_are_left_to_chance() -> None:
    retries = Retries(0.2, 3, 5.0, "exponential")
    known = known_beside_waits("completion_time", Workload(Poisson(1.0), Deterministic(2.0), retries))
    assert known is not None
    assert known.times == pytest.approx(1.24)  # 1 + 0.2 + 0.04
    assert known.seconds == pytest.approx(1.24 * 2.0 + 0.2 * 5.0 + 0.04 * 10.0)


def test_a_stay_below_the_service_is_met_by_no_number_of_slots() -> None:
    workload = Workload(Poisson(2.0), Lognormal(-0.5, 1.0))
    bound = Bound("mean_sojourn", workload.service.mean * 0.999)
    assert size(workload, Objective((bound,)), effort=Effort(seconds=0.1, shortest=4_000)) is None


def test_a_bound_that_no_run_can_tell_from_the_limit_is_said_to_be_so() -> None:
    """One core computes half of the time: with any number of slots a job stays 0.5 + 0.05 / (1 - 0.5) = 0.6 s."""
    workload = Workload(Poisson(10.0), IoThenCpu(Exponential(0.5), Deterministic(0.05)))
    plan = size(
        workload, Objective((Bound("mean_sojourn", 0.6),)), effort=Effort(seconds=0.3, shortest=20_000)
    )
    assert plan is not None
    assert any("can't be decided closer than" in doubt for doubt in plan.prediction.doubts)


def test_a_stay_that_more_slots_on_one_core_only_lengthen_is_met_by_few() -> None:
    """By another program's 3.6 million jobs 7.89 ± 0.05 s on 5 slots, 8.59 ± 0.03 s on 8; 4 can't do the work."""
    workload = Workload(Poisson(0.9), IoThenCpu(Deterministic(1.0), Deterministic(1.0)))
    plan = size(
        workload, Objective((Bound("mean_sojourn", 8.3),)), effort=Effort(seconds=1.0, shortest=30_000)
    )
    assert plan is not None
    assert plan.slots_needed == 5
