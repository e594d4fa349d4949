"""What `predict` tells of each queue and of all together, against formulas written down here."""

import json
import math
import subprocess
import sys

import pytest

from planner.cli import main


def predicted(tmp_path, capsys, text: str, expected: int = 0) -> dict:
    path = tmp_path / "fleet.yaml"
    path.write_text(text)
    assert main(["predict", str(path), "--json"]) == expected
    return json.loads(capsys.readouterr().out)


QUEUES = """\
queues:
- {name: one, slots: 1, jobs_per_hour: 1800, service: {law: exponential, mean: 1s}, maxMemoryMB: 256}
- {name: two, slots: 4, jobs_per_hour: 3600, service: {law: exponential, mean: 1s}, maxMemoryMB: 512}
"""


def test_a_single_slot_waits_and_stays_as_the_textbook_says(tmp_path, capsys) -> None:
    one, _ = predicted(tmp_path, capsys, QUEUES)["queues"]
    # M/M/1 with load 1/2: P(W > t) = exp(-t/2)/2, and the stay is exponential with mean 2 s.
    assert one["chance_to_wait"] == pytest.approx(0.5)
    assert one["wait_seconds"]["p99.9"] == pytest.approx(2 * math.log(500))
    stays = one["sojourn_seconds"]
    assert stays["p50"] == pytest.approx(2 * math.log(2), rel=1e-6)
    assert stays["p99.9"] == pytest.approx(2 * math.log(1000), rel=1e-6)
    assert one["mean_backlog_jobs"] == pytest.approx(0.5)
    # Half a job a second is spare.
    assert one["drain_seconds_of_1000_jobs"] == pytest.approx(2000)


def test_together_is_the_sum_and_the_first_to_give_way(tmp_path, capsys) -> None:
    whole = predicted(tmp_path, capsys, QUEUES)["together"]
    assert whole["slots"] == 5 and whole["busy_slots"] == pytest.approx(1.5)
    assert whole["memory_mb"] == 768 and whole["jobs_per_hour"] == 5400
    assert (whole["gives_way_first"], whole["gives_way_at_times_the_load"]) == ("one", 2.0)
    assert whole["gives_way_set_by"] == "slots"


# QUEUES make 1.5 attempts a second: a connection that is held for 0.1 s by each of 10 commands carries one a second.
@pytest.mark.parametrize(("connections", "times", "status"), [(2, 2 / 1.5, 0), (1, 1 / 1.5, 1)])
def test_a_pool_may_give_way_first(tmp_path, capsys, connections: int, times: float, status: int) -> None:
    pool = f"pool: {{maxConnections: {connections}, commands_per_job: 10, command_time: 100ms}}\n"
    whole = predicted(tmp_path, capsys, QUEUES + pool, expected=status)["together"]
    assert (whole["gives_way_first"], whole["gives_way_set_by"]) == ("pool", "pool")
    assert whole["gives_way_at_times_the_load"] == pytest.approx(times)
    main(["predict", str(tmp_path / "fleet.yaml")])
    said = capsys.readouterr().out
    assert f"first to give way: the pool, at {times:.3g} times the load" in said
    assert ("too few connections" in said) == bool(status)


def test_what_one_queue_does_not_tell_is_not_told_of_all(tmp_path, capsys) -> None:
    text = QUEUES.replace(", maxMemoryMB: 512", "").replace("jobs_per_hour: 1800", "jobs_per_hour: 4000")
    found = predicted(tmp_path, capsys, text, expected=1)
    assert found["together"]["memory_mb"] is None and found["together"]["mean_backlog_jobs"] is None
    assert found["queues"][0]["drain_seconds_of_1000_jobs"] is None


def test_failures_and_losses_are_told(tmp_path, capsys) -> None:
    text = (
        "queues:\n- {name: q, slots: 2, jobs_per_hour: 3600, service: {law: exponential, mean: 1s},"
        " retries: {failure_ratio: 0.1, attempts: 3}}\n"
        "- {name: full, slots: 1, places: 1, jobs_per_hour: 3600, service: {law: exponential, mean: 1s}}\n"
    )
    q, full = predicted(tmp_path, capsys, text)["queues"]
    assert q["final_failure_ratio"] == pytest.approx(0.001)
    # Erlang B of one slot and one Erlang.
    assert full["refused_ratio"] == pytest.approx(0.5)


def test_what_formulas_answer_loads_no_compiler(tmp_path) -> None:
    (tmp_path / "fleet.yaml").write_text(QUEUES)
    code = "import sys; from planner.cli import main; main(['predict', 'fleet.yaml']); print('numba' in sys.modules)"
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert found.stdout.splitlines()[-1] == "False"
