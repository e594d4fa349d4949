"""Long files: answers in milliseconds each, held against solved queues and against long runs that share nothing."""

import json
import math

import pytest

from planner.cli import main
from planner.fleet import Fleet
from planner.laws.arrivals import Poisson
from planner.laws.named import Gamma, Law, Lognormal
from planner.objective import Bound, Objective
from planner.predict import predict
from planner.size.long_files import MANY
from planner.size.screening import Screen
from planner.size.survey import survey
from planner.size.trial_chance import Chance
from planner.workload import Workload
from tests.bench.planner_sizes import refuted

FIGURES = (
    "mean_wait",
    "prob_wait",
    "p95_wait",
    "p99_wait",
    "mean_sojourn",
    "p50_sojourn",
    "p95_sojourn",
    "share_within_0.3s",
)


@pytest.mark.parametrize(("law", "load", "slots"), [(Gamma(2.0, 1.0), 3.2, 4), (Gamma(3.0, 0.2), 8.0, 10)])
def test_what_a_survey_tells_is_what_the_chain_says_within_its_band(
    law: Law, load: float, slots: int
) -> None:
    rate = load / law.mean
    truth = predict(Workload(Poisson(rate), law), Fleet(slots), FIGURES)
    assert truth.exact
    found, jobs = survey(Screen(rate, law, 0.3, 0.05), slots, FIGURES, Chance(7))
    assert jobs >= 160_000
    for figure in FIGURES:
        # Bins are 3 % wide; straight lines in them err by a hundredth of that.
        assert found[figure].value == pytest.approx(
            truth[figure], abs=2.0 * found[figure].half_width + 3e-4 * truth[figure]
        ), figure
    assert found["p95_wait"].half_width < 0.05 * truth["p95_wait"]


def long_file(count: int) -> str:
    """Queues of lognormal jobs, no two alike."""
    service = "service: {{law: lognormal, mean: 1s, scv: {}}}"
    rows = [
        f"- {{name: q{i}, jobs_per_hour: {3600 * (1 + 0.37 * i)}, {service.format(1 + i % 4)}}}"
        for i in range(count)
    ]
    return "queues:\n" + "\n".join(rows) + "\nobjectives: {p95_wait: 400ms}\n"


def sized(tmp_path, capsys, text: str, expected: int = 0) -> dict:
    path = tmp_path / "fleet.yaml"
    path.write_text(text)
    assert main(["size", str(path), "--json"]) == expected
    return json.loads(capsys.readouterr().out)


def test_a_long_file_is_sized_briefly_and_no_answer_is_refuted_by_a_long_run(tmp_path, capsys) -> None:
    found = sized(tmp_path, capsys, long_file(MANY + 1))
    assert found["sized_briefly"] == MANY + 1
    for place, row in enumerate(found["queues"]):
        assert row["method"].startswith("one run of 160,000 jobs")
        assert row["objectives_broken"] == [] and row["one_fewer_breaks"] == ["p95_wait over 0.4"]
        assert row["one_fewer"] is None and "--thorough" in row["one_fewer_unknown"]
        assert row["wait_half_width_95"]["p99"] > 0.0
        if place % 5:
            continue
        spread = math.log1p(1 + place % 4)
        law = Lognormal(-spread / 2, math.sqrt(spread))
        workload = Workload(Poisson(1 + 0.37 * place), law)
        assert refuted((workload, Objective((Bound("p95_wait", 0.4),))), row["slots_needed"]) == ""


def test_a_queue_of_a_long_file_that_is_cut_to_fit_tells_the_waits_it_then_has(tmp_path, capsys) -> None:
    text = long_file(MANY + 1).replace("service:", "memory_per_job_mb: 10, service:")
    needed = sized(tmp_path, capsys, text)["together"]["memory_mb"]["known"]
    text += f"budgets: {{memory_mb: {needed - 10}}}\n"
    rows = sized(tmp_path, capsys, text, expected=1)["queues"]
    cut = [row for row in rows if row["cut_to_fit"]]
    assert cut and all(row["objectives_broken"] == ["p95_wait"] for row in cut)
    assert all(row["wait_seconds"]["p95"] > 0.4 for row in cut)


def test_a_formula_answers_in_a_long_file_as_in_a_short_one(tmp_path, capsys) -> None:
    text = long_file(MANY + 1).replace("objectives", "- {name: plain, jobs_per_hour: 9000}\nobjectives")
    plain = sized(tmp_path, capsys, text)["queues"][-1]
    assert plain["name"] == "plain" and plain["method"] == plain["sized_by"] == "Erlang C (exact)"


def test_what_one_slot_fewer_brings_is_told_in_a_long_file_where_it_needs_no_run(tmp_path, capsys) -> None:
    rows = sized(tmp_path, capsys, long_file(MANY + 1).replace("400ms", "1h"))["queues"]
    # Any stable number is enough: 1 + 0.37 i Erlangs, and one slot fewer is short of what is over whole ones.
    for place, row in enumerate(rows[1:], start=1):
        load = 1 + 0.37 * place
        over = load - (row["slots_needed"] - 1)
        if 0 < over <= 1:
            assert not row["one_fewer"]["stable"] and row["one_fewer_unknown"] is None
            assert row["one_fewer"]["backlog_per_hour"] == pytest.approx(3600 * over)
    assert sum(row["one_fewer"] is not None for row in rows) > MANY // 2
