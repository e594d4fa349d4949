"""The plan behind What-if: it is the planner's file, and what is turned in it is what the planner's command answers."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from dashboard.plan.answers import answered_soon, slots_needed_soon, slots_to_draw, wait_by_slots, warm_up
from dashboard.plan.budget import keda, shared, sums, with_budgets
from dashboard.plan.changes import Changes, Facts, changed, facts
from dashboard.plan.document import as_yaml, read, today
from dashboard.plan.editor import edited, table
from dashboard.plan.files import as_html, as_markdown, report_blocks
from dashboard.plan.report import PROPOSED
from dashboard.plan.words import faster, longer
from planner.errors import BadInput
from planner.file.queue_file import read_file
from planner.laws.named import scv
from planner.laws.scaling import faster as faster_arrivals
from planner.laws.scaling import longer as longer_law
from planner.whatif.scenario import multiplied

ROOT = Path(__file__).parent.parent.parent
FLEET = ROOT / "docs/examples/planner/fleet.yaml"
LAWS: list[dict[str, Any]] = [
    {"law": "exponential", "mean": "800ms"},
    {"law": "deterministic", "value": 2},
    {"law": "erlang", "k": 3, "mean": 1.5},
    {"law": "hyperexponential", "p": [0.9, 0.1], "means": [1, "20s"]},
    {"law": "lognormal", "mean": 1.5, "scv": 4},
    {"law": "lognormal", "median": 1.5, "sigma": 0.5},
    {"law": "gamma", "shape": 2, "scale": 0.5},
    {"law": "weibull", "shape": 0.7, "mean": 3},
    {"law": "bounded_pareto", "alpha": 1.5, "low": 0.1, "high": 100},
    {"law": "discrete", "values": [1, 2, 9]},
    {"law": "mixture", "p": [0.5, 0.5], "laws": [{"law": "exponential", "mean": 1}, {"law": "erlang", "k": 2, "mean": 3}]},  # noqa: E501
]  # fmt: skip
ARRIVALS: list[dict[str, Any]] = [
    {"process": "poisson", "per_second": 2},
    {"process": "renewal", "interval": {"law": "gamma", "mean": 0.5, "scv": 3}},
    {"process": "mmpp", "per_second": [1, 9], "switch_per_second": [0.1, 0.5]},
    {"process": "batch_poisson", "batches_per_second": 0.5, "sizes": [1, 10]},
    {"process": "poisson_classes", "per_second": [1, 2]},
    {"process": "sinusoid", "mean_per_second": 2, "amplitude": 0.5, "period": "24h"},
    {"process": "profile", "mean_per_second": 2, "weights": [1, 3, 2]},
]


def planner(*arguments: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", "planner", *arguments, "--json"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode in (0, 1), done.stderr
    return json.loads(done.stdout)


def waits(row: dict[str, Any]) -> dict[str, float | None]:
    """Those that the screen shows; the command may tell more."""
    return {statistic: row["wait_seconds"][statistic] for statistic in ("mean", "p50", "p95", "p99")}


def one(**words: Any) -> dict[str, Any]:
    return {"queues": [{"name": "email", "concurrency": 5, **words}]}


def test_the_fleets_of_the_report_are_those_of_its_example() -> None:
    example = read_file(FLEET)
    assert read(PROPOSED, "report").queues == example.queues
    now = today(PROPOSED)
    assert now is not None
    assert read(now, "today").queues == example.today


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law["law"])
def test_a_service_made_longer_in_words_is_the_same_law_longer(law: dict[str, Any]) -> None:
    words = read(one(jobs_per_hour=100, service=longer(law, 2.5)), "x").queues[0]
    plain = read(one(jobs_per_hour=100, service=law), "x").queues[0]
    wanted = longer_law(plain.question.workload.service, 2.5)
    assert words.question.workload.service.mean == pytest.approx(wanted.mean, rel=1e-12)
    assert scv(words.question.workload.service) == pytest.approx(scv(wanted), rel=1e-9)  # type: ignore[arg-type]
    assert type(words.question.workload.service) is type(wanted)


@pytest.mark.parametrize("arrivals", ARRIVALS, ids=lambda given: given["process"])
def test_arrivals_made_faster_in_words_are_those_that_the_planner_makes_faster(
    arrivals: dict[str, Any],
) -> None:
    words = read(one(arrivals=faster(arrivals, 2.0)), "x").queues[0].question.workload.arrivals
    plain = read(one(arrivals=arrivals), "x").queues[0].question.workload.arrivals
    assert words == faster_arrivals(plain, 2.0)


@pytest.mark.parametrize("arrivals", [{"jobs_per_hour": 900}, *({"arrivals": given} for given in ARRIVALS)])
def test_twice_the_load_is_what_the_planner_makes_of_it(arrivals: dict[str, Any]) -> None:
    document = {**one(**arrivals), "today": [{"name": "email", "concurrency": 2}]}
    made = read(changed(document, Changes(load=2.0)), "x")
    assert (made.queues, made.today) == (
        (wanted := multiplied(read(document, "x"), 2.0)).queues,
        wanted.today,
    )


def test_twice_the_load_of_queues_that_share_a_total_is_told_once() -> None:
    made = changed(PROPOSED, Changes(load=2.0))
    assert made["jobs_per_hour"] == 20_000
    for queue, wanted in zip(
        read(made, "x").queues, multiplied(read(PROPOSED, "x"), 2.0).queues, strict=True
    ):
        arrivals = wanted.question.workload.arrivals
        assert queue.question.workload.arrivals.per_second == pytest.approx(arrivals.per_second)
        assert queue.question.fleet == wanted.question.fleet


def test_what_was_turned_is_what_the_command_answers() -> None:
    turned = Changes(load=3.0, queues=(("email", Facts(concurrency=8, workers=2)),))
    rows = [answered_soon(queue) for queue in read(changed(PROPOSED, turned), "x").queues]
    settings = ("--set", "email.concurrency=8", "--set", "email.workers=2", "--load", "3")
    [told] = planner("whatif", str(FLEET), *settings)["scenarios"]
    for row, wanted in zip(rows, told["queues"], strict=True):
        for same in ("slots", "stable", "objectives_broken", "ceiling_per_hour"):
            assert row[same] == wanted[same], row["name"]
        for near in ("utilisation", "jobs_per_hour", "offered_load"):
            assert row[near] == pytest.approx(wanted[near], rel=1e-12), row["name"]
        assert waits(row) == pytest.approx(waits(wanted), rel=1e-9), row["name"]


def test_the_plan_as_yaml_is_the_commands_input(tmp_path: Path) -> None:
    change = Facts(concurrency=4, jobs_per_hour=5000, service_seconds=1.25, failure_ratio=0.0)
    made = changed(
        PROPOSED, Changes(queues=(("notifications", change),), pool_connections=12, p95_wait_seconds=0.5)
    )
    (tmp_path / "plan.yaml").write_text(as_yaml(made))
    told = {row["name"]: row for row in planner("predict", str(tmp_path / "plan.yaml"))["queues"]}
    mine = {queue.name: answered_soon(queue) for queue in read(made, "x").queues}
    assert waits(told["notifications"]) == waits(mine["notifications"])
    assert told["notifications"]["offered_load"] == pytest.approx(5000 / 3600 * 1.25)
    assert told["notifications"]["objectives"] == {"p95_wait": 0.5}
    assert planner("pool", str(tmp_path / "plan.yaml"))["pools"][0]["connections"] == 12


def test_failures_are_the_planners_retries() -> None:
    made = changed(PROPOSED, Changes(queues=(("email", Facts(failure_ratio=0.1, attempts=3)),)))
    email = read(made, "x").queues[0]
    assert email.question.workload.attempts_per_second == pytest.approx(3000 / 3600 * (1 + 0.1 + 0.01))
    assert facts(email, made["queues"][0]).attempts == 3
    undone = changed(made, Changes(queues=(("email", Facts(failure_ratio=0.0)),)))
    assert "retries" not in undone["queues"][0]


def test_slots_said_at_once_become_concurrency_and_workers_when_turned() -> None:
    document = {"queues": [{"name": "email", "slots": 12, "jobs_per_hour": 100}]}
    queue = read(document, "x").queues[0]
    assert facts(queue, document["queues"][0]).concurrency == 12
    made = changed(document, Changes(queues=(("email", Facts(concurrency=6, workers=3)),)))
    assert read(made, "x").queues[0].question.fleet.slots == 18
    assert read(made, "x").queues[0].question.fleet.processes == 3


def test_a_plan_that_can_not_be_is_told_in_one_line() -> None:
    broken = {"queues": [{"name": "email", "concurrency": 0, "jobs_per_hour": 5}]}
    with pytest.raises(BadInput, match=r"plan:2: queues\[0\]\.concurrency: 0") as told:
        read(broken, "plan")
    assert "\n" not in str(told.value)


def test_the_wait_falls_with_every_slot_and_crosses_the_objective_where_size_says() -> None:
    email = read(changed(PROPOSED, Changes(load=3.0)), "x").queues[0]
    needed = slots_needed_soon(email)
    assert needed is not None
    drawn = wait_by_slots(email, "p95_wait", range(needed - 2, needed + 5)).set_index("slots")["seconds"]
    assert drawn.dropna().is_monotonic_decreasing
    assert drawn[needed] <= 0.75
    assert not drawn[needed - 1] <= 0.75  # above it, or without an end


def test_the_slots_drawn_hold_those_of_every_fleet() -> None:
    proposed, now = read(PROPOSED, "x").queues[0], read(today(PROPOSED) or {}, "x").queues[0]
    counts = slots_to_draw([proposed, now])
    assert {25, 5} <= set(counts)
    assert len(counts) <= 16


def test_the_whole_fleet_is_answered_and_drawn_within_a_second() -> None:
    queues = read(changed(PROPOSED, Changes(load=1.7)), "x").queues
    began = time.perf_counter()
    for queue in queues:
        answered_soon(queue)
        slots_needed_soon(queue)
    wait_by_slots(queues[0], "p95_wait", slots_to_draw(queues[:1]))
    seconds = time.perf_counter() - began
    print(f"eight queues answered and sized, one drawn: {seconds * 1000:.0f} ms")
    assert seconds < 1.0


def test_an_edit_of_the_table_is_a_knob_that_was_turned() -> None:
    asked = read(PROPOSED, "x").queues
    now = {queue.name: facts(queue, entry) for queue, entry in zip(asked, PROPOSED["queues"], strict=True)}
    turned = {"reports": Facts(workers=2)}
    shown = table(now, turned).set_index("queue")
    assert (shown.loc["reports", "workers"], shown.loc["email", "jobs an hour"]) == (2, 3000)
    edits = {0: {"attempts that fail": 0.05, "attempts": 3}, 1: {"concurrency": 9}, 2: {"workers": 1}}
    assert edited(now, turned, edits) == {
        "email": Facts(failure_ratio=0.05, attempts=3),
        "reports": Facts(concurrency=9, workers=2),
        "notifications": Facts(),
    }


def test_a_yaml_of_the_plan_reads_back_as_the_same_words() -> None:
    assert yaml.safe_load(as_yaml(PROPOSED)) == dict(PROPOSED)


def test_what_shares_a_budget_is_what_the_command_answers(tmp_path: Path) -> None:
    plan = with_budgets(PROPOSED, {"memory_mb": 3000, "money": 50}, {"process": 2.5})
    (tmp_path / "plan.yaml").write_text(as_yaml(plan))
    told, mine = planner("size", str(tmp_path / "plan.yaml")), shared(plan)
    assert json.loads(json.dumps(mine["together"])) == told["together"]
    assert not all(one["within"] for one in told["together"].values())
    for row, wanted in zip(mine["queues"], told["queues"], strict=True):
        for word in ("name", "slots", "slots_needed", "workers", "concurrency", "uses", "cut_to_fit"):
            assert row[word] == wanted[word], row["name"]
    amounts = {name: (amount, within) for name, amount, _, within in sums(mine)}
    assert amounts["Memory, MB"] == ("4,352", False)
    assert amounts["CPU cores"] == ("—", True)


def test_keda_objects_are_those_that_the_command_writes(tmp_path: Path) -> None:
    (tmp_path / "plan.yaml").write_text(as_yaml(PROPOSED))
    planner("size", str(tmp_path / "plan.yaml"), "--keda", str(tmp_path / "keda.yaml"))
    assert keda(PROPOSED) == (tmp_path / "keda.yaml").read_text()
    assert len(list(yaml.safe_load_all(keda(PROPOSED)))) == 8


def test_the_report_of_a_plan_is_that_of_the_command(tmp_path: Path) -> None:
    few: dict[str, Any] = {**PROPOSED, "queues": PROPOSED["queues"][:2], "today": PROPOSED["today"][:2]}
    (tmp_path / "plan.yaml").write_text(as_yaml(few))
    command = [sys.executable, "-m", "planner", "report", str(tmp_path / "plan.yaml"), "--out", str(tmp_path)]
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    blocks = report_blocks(few)
    assert as_html(blocks) == (tmp_path / "report.html").read_text()
    lines = set((tmp_path / "report.md").read_text().splitlines())
    assert (
        len([line for line in as_markdown(blocks).splitlines() if line not in lines]) == 2
    )  # the charts, in words


def test_what_is_loaded_beforehand_is_the_simulation() -> None:
    assert "simulation" in warm_up().method
