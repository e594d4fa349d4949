"""Long files of queues that no likeness resembles: bursts, retries and Bull's rules, sized by short runs."""

import json
from pathlib import Path

import pytest
import yaml

from planner.cli import main
from planner.file.document import parsed
from planner.file.queue_file import read_document, with_slots
from planner.laws.arrivals import Renewal
from planner.laws.named import Exponential, Gamma
from planner.objective import Bound, Objective
from planner.predict import predict
from planner.size.long_files import MANY
from planner.size.sampled import Sampled
from planner.size.trial_chance import Chance
from planner.sizing import size
from planner.workload import Workload

FIGURES = ("mean_wait", "prob_wait", "p95_wait", "p99_wait", "mean_sojourn", "p95_sojourn")
BURSTY = "arrivals: {process: renewal, interval: {law: gamma, mean: 250ms, scv: 3}}"
QUEUE = f"{{name: q, {BURSTY}, service: {{law: exponential, mean: 1s}}}}"
KINDS = (
    BURSTY,
    "jobs_per_hour: 14400, retries: {failure_ratio: 0.1, attempts: 3, delay: 2s, backoff: exponential}",
    "jobs_per_hour: 14400, priorities: {0: 0.5, 3: 0.5}",
    "jobs_per_hour: 14400, rate_limit: {max: 12, window: 2s}",
    "jobs_per_hour: 14400, delayed: {share: 0.3, delay: 20s}",
    "jobs_per_hour: 14400, acquire_timeout: 5s",
)


def sampled(bound: float) -> Sampled:
    queue = read_document("f", f"queues: [{QUEUE}]", parsed("f", f"queues: [{QUEUE}]")).queues[0]
    return Sampled(queue, Objective((Bound("p95_wait", bound),)), Chance(1))


def test_what_a_run_tells_is_what_the_formula_says_within_its_band() -> None:
    truth = predict(
        Workload(Renewal(Gamma(1 / 3, 0.25)), Exponential(1.0)),
        with_slots(sampled(1).queue, 6).question.fleet,
    )
    assert truth.method.endswith("(exact)") or truth.exact
    found = sampled(1.0).prediction(6, 1)
    assert found.method.startswith("brief run of ")
    for figure in FIGURES:
        told = found.figures[figure]
        assert told.value == pytest.approx(truth[figure], abs=2.5 * told.half_width), figure
        assert 0.0 < told.half_width < 0.2 * told.value


@pytest.mark.parametrize("bound", [0.2, 1.0, 3.0])
def test_the_slots_are_those_of_the_formula(bound: float) -> None:
    one = sampled(bound)
    plan = one.plan(1)
    truth = size(one.queue.question.workload, one.objective)
    assert plan and truth and plan.slots_needed == truth.slots_needed
    assert [each.figure for each in plan.broken] == ["p95_wait"]


def test_no_number_of_slots_passes_a_limit_of_starts() -> None:
    limited = "jobs_per_hour: 7200, rate_limit: {max: 21, window: 10s}, service: {law: exponential, mean: 1s}"
    text = f"queues: [{{name: q, {limited}}}]"
    queue = read_document("f", text, parsed("f", text)).queues[0]
    assert Sampled(queue, Objective((Bound("p95_wait", 0.1),)), Chance(1)).plan(1) is None


def test_a_long_file_of_all_kinds_is_sized_briefly_and_each_row_says_so(tmp_path, capsys) -> None:
    rows = [
        {
            "name": f"q{n}",
            **yaml.safe_load(f"{{{KINDS[n % len(KINDS)]}}}"),
            "service": {"law": "lognormal", "mean": "1s", "scv": 2},
        }
        for n in range(MANY + 4)
    ]
    rows.append({"name": "plain", "jobs_per_hour": 3600, "service": {"law": "exponential", "mean": "1s"}})
    path, out = tmp_path / "fleet.yaml", tmp_path / "keda.yaml"
    keda = {"prometheus": "http://prometheus:9090", "deployment": "{queue}"}
    path.write_text(yaml.safe_dump({"queues": rows, "objectives": {"p95_wait": "2s"}, "keda": keda}))
    assert main(["size", str(path), "--keda", str(out), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    *special, plain = found["queues"]
    assert found["sized_briefly"] == MANY + 4 and not plain["brief"]
    for row in special:
        assert (
            row["brief"]
            and row["method"].startswith("brief run of ")
            and row["sized_by"].startswith("runs of ")
        )
        assert row["wait_seconds"]["p95"] - row["wait_half_width_95"]["p95"] <= 2.0
        assert row["one_fewer_breaks"] and row["one_fewer_unknown"] is None
        fewer = row["one_fewer"]
        assert not fewer["stable"] or fewer["figures"]["p95_wait"] > 2.0
    objects = list(yaml.safe_load_all(out.read_text()))
    assert [one["metadata"]["name"] for one in objects] == [row["name"] for row in found["queues"]]
    # The same kind is sized alike: one chance for all.
    assert len({row["slots_needed"] for row in special if int(row["name"][1:]) % len(KINDS) == 1}) == 1
    assert 4.0 * 1.11 < special[1]["slots_needed"] < 10, "four a second are tried 1.11 times each"


def test_slots_that_share_cores_are_sized_briefly_as_long_runs_of_another_program_say(
    tmp_path, capsys
) -> None:
    names = ("outside_answers.jsonl", "outside_answers_slow.jsonl")
    lines = [line for name in names for line in Path(__file__).with_name(name).read_text().splitlines()]
    cases = [case for case in map(json.loads, lines) if case["model"].startswith("cores, ")]
    queues, needed = [], {}
    for case in cases:
        parts, rate = case["processes"], case["arrivals"]["per_second"]
        # A core that is busier than 70 % would be given a process more.
        if 0.1 * rate / parts < 0.7:
            needed[case["id"]] = case["expect"]["min_c"]["value"]
            queues.append(
                {
                    "name": case["id"],
                    "workers": parts,
                    "jobs_per_hour": 3600 * rate,
                    "service": case["service"],
                    "objectives": case["objective"],
                }
            )
    path = tmp_path / "fleet.yaml"
    path.write_text(yaml.safe_dump({"queues": queues}))
    assert main(["size", str(path), "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["queues"]
    assert len(rows) > MANY and all(row["brief"] for row in rows)
    assert {row["name"]: row["slots_needed"] for row in rows} == needed
