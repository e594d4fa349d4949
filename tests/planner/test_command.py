"""The command answers the report's own blocks, in numbers that closed forms give, and tells mistakes in one line."""

import json
import math

import jsonschema
import pytest
import yaml

from planner.cli import main
from planner.file.bounds import quoted

REPORT = """\
queues:
  - { name: "email", concurrency: 25, priority: true, maxMemoryMB: 512, jobs_per_hour: 9000 }
  - { name: "reports", concurrency: 2, priority: true, jobs_per_hour: 900 }
pool: {minConnections: 5, maxConnections: 25, acquireTimeoutMs: 10000, idleTimeoutMs: 30000}
queue_processing_latency:
  warning: 750ms
  critical: 1500ms
queue_throughput:
  warning: <8000 jobs/hour
  critical: <5000 jobs/hour
redis_connection_utilization:
  warning: >85%
  critical: >95%
"""


def run(tmp_path, capsys, verb: str, text: str, *options: str):
    path = tmp_path / "fleet.yaml"
    path.write_text(text)
    status = main([verb, str(path), *options])
    out = capsys.readouterr()
    return status, out.out, out.err


def answers(tmp_path, capsys, verb: str, text: str, expected: int = 0) -> dict[str, dict]:
    status, out, _ = run(tmp_path, capsys, verb, text, "--json")
    assert status == expected
    return {queue["name"]: queue for queue in json.loads(out)["queues"]}


def erlang_c(slots: int, offered: float) -> float:
    """The chance to wait by the textbook sum (Erlang, 1917)."""
    last = offered**slots / math.factorial(slots) * slots / (slots - offered)
    return last / (sum(offered**k / math.factorial(k) for k in range(slots)) + last)


def test_the_reports_blocks_are_valid_and_their_verdicts_are_computed(tmp_path, capsys):
    found = answers(tmp_path, capsys, "predict", REPORT, expected=1)
    assert found["email"]["slots"] == 25 and found["email"]["utilisation"] == pytest.approx(2.5 * 0.8 / 25)
    assert not found["reports"]["stable"]
    # 900 jobs of 20 s need 5 slots; 2 slots do 360 an hour.
    assert found["reports"]["backlog_per_hour"] == pytest.approx(540)
    calmer = answers(tmp_path, capsys, "predict", REPORT.replace("jobs_per_hour: 900 ", "jobs_per_hour: 90 "))
    assert calmer["reports"]["stable"]


def test_waits_are_those_of_erlang(tmp_path, capsys):
    text = "queues: [{name: q, concurrency: 3, jobs_per_hour: 9000, service: {law: exponential, mean: 1s}}]\n"
    q = answers(tmp_path, capsys, "predict", text)["q"]
    waits = erlang_c(3, 2.5)
    assert q["wait_seconds"]["mean"] == pytest.approx(waits / (3 - 2.5), rel=1e-9)
    assert q["wait_seconds"]["p95"] == pytest.approx(math.log(waits / 0.05) / (3 - 2.5), rel=1e-9)


def test_the_size_is_the_smallest_that_holds(tmp_path, capsys):
    text = (
        "queues: [{name: q, jobs_per_hour: 9000, service: {law: exponential, mean: 1s}}]\n"
        "objectives: {p95_wait: 750ms}\n"
    )
    q = answers(tmp_path, capsys, "size", text)["q"]

    def p95(slots: int) -> float:
        return max(0.0, math.log(erlang_c(slots, 2.5) / 0.05) / (slots - 2.5))

    assert p95(q["slots_needed"]) <= 0.75 < p95(q["slots_needed"] - 1)
    assert q["one_fewer_breaks"] == ["p95_wait over 0.75"]


def test_priority_and_memory_change_no_size(tmp_path, capsys):
    plain = "queues: [{name: q, jobs_per_hour: 3000}]\n"
    dressed = "queues: [{name: q, jobs_per_hour: 3000, priority: true, maxMemoryMB: 64}]\n"
    sizes = [answers(tmp_path, capsys, "size", text)["q"]["slots_needed"] for text in (plain, dressed)]
    assert sizes[0] == sizes[1]


def test_what_was_assumed_is_named(tmp_path, capsys):
    q = answers(tmp_path, capsys, "predict", "queues: [{name: q, jobs_per_hour: 60}]\n")["q"]
    assert q["assumed"] == [
        "arrivals: Poisson, constant over the hour",
        "service: exponential with mean 1 s",
        "concurrency: 1",
        "objectives: p95_wait 750ms",
    ]


