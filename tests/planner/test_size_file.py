"""Queues sized together: processes, budgets, hours of a day and KEDA, each against a count that is made here."""

import heapq
import json
import math
import os
import pty
import re
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
import yaml

from exporter.catalogue import METRICS
from planner.cli import main
from planner.file.queue_file import read_file
from planner.fleet import Fleet
from planner.laws.arrivals import Profile
from planner.laws.named import Exponential
from planner.predict import predict
from planner.simulation.effort import Effort
from planner.size.schedule import schedule
from planner.size.whole_file import sized
from planner.workload import Workload

QUEUES = """\
queues:
- {name: mail, priority: true, jobs_per_hour: 3600, service: {law: exponential, mean: 4s}, maxMemoryMB: 512,
   memory_per_job_mb: 128}
- {name: film, jobs_per_hour: 360, service: {law: exponential, mean: 20s}, maxMemoryMB: 1024, cpu_time: 10s}
"""


def answer(tmp_path, capsys, text: str, *options: str, expected: int = 0) -> dict:
    path = tmp_path / "fleet.yaml"
    path.write_text(text)
    assert main(["size", str(path), "--json", *options]) == expected
    return json.loads(capsys.readouterr().out)


def needed(jobs_per_second: float, seconds: float, bound: float) -> int:
    """Fewest slots whose p95 wait is below the bound, by Erlang's sum."""
    load = jobs_per_second * seconds
    for slots in range(int(load) + 1, 200):
        last = load**slots / math.factorial(slots) * slots / (slots - load)
        waits = last / (sum(load**k / math.factorial(k) for k in range(slots)) + last)
        if waits * math.exp(-(slots - load) * bound / seconds) <= 0.05:
            return slots
    raise AssertionError("not found")


def test_slots_go_into_processes_by_memory_and_by_cpu(tmp_path, capsys) -> None:
    mail, film = answer(tmp_path, capsys, QUEUES)["queues"]
    assert mail["slots_needed"] == needed(1.0, 4.0, 0.75) == 8
    # Four jobs of 128 MB fit into 512 MB.
    assert (mail["workers"], mail["concurrency"], mail["workers_set_by"]) == (2, 4, "slots that fit into one")
    # A job every ten seconds that computes for ten keeps one core busy, which is more than 70 % of one.
    assert (film["workers"], film["workers_set_by"]) == (2, "cpu")
    assert film["slots_needed"] == needed(0.1, 20.0, 0.75) == film["workers"] * film["concurrency"]


def test_what_all_use_is_the_sum_of_what_each_uses(tmp_path, capsys) -> None:
    text = (
        QUEUES
        + "budgets: {memory_mb: 4096, money: 100}\nprices: {process: 3, memory_gb: 2, connection: 0.5}\n"
    )
    together = answer(tmp_path, capsys, text)["together"]
    assert together["memory_mb"]["known"] == 2 * 512 + 2 * 1024
    assert together["connections"]["known"] == 3 * 4
    assert together["money"]["known"] == pytest.approx(3 * 4 + 2 * 3 + 0.5 * 12)
    assert together["cpu_cores"] == {"known": 1.0, "budget": None, "unknown": ["mail"], "within": True}


def test_a_budget_that_is_too_small_serves_the_important_queue_first(tmp_path, capsys) -> None:
    text = QUEUES.replace("cpu_time: 10s", "memory_per_job_mb: 1024")
    mail, film = answer(tmp_path, capsys, text + "budgets: {memory_mb: 4096}\n", expected=1)["queues"]
    assert not mail["cut_to_fit"] and mail["workers"] * 512 == 1024
    # Three jobs of 1,024 MB are what is left; 2 Erlangs need three slots to be stable.
    assert film["cut_to_fit"] and film["slots"] == 3 < film["slots_needed"]
    assert film["objectives_broken"] == ["p95_wait"]
    roomy = answer(tmp_path, capsys, text + "budgets: {memory_mb: 9000}\n")
    assert not any(queue["cut_to_fit"] for queue in roomy["queues"])


