"""What `predict` tells of each queue and of all together, against formulas written down here."""

import heapq
import json
import math
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
from scipy import optimize

from planner.answers import QUANTILES
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


@pytest.mark.parametrize("written", ["800ms", "0.8"])
def test_a_service_that_says_only_its_mean_is_exponential_and_assumed(tmp_path, capsys, written: str) -> None:
    text = "queues: [{name: q, jobs_per_hour: 2250, service: SERVICE}]\n"
    [q] = predicted(tmp_path, capsys, text.replace("SERVICE", written))["queues"]
    assert q["utilisation"] == pytest.approx(0.5) and q["wait_seconds"]["mean"] == pytest.approx(0.8)
    assert "service: exponential with mean 0.8 s" in q["assumed"]
    [said] = predicted(tmp_path, capsys, text.replace("SERVICE", f"{{law: exponential, mean: {written}}}"))[
        "queues"
    ]
    assert said["wait_seconds"] == q["wait_seconds"] and not any("service" in one for one in said["assumed"])


def test_together_is_the_sum_and_the_first_to_give_way(tmp_path, capsys) -> None:
    whole = predicted(tmp_path, capsys, QUEUES)["together"]
    assert whole["slots"] == 5 and whole["busy_slots"] == pytest.approx(1.5)
    assert whole["memory_mb"] == 768 and whole["jobs_per_hour"] == 5400
    assert (whole["gives_way_first"], whole["gives_way_at_times_the_load"]) == ("one", 2.0)
    assert whole["gives_way_set_by"] == "slots"


def test_quantiles_over_all_queues_are_those_of_the_mixture(tmp_path, capsys) -> None:
    whole = predicted(tmp_path, capsys, QUEUES)["together"]
    # A third of the jobs finds M/M/1 at half load, the others M/M/4 at a quarter, where one in 49 waits.
    busy = [1 / math.factorial(n) for n in range(4)]
    must_wait = (last := 1 / 24 * 4 / 3) / (sum(busy) + last)
    assert whole["chance_to_wait"] == pytest.approx((0.5 + 2 * must_wait) / 3)

    def wait_above(t: float) -> float:
        return (0.5 * math.exp(-t / 2) + 2 * must_wait * math.exp(-3 * t)) / 3

    def stay_above(t: float) -> float:
        return (math.exp(-t / 2) + 2 * math.exp(-t) * (1 + must_wait * (1 - math.exp(-2 * t)) / 2)) / 3

    for name, level in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("p99.9", 0.999)):
        wait, stay = whole["wait_seconds"][name], whole["sojourn_seconds"][name]
        assert wait == (0 if name == "p50" else pytest.approx(_crossing(wait_above, 1 - level)))
        assert stay == pytest.approx(_crossing(stay_above, 1 - level), rel=1e-6)
        assert whole["wait_half_width_95"][name] == 0


def _crossing(tail: Callable[[float], float], rest: float) -> float:
    return optimize.brentq(lambda t: tail(t) - rest, 0, 100)


def test_quantiles_over_all_queues_hold_where_some_are_simulated(tmp_path, capsys) -> None:
    lognormal = "{name: two, slots: 2, jobs_per_hour: 2880, service: {law: lognormal, mean: 2s, scv: 2}}"
    text = "queues:\n- {name: one, slots: 1, jobs_per_hour: 1800, service: {law: exponential, mean: 1s}}\n"
    whole = predicted(tmp_path, capsys, f"{text}- {lognormal}\n")["together"]
    waits, stays = zip(
        _run(1, 0.5, lambda random, n: random.exponential(1.0, n), 500_000),
        _run(
            2,
            0.8,
            lambda random, n: random.lognormal(math.log(2) - math.log(3) / 2, math.log(3) ** 0.5, n),
            800_000,
        ),
        strict=True,
    )
    for name, level in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
        band = whole["wait_half_width_95"][name]
        assert 0 < band < 0.02 * whole["wait_seconds"][name]
        assert whole["wait_seconds"][name] == pytest.approx(
            np.quantile(np.concatenate(waits), level), rel=0.06
        )
        assert whole["sojourn_seconds"][name] == pytest.approx(
            np.quantile(np.concatenate(stays), level), rel=0.06
        )


def _run(
    slots: int, rate: float, drawn: Callable[..., np.ndarray], count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Waits and stays of a queue that begins empty, one job after the other."""
    random = np.random.default_rng(7)
    free, starts = [0.0] * slots, np.empty(count)
    arrivals, services = np.cumsum(random.exponential(1 / rate, count)), drawn(random, count)
    for k in range(count):
        starts[k] = max(arrivals[k], free[0])
        heapq.heapreplace(free, starts[k] + services[k])
    return starts - arrivals, starts - arrivals + services


def test_there_are_no_quantiles_over_all_where_one_queue_grows(tmp_path, capsys) -> None:
    text = QUEUES.replace("3600", "18000")
    whole = predicted(tmp_path, capsys, text, expected=1)["together"]
    assert whole["wait_seconds"] == whole["sojourn_seconds"] == dict.fromkeys(QUANTILES)
    main(["predict", str(tmp_path / "fleet.yaml")])
    row = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("all of them"))
    assert row.split()[3:10] == ["–"] * 7


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


def test_a_simulated_band_is_never_called_exact(tmp_path, capsys) -> None:
    """Both p95 waits are 0, one of them as far as a run can tell."""
    text = "queues:\n- {name: known, slots: 9, jobs_per_hour: 3600, service: {law: exponential, mean: 1s}}\n"
    text += "- {name: seen, slots: 9, jobs_per_hour: 3600, service: {law: lognormal, mean: 1s, scv: 2}}\n"
    (tmp_path / "fleet.yaml").write_text(text)
    main(["predict", str(tmp_path / "fleet.yaml")])
    told = capsys.readouterr().out.split("must wait")[1].splitlines()
    known, seen, whole = (
        next(line for line in told if line.startswith(name)) for name in ("known", "seen", "all")
    )
    assert "exact" in known and "exact" not in seen and "exact" not in whole
