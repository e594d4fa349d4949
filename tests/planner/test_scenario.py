"""What-if answers, pools and simulations agree with closed forms; a wrong question is told in one line."""

import json
import math

import pytest

from planner.cli import main

FLEET = """\
queues:
  - {name: email, concurrency: 3, jobs_per_hour: 9000, service: {law: exponential, mean: 1s}}
  - {name: reports, concurrency: 9, jobs_per_hour: 900, service: {law: exponential, mean: 20s}}
pool: {minConnections: 5, maxConnections: 25, acquireTimeoutMs: 10000, commands_per_job: 100, command_time: 5ms}
"""


def ask(tmp_path, capsys, text: str, *options: str):
    path = tmp_path / "fleet.yaml"
    path.write_text(text)
    status = main([options[0], str(path), *options[1:], "--json"])
    return status, json.loads(capsys.readouterr().out)


def erlang_c(slots: int, offered: float) -> float:
    last = offered**slots / math.factorial(slots) * slots / (slots - offered)
    return last / (sum(offered**k / math.factorial(k) for k in range(slots)) + last)


def mean_wait(slots: int, per_second: float, service_seconds: float) -> float:
    load = per_second * service_seconds
    return erlang_c(slots, load) * service_seconds / (slots - load)


def test_every_combination_of_values_is_answered(tmp_path, capsys):
    status, found = ask(
        tmp_path, capsys, FLEET, "whatif", "--set", "email.concurrency=3..5", "--load", "1,1.5"
    )
    assert status == 0 and len(found["scenarios"]) == 6
    for one in found["scenarios"]:
        slots, load = one["set"]["email.concurrency"], one["set"]["load"]
        email, reports = one["queues"]
        assert (email["slots"], reports["slots"]) == (slots, 9)
        assert reports["wait_seconds"]["mean"] == pytest.approx(mean_wait(9, 0.25 * load, 20.0))
        if 2.5 * load < slots:
            assert email["wait_seconds"]["mean"] == pytest.approx(mean_wait(slots, 2.5 * load, 1.0))
        else:
            assert email["backlog_per_hour"] == pytest.approx((2.5 * load - slots) * 3600)


def test_a_law_or_a_field_of_the_file_can_be_set(tmp_path, capsys):
    _, found = ask(
        tmp_path, capsys, FLEET, "whatif", "--set", "email.service={law: exponential, mean: 500ms}",
        "--set", "objectives.mean_wait=1ms,10s",
    )  # fmt: skip
    strict, mild = found["scenarios"]
    assert strict["queues"][0]["wait_seconds"]["mean"] == pytest.approx(mean_wait(3, 2.5, 0.5))
    assert strict["queues"][0]["objectives_broken"] == ["mean_wait"]
    assert mild["queues"][0]["objectives_broken"] == []


@pytest.mark.parametrize(
    ("arrivals", "factor"),
    [
        ("{process: renewal, interval: {law: lognormal, mean: 2s, scv: 4}}", 3),
        ("{process: renewal, interval: {law: mixture, p: [0.5, 0.5], laws: [{law: weibull, shape: 2, scale: 1s},"
         " {law: bounded_pareto, alpha: 1.5, low: 1s, high: 9s}]}}", 2),
        ("{process: renewal, interval: {law: discrete, values: [1, 2, 3]}}", 4),
        ("{process: mmpp, per_second: [1, 5], switch_per_second: [0.1, 0.1]}", 2),
        ("{process: batch_poisson, batches_per_second: 1, sizes: [1, 3]}", 2),
        ("{process: poisson_classes, per_second: [1, 2]}", 2),
        ("{process: profile, weights: [1, 3], mean_per_second: 2, period: 1h}", 2),
    ],
)  # fmt: skip
def test_a_load_is_multiplied_whatever_the_arrivals(tmp_path, arrivals, factor):
    from planner.file.queue_file import read_file
    from planner.whatif.scenario import multiplied

    path = tmp_path / "fleet.yaml"
    path.write_text(f"queues: [{{name: q, arrivals: {arrivals}}}]\n")
    file = read_file(path)
    [before], [after] = file.queues, multiplied(file, factor).queues
    rates = [queue.question.workload.arrivals.per_second for queue in (before, after)]
    assert rates[1] == pytest.approx(factor * rates[0], rel=1e-12)