def test_what_is_left_of_a_budget_makes_the_busiest_queue_as_little_busy_as_can_be(tmp_path, capsys) -> None:
    loads, spare = (3.0, 5.5, 9.0), 6
    text = "queues:\n" + "".join(
        f"- {{name: q{n}, jobs_per_hour: {3600 * load}, service: {{law: exponential, mean: 1s}}, memory_per_job_mb: 64,"
        " objectives: {p99.9_wait: 1ms}}\n"
        for n, load in enumerate(loads)
    )
    slots = int(sum(loads)) + len(loads) + spare
    found = answer(tmp_path, capsys, f"{text}budgets: {{memory_mb: {64 * slots}}}\n", expected=1)
    assert found["together"]["memory_mb"] == {
        "known": 64 * slots,
        "budget": 64 * slots,
        "unknown": [],
        "within": True,
    }
    used = [load / row["slots"] for load, row in zip(loads, found["queues"], strict=True)]
    assert all(row["cut_to_fit"] for row in found["queues"])
    every = (
        (a, b, slots - a - b) for a in range(4, slots) for b in range(6, slots - a) if slots - a - b >= 10
    )
    assert max(used) == min(max(np.divide(loads, split)) for split in every)


def test_what_is_left_of_a_budget_goes_to_the_important_queue_first(tmp_path, capsys) -> None:
    one = "jobs_per_hour: 10800, service: {law: exponential, mean: 1s}, memory_per_job_mb: 64"
    one += ", objectives: {p95_wait: 1ms}"
    text = f"queues:\n- {{name: a, {one}}}\n- {{name: b, {one}, priority: true}}\nbudgets: {{memory_mb: {64 * 10}}}\n"
    a, b = answer(tmp_path, capsys, text, expected=1)["queues"]
    # Three Erlangs need four slots to be stable, and eight for the objective: two are left.
    assert b["slots_needed"] > 6 and (a["slots"], b["slots"]) == (4, 6)


def test_a_budget_that_not_even_the_least_fits_is_told(tmp_path, capsys) -> None:
    found = answer(tmp_path, capsys, QUEUES + "budgets: {memory_mb: 1000}\n", expected=1)
    assert not found["together"]["memory_mb"]["within"]


def test_more_event_loops_are_taken_where_one_core_is_in_the_way(tmp_path, capsys) -> None:
    text = (
        "queues: [{name: q, jobs_per_hour: 72000, service: {law: io_then_cpu, io: {law: exponential, mean: 200ms},"
        " cpu: {law: exponential, mean: 100ms}}}]\n"
    )
    [q] = answer(tmp_path, capsys, text)["queues"]
    # 20 jobs a second that compute for 0.1 s keep two cores busy; 70 % of each may be.
    assert q["workers"] == 3 and q["workers_set_by"] == "cpu" and q["uses"]["cpu_cores"] == pytest.approx(2.0)


CORES = (
    "service: {law: io_then_cpu, io: {law: exponential, mean: 200ms}, cpu: {law: exponential, mean: 100ms}}"
)


def test_the_fewest_slots_are_those_of_the_processes_that_are_told(tmp_path, capsys) -> None:
    text = (
        f"queues: [{{name: q, workers: 1, jobs_per_hour: 30600, objectives: {{p95_wait: 100ms}}, {CORES}}}]\n"
    )
    [q] = answer(tmp_path, capsys, text)["queues"]
    # By runs of 48 million single events in C++ with 3 + 3 slots, and 3 + 2. On one process 20 are needed.
    assert (q["workers"], q["concurrency"], q["workers_set_by"], q["slots_needed"]) == (2, 3, "cpu", 6)
    assert q["wait_seconds"]["p95"] == pytest.approx(0.0872, rel=0.01)
    assert q["one_fewer"]["figures"]["p95_wait"] == pytest.approx(0.2281, rel=0.01)


