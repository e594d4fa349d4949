"""`size` says what the next smaller fleet would do, and cuts no queue for nothing where budgets are too small."""

import json
import math

import pytest

from planner.cli import main
from planner.file.budget_words import KedaWords
from planner.size.keda import Scaled, scaled_object
from planner.size.schedule import Shift


def sized(tmp_path, capsys, text, expected=0):
    path = tmp_path / "fleet.yaml"
    path.write_text(text)
    assert main(["size", str(path), "--json"]) == expected
    rows = json.loads(capsys.readouterr().out)["queues"]
    assert main(["size", str(path)]) == expected
    return {row["name"]: row for row in rows}, capsys.readouterr().out


def p95_of_erlang_c(load, slots, mean_seconds):
    """By the plain sums, good for few slots."""
    terms = [load**n / math.factorial(n) for n in range(slots)]
    last = load**slots / math.factorial(slots) / (1 - load / slots)
    return math.log(last / (sum(terms) + last) / 0.05) * mean_seconds / (slots - load)


def test_the_next_smaller_fleet_is_told_with_its_figures(tmp_path, capsys):
    rows, told = sized(
        tmp_path,
        capsys,
        "queues: [{name: mail, concurrency: 4, jobs_per_hour: 36000, service: {law: exponential, mean: 1.2}}]\n"
        "objectives: {p95_wait: 750ms}\n",
    )
    fewer = rows["mail"]["one_fewer"]
    assert (rows["mail"]["slots_needed"], fewer["slots"], fewer["stable"]) == (15, 14, True)
    assert fewer["figures"]["p95_wait"] == pytest.approx(p95_of_erlang_c(12.0, 14, 1.2), rel=1e-6)
    assert p95_of_erlang_c(12.0, 15, 1.2) < 0.75
    assert "mail: one slot fewer, 14: p95_wait is 1.36 s, over 750 ms" in told
    assert "mail: has 4, needs 15" in told


def test_a_share_that_is_too_small_is_below_its_bound_and_growth_is_told_as_such(tmp_path, capsys):
    queue = "{{name: {0}, jobs_per_hour: {1}, service: {{law: exponential, mean: 3}}, objectives: {{{2}}}}}"
    share = queue.format("share", 3600, "share_within_5s: 0.95")
    loose = queue.format("loose", 3960, "mean_wait: 1000s")
    rows, told = sized(tmp_path, capsys, f"queues: [{share}, {loose}]\n")
    share = rows["share"]["one_fewer"]["figures"]["share_within_5s"]
    assert rows["share"]["one_fewer_breaks"] == ["share_within_5s below 0.95"] and share < 0.95
    assert f"share_within_5s is {share:.3g}, below 0.95" in told
    assert rows["loose"]["one_fewer"]["backlog_per_hour"] == pytest.approx(360)
    assert "loose: one slot fewer, 3: unstable: the backlog grows by 360 jobs an hour" in told


def test_one_slot_has_no_smaller_fleet(tmp_path, capsys):
    rows, told = sized(
        tmp_path, capsys, "queues: [{name: q, jobs_per_hour: 60, service: {law: exponential, mean: 1}}]\n"
    )
    assert rows["q"]["one_fewer"] is None and "one slot fewer" not in told


TWO = """
queues:
  - {{name: big, maxMemoryMB: 1000, jobs_per_hour: 3600, service: {{law: exponential, mean: 2}}, priority: true}}
  - {{name: many, max_concurrency: 1, maxMemoryMB: 100, jobs_per_hour: 3600, service: {{law: exponential, mean: 2}}}}
budgets: {{memory_mb: {memory}}}
"""


def test_what_costs_nothing_is_not_taken_from_a_queue_where_the_budget_is_too_small(tmp_path, capsys):
    """`big` is one process on any number of slots; each slot of `many` is one."""
    rows, told = sized(tmp_path, capsys, TWO.format(memory=1100), expected=1)
    assert not rows["big"]["cut_to_fit"] and rows["big"]["slots"] == rows["big"]["slots_needed"]
    assert rows["many"]["cut_to_fit"] and rows["many"]["slots"] == 3
    assert "TOO MUCH, even with the fewest stable slots" in told
    assert f"many: has 1, needs {rows['many']['slots_needed']}" in told
    enough = 1000 + 100 * rows["many"]["slots_needed"]
    rows, _ = sized(tmp_path, capsys, TWO.format(memory=enough))
    assert not rows["many"]["cut_to_fit"]


def test_neighbouring_hours_that_need_as_many_replicas_are_one_trigger():
    """Two slots a replica: 3 and 4 slots are both two of them."""
    shifts = (
        Shift(0, 3600, 1, 0.1),
        Shift(3600, 7200, 3, 1.0),
        Shift(7200, 10800, 4, 1.5),
        Shift(10800, 86400, 1, 0.1),
    )
    made = scaled_object(Scaled("mail", 2, 1.0, 1, 4, shifts), KedaWords())
    crons = [one["metadata"] for one in made["spec"]["triggers"] if one["type"] == "cron"]
    assert [(one["start"], one["end"], one["desiredReplicas"]) for one in crons] == [
        ("0 1 * * *", "0 3 * * *", "2")
    ]
