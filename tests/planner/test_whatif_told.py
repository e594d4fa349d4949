"""What people are told of a what-if question: what changed beside what is, the pools that were set, and no riddles."""

import pytest

from planner.cli import main
from tests.planner.whatif_asking import ask

FLEET = """
queues:
  - {name: email, slots: 5, jobs_per_hour: 3600, service: {law: exponential, mean: 1s}}
  - {name: reports, slots: 3, jobs_per_hour: 360, service: {law: exponential, mean: 5s}}
pool:
  queue: {maxConnections: 25}
  cache: {maxConnections: 5}
"""


@pytest.fixture
def told(tmp_path, capsys):
    path = tmp_path / "fleet.yaml"
    path.write_text(FLEET)

    def asked(*options: str, status: int = 0) -> str:
        assert main(["whatif", str(path), *options]) == status
        found = capsys.readouterr()
        return found.out or found.err

    return asked


def test_one_change_stands_beside_the_file_as_it_is_and_shows_the_queue_that_it_changes(told):
    lines = told("--set", "email.service={law: exponential, mean: 2s}").splitlines()
    assert [line.split("  ")[0] for line in lines[1:]] == [
        "as it is",
        "email.service={law: exponential, mean: 2s}",
    ]
    assert all(" email " in line and "reports" not in line for line in lines[1:])
    assert " 20% " in lines[1] and " 40% " in lines[2]


def test_several_changes_are_compared_with_each_other_only(told):
    assert "as it is" not in told("--load", "1,2") and "as it is" not in told()


def test_programs_are_given_the_scenarios_that_they_asked_for(tmp_path, capsys):
    [one] = ask(tmp_path, capsys, FLEET, "--load", "2")
    assert one["set"] == {"load": 2.0} and [pool["name"] for pool in one["pools"]] == ["queue", "cache"]


def test_a_pool_that_is_set_is_told_and_so_is_one_that_is_too_small(told):
    text = told("--set", "pool.queue.maxConnections=10,1")
    rows = [line.split() for line in text.splitlines() if " queue " in line and "mean wait" not in line]
    # 1.1 jobs a second send ten commands of 5 ms each: 0.055 connections are busy.
    assert [row[-4:] for row in rows[-2:]] == [["10", "0.55%", "0.00%", "2"], ["1", "5.50%", "5.50%", "2"]]
    assert "connections" not in told("--load", "1,2")


def test_a_pool_without_its_name_is_refused_with_the_names(told):
    text = told("--set", "pool.maxConnections=10", status=2)
    assert "the pools are queue, cache; name one, such as pool.queue.maxConnections" in text