def test_slots_that_do_not_fit_into_one_process_are_counted_anew_on_two(tmp_path, capsys) -> None:
    one = f"name: q, jobs_per_hour: 24480, objectives: {{mean_wait: 10ms}}, {CORES.replace('200ms', '400ms')}"
    text = f"queues: [{{{one}, max_concurrency: 10}}]\n"
    [q] = answer(tmp_path, capsys, text)["queues"]
    assert (q["workers"], q["workers_set_by"]) == (2, "slots that fit into one") and q["slots_needed"] < 10
    [alone] = answer(tmp_path, capsys, text.replace(", max_concurrency: 10", ""))["queues"]
    assert alone["workers"] == 1 and alone["slots_needed"] > 10


def test_a_queue_that_shares_cores_is_cut_to_slots_that_can_do_its_work(tmp_path, capsys) -> None:
    one = f"name: q, workers: 2, memory_per_job_mb: 10, objectives: {{p95_wait: 100ms}}, {CORES}"
    # Four slots do 12 a second at most, and are where the load alone ends: 3.7 Erlangs.
    text = f"budgets: {{memory_mb: 10}}\nqueues: [{{{one}, jobs_per_hour: 44000}}]\n"
    [q] = answer(tmp_path, capsys, text, expected=1)["queues"]
    assert q["cut_to_fit"] and q["stable"] and q["slots"] > 4


def test_a_load_at_the_ceiling_is_unstable_whatever_roundings_say(tmp_path, capsys) -> None:
    path = tmp_path / "fleet.yaml"
    path.write_text(f"queues: [{{name: q, workers: 2, concurrency: 2, jobs_per_hour: 43200, {CORES}}}]\n")
    main(["predict", str(path), "--json"])
    [q] = json.loads(capsys.readouterr().out)["queues"]
    assert not q["stable"] and q["ceiling_per_hour"] == pytest.approx(43_200) and q["backlog_per_hour"] >= 0.0


def test_a_process_more_is_taken_where_sharing_a_core_makes_jobs_last_too_long(tmp_path) -> None:
    path = tmp_path / "fleet.yaml"
    path.write_text(
        "queues: [{name: q, jobs_per_hour: 36000, objectives: {mean_sojourn: 340ms}, service: {law: io_then_cpu,"
        " io: {law: exponential, mean: 200ms}, cpu: {law: exponential, mean: 100ms}}}]\n"
    )
    [q] = read_file(path).queues
    found = sized(q)
    # Two processes can do the work of one busy core; but where jobs meet on a core each lasts longer.
    assert found.plan is not None and found.processes > 2
    quick = Effort(seconds=0.2, shortest=20_000)
    for processes, meets in ((found.processes, True), (found.processes - 1, False)):
        roomy = Fleet(8 * processes, processes=processes)
        stay = predict(q.question.workload, roomy, ("mean_sojourn",), quick)["mean_sojourn"]
        assert (stay <= 0.34) == meets, processes


def test_no_process_is_enough_for_a_job_that_lasts_too_long_alone(tmp_path, capsys) -> None:
    text = (
        "queues: [{name: q, jobs_per_hour: 36000, objectives: {mean_sojourn: 290ms}, service: {law: io_then_cpu,"
        " io: {law: exponential, mean: 200ms}, cpu: {law: exponential, mean: 100ms}}}]\n"
    )
    [q] = answer(tmp_path, capsys, text, expected=1)["queues"]
    assert q["slots_needed"] is None


def test_what_stands_in_the_way_of_any_number_of_slots_is_named(tmp_path, capsys) -> None:
    text = "queues: [{name: q, concurrency: 9, jobs_per_hour: 9000, rate_limit: {max: 3, window: 1s}, service: 1s}]\n"
    [q] = answer(tmp_path, capsys, text, expected=1)["queues"]
    assert q["slots_needed"] is None
    assert main(["size", str(tmp_path / "fleet.yaml")]) == 1
    assert (
        "q: no number of slots meets the objectives; the rate limit is in the way" in capsys.readouterr().out
    )


