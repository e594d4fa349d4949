"""A sweep of many values shares the time of a few, and takes from the file what it need not ask."""

import json
from dataclasses import replace

import pytest

from planner.cli import main
from planner.simulation.effort import Effort
from planner.whatif.sweep import SECONDS, effort_of

FILE = """
queues:
  - {name: mail, concurrency: 2, jobs_per_hour: 3600, service: {law: exponential, mean: 1s}, payload_bytes: 4000}
  - {name: other, concurrency: 2, jobs_per_hour: 3600, service: {law: exponential, mean: 1s}}
"""


@pytest.fixture
def fleet(tmp_path):
    path = tmp_path / "fleet.yaml"
    path.write_text(FILE)
    return str(path)


def test_few_are_simulated_as_one_alone_and_many_no_longer_than_the_time_for_all():
    alone = Effort()
    assert effort_of(alone, 1) == effort_of(alone, 7) == alone
    many = effort_of(alone, 100)
    assert many.seconds * 100 == pytest.approx(SECONDS) and many.shortest < alone.shortest
    assert many == replace(alone, seconds=many.seconds, shortest=many.shortest)


def test_compressed_payloads_are_those_of_the_file(fleet, capsys):
    """4,000 bytes at 0.4 of their size; one job a second that stays 4/3 s (Erlang C, a third of the jobs wait 1 s)."""
    assert main(["whatif", fleet, "--compressed", "mail=0.4", "--json"]) == 0
    row = json.loads(capsys.readouterr().out)["scenarios"][0]["queues"][0]
    assert row["payload_bytes"] == pytest.approx(1600)
    assert row["payload_bytes_in_redis"] == pytest.approx(1600 * 4 / 3)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["--compressed", "other=0.4"],
            "--compressed other: say with --payload BYTES, or payload_bytes of the queue",
        ),
        (["--compressed", "nobody=0.4", "--payload", "2KB"], "--compressed nobody: no queue 'nobody'"),
    ],
)
def test_sizes_that_nobody_told_and_queues_that_are_not_there_are_refused(words, said, fleet, capsys):
    assert main(["whatif", fleet, *words]) == 2
    assert said in capsys.readouterr().err
