"""Questions of every kind, edges and odd mixtures among them, whose answers other programs found; each line of the
files says how.
"""

import json
from pathlib import Path

import pytest

from planner.simulation.effort import Effort
from tests.bench.planner_reference import check


def questions(name: str) -> list[dict]:
    return [json.loads(line) for line in Path(__file__).with_name(name).read_text().splitlines()]


def told(case: dict) -> str:
    return f"{case['id']}-{case['model']}"


@pytest.mark.parametrize("case", questions("outside_answers.jsonl"), ids=told)
def test_every_figure_is_right(case: dict) -> None:
    rows, method = check(case, Effort())
    assert [row for row in rows if not row.right] == [], method


@pytest.mark.slow
@pytest.mark.parametrize("case", questions("outside_answers_slow.jsonl"), ids=told)
def test_every_figure_that_takes_its_time_is_right(case: dict) -> None:
    rows, method = check(case, Effort())
    assert [row for row in rows if not row.right] == [], method