def test_a_process_that_can_hold_no_job_is_refused(tmp_path, capsys) -> None:
    path = tmp_path / "fleet.yaml"
    path.write_text("queues:\n- {name: q, jobs_per_hour: 1, maxMemoryMB: 64, memory_per_job_mb: 128}\n")
    assert main(["size", str(path)]) == 2
    assert ":2: queues[0].memory_per_job_mb: 128 is above maxMemoryMB 64" in capsys.readouterr().err


def scheduled_p95(
    rates: list[float], slots: list[int], seconds: float, period: float, seed: int
) -> list[float]:
    """p95 wait of the jobs of each part, slots changing by the clock; a slot that is taken away ends its job first."""
    random = np.random.default_rng(seed)
    part, turns = period / len(rates), 60
    waits: list[list[float]] = [[] for _ in rates]
    busy: list[float] = []
    now = 0.0
    for turn in range(turns):
        for place, rate in enumerate(rates):
            begin = turn * period + place * part
            for time in np.sort(random.uniform(begin, begin + part, random.poisson(rate * part))):
                start = max(float(time), now)
                while busy and busy[0] <= start:
                    heapq.heappop(busy)
                while len(busy) >= slots[int(start % period / part) % len(rates)]:
                    start = max(start, heapq.heappop(busy))
                now = start
                heapq.heappush(busy, start + random.exponential(seconds))
                waits[place].append(start - float(time))
    return [float(np.quantile(found, 0.95)) for found in waits]


def test_a_schedule_holds_in_every_hour_of_days_run_one_by_one() -> None:
    weights, period = (1.0,) * 8 + (4.0,) * 4 + (8.0,) * 4 + (2.0,) * 8, 7200.0
    workload = Workload(Profile(weights, 3.0, period), Exponential(1.0))
    shifts = schedule(workload, lambda steady: needed(steady.arrivals.per_second, 1.0, 0.5))
    rates = [3.0 * weight / np.mean(weights) for weight in weights]
    slots = [next(s.slots for s in shifts if s.begins <= (i + 0.5) * 300 < s.ends) for i in range(24)]
    assert slots == [needed(rate, 1.0, 0.5) for rate in rates] and len(shifts) == 4
    assert [a.ends for a, _ in pairwise(shifts)] == [b.begins for _, b in pairwise(shifts)]
    # The first part after slots go may still finish what was there.
    worst = max(scheduled_p95(rates, slots, 1.0, period, seed=3))
    assert worst <= 0.5 * 1.1


def test_parts_too_short_for_the_queue_to_settle_have_no_schedule() -> None:
    workload = Workload(Profile((1.0, 2.0), 3.0, 240.0), Exponential(1.0))
    assert schedule(workload, lambda _: 9) == ()


def test_scaled_objects_scale_on_metrics_that_the_exporter_has(tmp_path, capsys) -> None:
    text = QUEUES + (
        "- {name: day, concurrency: 2, max_concurrency: 2, service: {law: exponential, mean: 1s},\n"
        "   arrivals: {process: profile, weights: [1, 9], period: 24h, mean_per_second: 2}}\n"
        "keda: {namespace: jobs, growth: 2, timezone: Europe/Berlin, deployment: 'work-{queue}'}\n"
    )
    answer(tmp_path, capsys, text, "--keda", str(tmp_path / "keda.yaml"))
    objects = list(yaml.safe_load_all((tmp_path / "keda.yaml").read_text()))
    assert [one["metadata"] for one in objects] == [
        {"name": f"work-{name}", "namespace": "jobs"} for name in ("mail", "film", "day")
    ]
    queries = [one["spec"]["triggers"][0]["metadata"]["query"] for one in objects]
    rules = [{"record": f"q:{i}", "expr": query} for i, query in enumerate(queries)]
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": [{"name": "g", "rules": rules}]}))
    subprocess.run(
        ["promtool", "check", "rules", str(tmp_path / "rules.yaml")], check=True, capture_output=True
    )
    known = {metric.name: set(metric.all_labels) | {"job"} for metric in METRICS}
    for query in queries:
        for name, labels in re.findall(r"(\w+)\{([^}]*)\}", query):
            assert set(re.findall(r"(\w+)=", labels.replace("=~", "="))) <= known[name]


