"""Questions beyond the shipped reference whose answers were found another way; each line of other_answers.jsonl says
how.
"""

import json
from pathlib import Path

import numpy as np
import pytest

from planner.exact.choice import solve_exactly
from planner.exact.phases import Crowd, phase_type
from planner.exact.plainest import plainest
from planner.file.reading import read_question
from planner.fleet import Fleet
from planner.laws.arrivals import Profile
from planner.laws.named import Deterministic, Discrete, Exponential, Gamma, Law, Mixture, Weibull
from planner.predict import predict
from planner.simulation.effort import Effort
from planner.workload import Workload
from tests.bench.planner_reference import check

CASES = [
    json.loads(line) for line in Path(__file__).with_name("other_answers.jsonl").read_text().splitlines()
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['id']}-{case['model']}")
def test_every_figure_is_right_without_a_simulation(case: dict) -> None:
    question = read_question(case)
    assert "find" in case or solve_exactly(question.workload, question.fleet) is not None
    rows, method = check(case, Effort())
    assert [row for row in rows if not row.right] == [], method


@pytest.mark.parametrize("slots", [111, 200, 1_000])
def test_a_job_that_starts_on_one_of_many_slots_always_leads_somewhere(slots: int) -> None:
    law = phase_type(Gamma(2.0, 1.0))
    assert law is not None
    assert np.allclose(Crowd(law, slots).enter(slots - 1).sum(axis=1), 1.0)


@pytest.mark.parametrize("law", [Exponential(1.0), Gamma(2.0, 1.0)], ids=["exact", "simulated"])
def test_the_worst_part_of_a_period_is_none_in_which_nobody_comes(law: Law) -> None:
    workload = Workload(Profile((0.0, 1.0, 3.0), 4.0, 240.0), law)
    effort = Effort(seconds=0.1, shortest=20_000)
    assert predict(workload, Fleet(13), ("worst_bin",), effort)["worst_bin"] >= 16.0


def test_a_plainer_law_in_disguise_is_found() -> None:
    assert plainest(Weibull(1.0, 3.0)) == plainest(Gamma(1.0, 3.0)) == Exponential(3.0)
    assert plainest(Discrete((2.0, 2.0), (0.5, 0.5))) == Deterministic(2.0)
    alike = Mixture((0.4, 0.6, 0.0), (Exponential(3.0), Gamma(1.0, 3.0), Deterministic(9.0)))
    assert plainest(alike) == Exponential(3.0)
    assert plainest(Gamma(2.0, 3.0)) == Gamma(2.0, 3.0)