def test_a_pool_is_held_against_erlang(tmp_path, capsys):
    status, found = ask(tmp_path, capsys, FLEET, "pool")
    [pool] = found["pools"]
    load = (2.5 + 0.25) * 100 * 0.005
    assert status == 0
    assert pool["utilisation"] == pytest.approx(load / 25)
    assert pool["prob_wait"] == pytest.approx(erlang_c(25, load))
    assert erlang_c(pool["connections_needed"], load) <= 0.01 < erlang_c(pool["connections_needed"] - 1, load)
    assert erlang_c(25, 25 * pool["right_utilisation"]) == pytest.approx(0.01, rel=1e-6)


def test_a_timeout_of_two_thousand_commands_fires_only_at_saturation(tmp_path, capsys):
    _, found = ask(tmp_path, capsys, FLEET, "pool")
    [long] = found["pools"]
    assert long["timeouts_per_hour"] < 1e-9 and long["fires_at"] > 0.99
    _, found = ask(tmp_path, capsys, FLEET.replace("10000", "5"), "pool")
    [short] = found["pools"]
    assert short["fires_at"] < 0.5
    saturated = FLEET.replace("commands_per_job: 100", "commands_per_job: 10000")
    status, found = ask(tmp_path, capsys, saturated, "pool")
    assert status == 1 and found["pools"][0]["timeouts_per_hour"] > 1e5


def test_blocking_connections_are_counted_a_worker_and_queue(tmp_path, capsys):
    _, found = ask(tmp_path, capsys, FLEET.replace("concurrency: 3", "concurrency: 3, workers: 4"), "pool")
    assert found["bull_connections"] == {"blocking": 5, "bullmq_shared": 9, "bullmq": 12, "bull": 15}


def test_a_simulation_agrees_with_pollaczek_and_khinchine_within_its_band(tmp_path, capsys):
    text = "queues: [{name: q, jobs_per_hour: 2160, service: {law: lognormal, mean: 1s, scv: 2}}]\n"
    _, one = ask(tmp_path, capsys, text, "simulate", "--seed", "3")
    _, again = ask(tmp_path, capsys, text, "simulate", "--seed", "3")
    q = one["queues"][0]
    theory = 0.6 / (1 - 0.6) * (1 + 2) / 2
    band = q["wait_half_width_95"]["mean"]
    assert 0 < band < 0.02 * theory
    assert abs(q["wait_seconds"]["mean"] - theory) < 2 * band
    assert one == again


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (
            ["--set", "emal.concurrency=3"],
            "--set emal.concurrency: no queue 'emal'; there are email, reports",
        ),
        (["--set", "email=3"], "--set email: say which field of the queue"),
        (["--set", "email.concurrency"], "write FIELD=VALUES"),
        (["--set", "email.concurrency=5..1"], "'5..1' is no range"),
        (["--set", "email.concurrency=a..b"], "'a..b' is no range"),
        (["--set", "email.concurrency=0"], "queues[0].concurrency: 0: "),
        (["--set", "email.concurrency=1..40000"], "at most 1000 are tried"),
        (["--load", "-1"], "--load -1: write factors above 0"),
        (["--load", "nan"], "--load nan: write factors above 0"),
    ],
)
def test_a_wrong_question_is_one_line(tmp_path, capsys, options, expected):
    path = tmp_path / "fleet.yaml"
    path.write_text(FLEET)
    assert main(["whatif", str(path), *options]) == 2
    out = capsys.readouterr()
    assert out.out == "" and expected in out.err and out.err.count("\n") == 1


def test_a_pool_is_asked_for_where_there_is_none(tmp_path, capsys):
    path = tmp_path / "fleet.yaml"
    path.write_text("queues: [{name: q, jobs_per_hour: 1}]\n")
    assert main(["pool", str(path)]) == 2
    assert "pool: missing" in capsys.readouterr().err
