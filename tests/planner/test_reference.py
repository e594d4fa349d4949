"""The answers of the shipped reference that an exact method gives; the simulated ones are in tests/bench."""

import json
from pathlib import Path

import pytest

from planner.exact.choice import solve_exactly
from planner.file.reading import read_question
from planner.simulation.effort import Effort
from tests.bench.planner_reference import check, part_of_allowed

FILE = Path(__file__).with_name("reference.jsonl")
CASES = [json.loads(line) for line in FILE.read_text().splitlines()]


def is_exact(case: dict) -> bool:
    question = read_question(case)
    return "find" in case or solve_exactly(question.workload, question.fleet) is not None


EXACT = [case for case in CASES if is_exact(case)]


def test_most_of_the_reference_needs_no_simulation() -> None:
    assert len(EXACT) >= 49
    assert sum(len(case["expect"]) for case in CASES) == 304


@pytest.mark.parametrize("case", EXACT, ids=lambda case: case["id"])
def test_every_figure_is_right(case: dict) -> None:
    rows, method = check(case, Effort())
    assert [row for row in rows if not row.right] == [], method


def test_the_rule_refuses_what_is_wrong() -> None:
    assert part_of_allowed(1.011, {"value": 1.0, "half_width_95": 0.0}) > 1.0
    assert part_of_allowed(1.0011, {"value": 1.0, "relative_error": 1e-12}) > 1.0
    assert part_of_allowed(3.0, {"value": 4.0, "error": "exact"}) > 1.0
    assert part_of_allowed(1e-8, {"value": 0.0, "relative_error": 1e-12}) > 1.0
