"""What users write: durations, laws, objectives, and one clear line for each mistake."""

from typing import Any

import pytest

from planner.errors import BadInput
from planner.figures import read_name
from planner.file.durations import seconds
from planner.file.reading import read_objective, read_question
from planner.laws.named import Deterministic, scv

POISSON = {"process": "poisson", "per_second": 2}
EXPONENTIAL = {"law": "exponential", "mean": "800ms"}


def queue(**more: Any) -> dict[str, Any]:
    return {"arrivals": POISSON, "service": EXPONENTIAL, "slots": 4} | more


@pytest.mark.parametrize(
    ("written", "expected"),
    [("800ms", 0.8), ("2s", 2.0), ("1m", 60.0), (0.5, 0.5), ("1.5h", 5400.0), ("24h", 86400.0)],
)
def test_durations_read_as_seconds(written: object, expected: float) -> None:
    assert seconds(written) == pytest.approx(expected)


def test_a_queue_reads_into_values() -> None:
    question = read_question(queue(acquire_timeout="10s", places=9, rate_limit={"max": 100, "window": "1s"}))
    assert question.workload.offered_load == pytest.approx(1.6)
    assert question.workload.patience == Deterministic(10.0)
    assert question.fleet.places == 9


@pytest.mark.parametrize(
    ("service", "mean", "variability"),
    [
        ({"law": "lognormal", "mean": 2, "scv": 4}, 2.0, 4.0),
        ({"law": "lognormal", "median": 1, "sigma": 1}, 1.6487, 1.71828),
        ({"law": "gamma", "mean": 3, "scv": 0.5}, 3.0, 0.5),
        ({"law": "weibull", "mean": 1, "scv": 2}, 1.0, 2.0),
        ({"law": "discrete", "values": ["50ms", 1], "p": [0.9, 0.1]}, 0.145, 3.86),
        ({"law": "mixture", "p": [0.5, 0.5], "components": [EXPONENTIAL, EXPONENTIAL]}, 0.8, 1.0),
        ({"law": "bounded_pareto", "alpha": 2.2, "low": 0.4, "high": 200}, 0.7329, 1.331),
    ],
)
def test_laws_have_the_moments_they_are_written_with(service: dict, mean: float, variability: float) -> None:
    law = read_question(queue(service=service)).workload.service
    assert law.mean == pytest.approx(mean, rel=1e-3)
    assert scv(law) == pytest.approx(variability, rel=2e-2)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("mistake", "says"),
    [
        ({"arrivals": POISSON | {"per_second": -1}}, "q.arrivals.per_second: -1"),
        ({"arrivals": POISSON | {"per_second": float("nan")}}, "q.arrivals.per_second: nan"),
        ({"service": {"law": "exponential", "mean": "soon"}}, "q.service.mean: 'soon'"),
        ({"service": {"law": "lognormal", "mean": 1}}, "q.service: give mean and scv"),
        ({"service": {"law": "discrete", "values": [1, 2], "p": [0.5, 0.4]}}, "must sum to 1"),
        ({"slotz": 3}, "q.slotz"),
        ({"slots": 0}, "q.slots: 0"),
        ({"places": 2}, "q.places: 2 is below slots 4"),
        ({"acquire_timeout": 1, "patience": EXPONENTIAL}, "q.patience: given beside acquire_timeout"),
        ({"objective": {"p95_weight": 1}}, "q.objective.p95_weight"),
        ({"objective": {"p95_wait": "-1s"}}, "q.objective.p95_wait"),
    ],
)
def test_a_mistake_is_one_line_with_its_path(mistake: dict, says: str) -> None:
    with pytest.raises(BadInput) as caught:
        read_question(queue(**mistake), "q")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_bounds_know_their_direction() -> None:
    wait, share = read_objective({"p95_wait": "750ms", "share_within_20s": 0.8}).bounds
    assert (wait.value, wait.at_least) == (0.75, False)
    assert (share.value, share.at_least) == (0.8, True)


def test_names_of_figures_carry_their_level() -> None:
    assert read_name("p99.9_wait").level == 0.999
    assert read_name("p999_wait").level == 0.999
    assert read_name("p95_wait_class1").priority_class == 1
    assert read_name("worst_bin_p95_wait").worst_bin
    assert read_name("p_wait_le_20s").level == 20.0
