"""Ceilings, growth and drain times count jobs, each with all its attempts; a core bounds them where it is told."""

import heapq
import json
import random
import re

import pytest

from planner.cli import main

JOBS_PER_SECOND, SERVICE_SECONDS, SLOTS, FAILS, ATTEMPTS, DELAY_SECONDS = 4.0, 0.8, 3, 0.2, 3, 2.0


def told(tmp_path, capsys, verb, text, expected):
    path = tmp_path / "fleet.yaml"
    path.write_text(text)
    assert main([verb, str(path), "--json"]) == expected
    return json.loads(capsys.readouterr().out)


def retried(jobs_per_hour):
    return (
        f"queues: [{{name: q, concurrency: {SLOTS}, jobs_per_hour: {jobs_per_hour}, "
        f"service: {{law: exponential, mean: {SERVICE_SECONDS}}}, "
        f"retries: {{failure_ratio: {FAILS}, attempts: {ATTEMPTS}, delay: {DELAY_SECONDS}}}}}]\n"
    )


def run_of(jobs, jobs_per_second, waiting=0):
    """A plain first come first served queue with retries: when each job ended for good, by nothing of ours."""
    chance = random.Random(1)
    moment, line, coming = 0.0, [], []
    for number in range(waiting):
        heapq.heappush(line, (-1.0, number, 1))
    for number in range(waiting, waiting + jobs):
        moment += chance.expovariate(jobs_per_second)
        heapq.heappush(coming, (moment, number, 1))
    free, ends = [0.0] * SLOTS, {}
    while coming or line:
        now = max(free[0], coming[0][0]) if not line else free[0]
        while coming and coming[0][0] <= now:
            heapq.heappush(line, heapq.heappop(coming))
        _, number, attempt = heapq.heappop(line)
        end = now + chance.expovariate(1.0 / SERVICE_SECONDS)
        heapq.heapreplace(free, end)
        if chance.random() < FAILS and attempt < ATTEMPTS:
            heapq.heappush(coming, (end + DELAY_SECONDS, number, attempt + 1))
        else:
            ends[number] = end
    return ends


def test_a_backlog_that_grows_is_counted_in_jobs_not_in_their_attempts(tmp_path, capsys):
    row = told(tmp_path, capsys, "predict", retried(JOBS_PER_SECOND * 3600), expected=1)["queues"][0]
    came, seconds = 40_000, 40_000 / JOBS_PER_SECOND
    done = sum(end <= seconds for end in run_of(came, JOBS_PER_SECOND).values())
    grown_per_hour = (came - done) / seconds * 3600
    assert row["backlog_per_hour"] == pytest.approx(grown_per_hour, rel=0.05)
    assert row["ceiling_per_hour"] == pytest.approx(done / seconds * 3600, rel=0.02)
    ceiling = float(re.findall(r"the ceiling is ([\d.]+) jobs a second", row["method"])[0])
    assert ceiling == pytest.approx(done / seconds, rel=0.02)


def test_a_thousand_jobs_drain_with_all_their_attempts(tmp_path, capsys):
    """Of so many that wait at once, each further thousand takes as long as is said."""
    rate = 0.25 * JOBS_PER_SECOND
    row = told(tmp_path, capsys, "predict", retried(rate * 3600), expected=0)["queues"][0]
    waiting = 20_000

    def jobs_left(ends, moment):
        come = sum(1 for number in ends if number < waiting) + rate * moment
        return come - sum(end <= moment for end in ends.values())

    ends = run_of(12_000, rate, waiting)
    early, late = 1_000.0, 6_000.0
    seconds = (late - early) * 1000 / (jobs_left(ends, early) - jobs_left(ends, late))
    assert row["drain_seconds_of_1000_jobs"] == pytest.approx(seconds, rel=0.05)


CPU_BOUND = """
queues: [{{name: pdf, concurrency: 4, workers: {workers}, jobs_per_hour: {jobs}, cpu_time: 500ms,
          service: {{law: exponential, mean: 1s}}}}]
"""


def test_a_core_that_is_told_bounds_what_its_slots_do(tmp_path, capsys):
    """Half a second of a core each: one process does 7,200 an hour, whatever its concurrency."""
    row = told(tmp_path, capsys, "predict", CPU_BOUND.format(workers=1, jobs=9000), expected=1)["queues"][0]
    assert (row["stable"], row["ceiling_set_by"], row["utilisation"]) == (False, "cpu", 1.0)
    assert row["ceiling_per_hour"] == pytest.approx(7200)
    assert row["backlog_per_hour"] == pytest.approx(1800)
    row = told(tmp_path, capsys, "predict", CPU_BOUND.format(workers=2, jobs=9000), expected=0)["queues"][0]
    assert row["ceiling_per_hour"] == pytest.approx(14400)
    assert any("cores are 62% busy" in text for text in row["doubts"])
    row = told(tmp_path, capsys, "predict", CPU_BOUND.format(workers=2, jobs=900), expected=0)["queues"][0]
    assert row["doubts"] == []


def test_processes_and_not_slots_are_added_where_the_core_is_in_the_way(tmp_path, capsys):
    row = told(tmp_path, capsys, "size", CPU_BOUND.format(workers=1, jobs=9000), expected=0)["queues"][0]
    assert (row["workers"], row["workers_set_by"], row["stable"]) == (2, "cpu", True)


def test_the_report_does_not_advise_slots_against_a_busy_core(tmp_path):
    path = tmp_path / "fleet.yaml"
    path.write_text(CPU_BOUND.format(workers=1, jobs=9000))
    assert main(["report", str(path), "--out", str(tmp_path / "out")]) == 0
    text = (tmp_path / "out" / "report.md").read_text()
    assert "| More concurrency helps pdf | Its slots wait for the core: the ceiling of 7,200 an hour" in text
    assert "slots don't help; the cpu is in the way" in text


def test_people_see_stays_ceilings_and_bands_below_the_waits(tmp_path, capsys):
    path = tmp_path / "fleet.yaml"
    path.write_text(
        "queues: [{name: a, concurrency: 2, jobs_per_hour: 3600, service: {law: exponential, mean: 1s}},\n"
        "         {name: b, concurrency: 1, jobs_per_hour: 1800, service: {law: exponential, mean: 1s}}]\n"
    )
    main(["predict", str(path)])
    told = capsys.readouterr().out.splitlines()
    header = next(line for line in told if "must wait" in line)
    row = next(line for line in told[told.index(header) :] if line.startswith("a "))
    # Two slots half busy: a third of the jobs wait (Erlang C); the mean stay is 1 + 1/3 s.
    assert row.split()[1:4] == ["33.3%", "0", "ms"] and "1.33 s" in row
    assert row.split()[-6:] == ["3,600", "7,200", "16.7", "min", "0%", "slots"]
    # A third of 3,600 jobs and half of 1,800 wait; they stay (3600·4/3 + 1800·2) ÷ 5400 s.
    whole = next(line for line in told if line.startswith("all of them"))
    assert whole.split()[3] == "38.9%" and "exact     1.56 s" in whole