def test_a_replica_is_asked_for_no_more_than_it_carries_alone(tmp_path, capsys) -> None:
    text = (
        "queues: [{name: q, jobs_per_hour: 7200, max_concurrency: 3, service: {law: exponential, mean: 1s}}]\n"
        "keda: {growth: 2}\n"
    )
    [q] = answer(tmp_path, capsys, text, "--keda", str(tmp_path / "keda.yaml"))["queues"]
    spec = yaml.safe_load((tmp_path / "keda.yaml").read_text())["spec"]
    size = q["concurrency"]
    carried = float(spec["triggers"][0]["metadata"]["threshold"])
    assert needed(carried, 1.0, 0.75) == size < needed(carried * 1.05, 1.0, 0.75)
    assert spec["maxReplicaCount"] == math.ceil(2 * 2.0 / carried)
    # As many replicas as KEDA takes for any load are enough for it.
    for rate in (0.5, 1.7, 3.1, 6.0):
        assert needed(rate, 1.0, 0.75) <= size * math.ceil(rate / carried)


def test_the_clock_adds_replicas_for_the_busy_hours(tmp_path, capsys) -> None:
    text = (
        "queues:\n- {name: q, max_concurrency: 2, service: {law: exponential, mean: 1s},\n"
        "   arrivals: {process: profile, weights: [1, 9], period: 24h, mean_per_second: 2}}\n"
    )
    [q] = answer(tmp_path, capsys, text, "--keda", str(tmp_path / "keda.yaml"))["queues"]
    quiet, busy = q["schedule"]
    assert (quiet["slots"], busy["slots"]) == (needed(0.4, 1.0, 0.75), needed(3.6, 1.0, 0.75))
    spec = yaml.safe_load((tmp_path / "keda.yaml").read_text())["spec"]
    assert spec["minReplicaCount"] == math.ceil(quiet["slots"] / 2)
    [clock] = [t["metadata"] for t in spec["triggers"] if t["type"] == "cron"]
    assert (clock["start"], clock["end"]) == ("0 12 * * *", "0 0 * * *")
    assert clock["desiredReplicas"] == str(math.ceil(busy["slots"] / 2))


def test_the_fewest_replicas_are_asked_for_no_more_than_they_carry_together(tmp_path, capsys) -> None:
    text = (
        "queues:\n- {name: q, max_concurrency: 2, service: {law: exponential, mean: 1s},\n"
        "   arrivals: {process: profile, weights: [1, 3], period: 24h, mean_per_second: 6}}\n"
    )
    answer(tmp_path, capsys, text, "--keda", str(tmp_path / "keda.yaml"))
    spec = yaml.safe_load((tmp_path / "keda.yaml").read_text())["spec"]
    fewest, each = spec["minReplicaCount"], float(spec["triggers"][0]["metadata"]["threshold"])
    assert fewest >= 3 and needed(fewest * each, 1.0, 0.75) <= 2 * fewest < needed(
        fewest * each * 1.05, 1.0, 0.75
    )
    for rate in (3.0, 5.5, 9.0, 20.0):
        assert needed(rate, 1.0, 0.75) <= 2 * max(fewest, math.ceil(rate / each))


def test_a_terminal_is_shown_which_queue_is_at_work(tmp_path) -> None:
    (tmp_path / "fleet.yaml").write_text(QUEUES)
    terminal, other_end = pty.openpty()
    command = [sys.executable, "-m", "planner", "size", "fleet.yaml"]
    ended = subprocess.run(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=other_end, check=False)
    os.close(other_end)
    shown = os.read(terminal, 65536).decode()
    os.close(terminal)
    assert ended.returncode == 0, shown
    assert "mail …" in shown and "film …" in shown and b"mail" in ended.stdout
