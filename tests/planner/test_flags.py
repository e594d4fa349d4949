"""What stands in a file may be said by flags instead, or changed by them for once; reports are values too."""

import json

import pytest

from planner.cli import main

FILE = """
queues:
  - {name: mail, concurrency: 2, jobs_per_hour: 3600, service: {law: exponential, mean: 1s}}
objectives: {p95_wait: 750ms}
"""
FLAGS = (
    "--set", "mail.concurrency=2",
    "--set", "mail.jobs_per_hour=3600",
    "--set", "mail.service={law: exponential, mean: 1s}",
    "--set", "objectives.p95_wait=750ms",
)  # fmt: skip


@pytest.fixture
def fleet(tmp_path):
    path = tmp_path / "fleet.yaml"
    path.write_text(FILE)
    return str(path)


def answer(capsys, *words):
    main([*words, "--json"])
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("verb", ["predict", "size", pytest.param("simulate", marks=pytest.mark.slow)])
def test_flags_say_what_a_file_says(verb, fleet, capsys):
    assert answer(capsys, verb, *FLAGS) == answer(capsys, verb, fleet)


def test_whatif_and_pool_take_flags_alone(capsys):
    """Half of two slots busy: a third of the jobs wait, by Erlang C; of three slots 1 in 11."""
    tried = answer(capsys, "whatif", *FLAGS[2:], "--set", "mail.concurrency=2,3")["scenarios"]
    chances = [one["queues"][0]["chance_to_wait"] for one in tried]
    assert chances == [pytest.approx(1 / 3), pytest.approx(1 / 11)]
    pools = answer(capsys, "pool", *FLAGS, "--set", "pool.maxConnections=25")["pools"]
    assert pools[0]["utilisation"] == pytest.approx(10 * 0.005 / 25)


def test_flags_change_a_file_for_once(fleet, capsys):
    assert answer(capsys, "predict", fleet, "--set", "mail.concurrency=3")["queues"][0]["slots"] == 3
    assert answer(capsys, "predict", fleet)["queues"][0]["slots"] == 2


def test_a_list_of_literals_takes_fields_of_the_whole_file(tmp_path, capsys):
    path = tmp_path / "literals.yaml"
    path.write_text('- { name: "email", concurrency: 5 }\n')
    found = answer(capsys, "predict", str(path), "--set", "jobs_per_hour=20000")["queues"][0]
    assert found["jobs_per_hour"] == pytest.approx(6000)


def test_blocks_alone_take_their_queues_from_flags(tmp_path, capsys):
    path = tmp_path / "blocks.yaml"
    path.write_text("pool: {minConnections: 5, maxConnections: 25, acquireTimeoutMs: 10000}\n")
    assert main(["pool", str(path), *FLAGS]) == 0
    told = capsys.readouterr().out
    assert "the acquire timeout of 10 s can't fire before all connections are busy" in told
    assert main(["pool", str(path)]) == 2 and "queues: is missing" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "3", "[1, 2]", "{queues: 3}", "queues: [{concurrency: 2}]", "pool: 3"])
def test_flags_on_a_file_that_is_none_are_told_in_one_line(text, tmp_path, capsys):
    path = tmp_path / "broken.yaml"
    path.write_text(text)
    assert main(["pool", str(path), *FLAGS]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_people_are_told_whether_an_acquire_timeout_can_fire(tmp_path, capsys):
    """400 jobs a second of 40 commands keep 20 of 25 connections busy."""
    busy = ("--set", "q.jobs_per_hour=360000", "--set", "q.concurrency=99", "--set", "pool.maxConnections=25")
    busy += ("--set", "pool.commands_per_job=40")
    main(["pool", *busy, "--set", "pool.acquireTimeoutMs=10"])
    assert "the acquire timeout of 10 ms fires 27.3 times an hour" in capsys.readouterr().out
    main(["pool", *busy, "--set", "pool.acquireTimeoutMs=100"])
    assert "the acquire timeout of 100 ms fires less than once a year" in capsys.readouterr().out
    main(["pool", *busy, "--set", "pool.acquireTimeoutMs=10000"])
    assert "the acquire timeout of 10 s can't fire before all connections are busy" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["predict"], "no queues; give FILE, or flags such as --set email.jobs_per_hour=3000"),
        (["whatif"], "no queues; give FILE, or flags such as --set email.jobs_per_hour=3000"),
        (["size", "--set", "mail.concurrency=2..4"], "--set mail.concurrency: 3 values; give one"),
        (["predict", "--set", "mail.concurency=2"], "no such word; did you mean concurrency?"),
        (["predict", "FILE", "--set", "mial.concurrency=2"], "no queue 'mial'; there are mail"),
        (
            ["predict", "--set", "mail=2"],
            "--set mail: say which field of the queue, such as mail.concurrency",
        ),
        (["predict", "--set", "mail.concurrency"], "--set mail.concurrency: write FIELD=VALUES"),
    ],
)
def test_a_flag_that_says_nothing_is_told_in_one_line(words, said, fleet, capsys):
    assert main([fleet if word == "FILE" else word for word in words]) == 2
    told = capsys.readouterr()
    assert said in told.err and told.err.count("\n") == 1 and told.out == ""


def test_a_report_is_told_as_values_too_and_its_verdicts_turn_with_the_file(tmp_path, fleet, capsys):
    found = answer(capsys, "report", fleet, "--out", str(tmp_path / "out"))
    text = (tmp_path / "out" / "report.md").read_text()
    assert all(one["claim"] in text and one["why"] in text for one in found["verdicts"])
    assert found["advice"][0]["queue"] == "mail" and found["advice"][0]["step"] == "raise now"
    assert [one["times_the_load"] for one in found["loads"]] == [1.0, 2.0, 3.0]
    more = answer(capsys, "report", fleet, "--set", "mail.concurrency=9", "--out", str(tmp_path / "more"))

    def verdict(told):
        return next(
            one["answer"] for one in told["verdicts"] if one["claim"] == "3 times the load is carried"
        )

    assert (verdict(found), verdict(more)) == ("does not hold", "holds")