def test_a_size_tells_the_waits_of_that_size(tmp_path, capsys):
    text = "queues: [{name: q, jobs_per_hour: 9000, service: {law: exponential, mean: 1s}}]\n"
    q = answers(tmp_path, capsys, "size", text)["q"]
    waits, spare = erlang_c(q["slots_needed"], 2.5), q["slots_needed"] - 2.5
    assert q["wait_seconds"]["mean"] == pytest.approx(waits / spare, rel=1e-9)
    assert q["wait_seconds"]["p99"] == pytest.approx(max(0.0, math.log(waits / 0.01) / spare), rel=1e-9)


def test_literals_without_a_load_share_the_reports_target(tmp_path, capsys):
    literals = (
        '[{ name: "email", concurrency: 5, priority: true }, { name: "reports", concurrency: 2, priority: true },'
        ' { name: "notifications", concurrency: 10, priority: true },'
        ' { name: "route-optimization", concurrency: 1, priority: false }]\n'
    )
    for text in (literals, f"queues: {literals}"):
        found = answers(tmp_path, capsys, "predict", text)
        assert found["email"]["jobs_per_hour"] == pytest.approx(3000)
        assert "jobs_per_hour: 3,000 (30% of all 10,000)" in found["email"]["assumed"]
    shared = "jobs_per_hour: 100\nqueues: [{name: a, share: 0.25}, {name: b, share: 0.75, slots: 3}]\n"
    assert answers(tmp_path, capsys, "predict", shared)["b"]["jobs_per_hour"] == pytest.approx(75)


def test_an_objective_that_slots_cannot_meet_is_answered_with_1(tmp_path, capsys):
    text = (
        "queues: [{name: q, concurrency: 2, jobs_per_hour: 7200, service: {law: exponential, mean: 1s},"
        " rate_limit: {max: 1, window: 1s}}]\n"
    )
    assert answers(tmp_path, capsys, "size", text, expected=1)["q"]["slots_needed"] is None
    q = answers(tmp_path, capsys, "predict", text, expected=1)["q"]
    assert (q["stable"], q["ceiling_set_by"]) == (False, "rate limit")
    assert q["backlog_per_hour"] == pytest.approx(3600)
    assert set(q["wait_seconds"].values()) == {None}


def test_the_printed_schema_takes_the_reports_blocks(capsys):
    assert main(["schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    validator = jsonschema.Draft202012Validator(schema)
    validator.validate(yaml.safe_load(quoted(REPORT)))
    assert not validator.is_valid({"queues": [{"name": "q", "colour": "red"}]})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("queues:\n  - {name: q, jobs_per_hour: -1}\n", ":2: queues[0].jobs_per_hour: -1: "),
        ("queues:\n  - {name: q}\n", ":2: queues[0].jobs_per_hour: missing for 'q'"),
        ("queues:\n  - {name: q, jobs_per_hour: 1, colour: red}\n", ":2: queues[0].colour: 'red': "),
        (
            "queues: [{name: q, jobs_per_hour: 1}, {name: q, jobs_per_hour: 1}]\n",
            ":1: queues: 'q' stands twice",
        ),
        ("queues: [", ":1: not YAML: "),
        (
            "- {name: q, jobs_per_hour: 1}\n- {name: r, jobs_per_hour: -1}\n",
            ":2: queues[1].jobs_per_hour: -1: ",
        ),
        ("queues: []\n", ":1: queues: "),
        ("queues: [{name: q, jobs_per_hour: .nan}]\n", ":1: queues[0].jobs_per_hour: nan: "),
        ("queues: [{name: q, jobs_per_hour: 1, concurrency: 1000000000}]\n", "less than or equal to 100000"),
        (
            "queues:\n- {name: q, jobs_per_hour: 1, arrivals: {process: poisson, per_second: 1}}\n",
            ":2: queues[0]: 'q' has jobs_per_hour and arrivals; give one of them",
        ),
        (
            "queues: [{name: q, jobs_per_hour: 1}]\n\npool: {minConnections: 5, maxConnections: 2}\n",
            ":3: pool: minConnections 5 is above maxConnections 2",
        ),
        (
            "queues: [{name: q, jobs_per_hour: 1}]\njob_failure_rate:\n  warning: >5%\n  critical: >2%\n",
            ":4: job_failure_rate.critical: >2% is milder than the warning >5%",
        ),
        (
            "queues: [{name: q, jobs_per_hour: 1}]\nqueue_throughput:\n  warning: <8000\n",
            ":3: queue_throughput.warning: '8000' is not a rate: write <8000 jobs/hour",
        ),
        ("queues: [{name: q, jobs_per_hour: 1}]\nobjectives: {p95_wait: soon}\n", "'soon' is not a duration"),
    ],
)
def test_bad_input_is_one_line_with_its_place(tmp_path, capsys, text, expected):
    status, out, err = run(tmp_path, capsys, "predict", text)
    assert (status, out) == (2, "")
    assert expected in err and err.count("\n") == 1
