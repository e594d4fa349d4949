"""A trace of others (queue, created, started, finished) is read as it stands, and says what it does not hold."""

import csv
import json

import pytest

from planner.cli import main

START = 1_762_160_400.0
HEADER = ("queue", "created", "started", "finished")
# A job each second, alternately half a second and a second and a half long, on two slots: none waits.
ROWS = [("mail", START + n, START + n, START + n + (0.5 if n % 2 else 1.5)) for n in range(400)]


def written(folder, kind, header=HEADER, rows=ROWS):
    path = folder / f"jobs.{kind}"
    named = [dict(zip(header, row, strict=True)) for row in rows]
    if kind == "csv":
        with path.open("w", newline="") as file:
            csv.writer(file).writerows([header, *rows])
    elif kind == "parquet":
        pyarrow = pytest.importorskip("pyarrow")
        pytest.importorskip("pyarrow.parquet").write_table(pyarrow.Table.from_pylist(named), path)
    else:
        text = json.dumps(named) if kind == "json" else "\n".join(map(json.dumps, named))
        path.write_text(text)
    return path


def answer(capsys, *words):
    assert main([*map(str, words), "--json"]) == 0
    return json.loads(capsys.readouterr().out)["queues"][0]


@pytest.mark.parametrize("kind", ["csv", "jsonl", "json", "parquet"])
def test_the_names_that_others_use_need_no_mapping(kind, tmp_path, capsys):
    found = answer(capsys, "fit", written(tmp_path, kind))
    assert found["arrivals_per_second"]["value"] == pytest.approx(1.0)
    assert found["service_seconds"]["value"] == pytest.approx(1.0)
    assert answer(capsys, "replay", written(tmp_path, kind))["slots"] == 2


def test_our_names_go_before_those_of_others(tmp_path, capsys):
    """`finished` may be the day of a report; `ended` is when the attempt did."""
    rows = [(*row, row[3], 0.0) for row in ROWS]
    header = ("queue", "ready", "started", "unused", "ended", "finished")
    found = answer(capsys, "fit", written(tmp_path, "csv", header, rows))
    assert found["service_seconds"]["value"] == pytest.approx(1.0)


def test_outcomes_that_are_not_there_are_unknown_and_not_successes(tmp_path, capsys):
    found = answer(capsys, "fit", written(tmp_path, "csv"))
    for ratio in ("attempt_failure_ratio", "job_failure_ratio", "retry_ratio"):
        assert found[ratio]["value"] is None and "the trace has no outcome" in found[ratio]["why"]
    assert any("failures unknown" in text for text in found["doubts"])


def test_failures_are_those_of_the_attempts_whose_outcome_is_known(tmp_path, capsys):
    """One of ten fails; of the second half nothing is known."""
    outcomes = ["failed" if n % 10 == 0 else "completed" for n in range(200)] + [""] * 200
    rows = [(*row, outcome) for row, outcome in zip(ROWS, outcomes, strict=True)]
    found = answer(capsys, "fit", written(tmp_path, "csv", (*HEADER, "outcome"), rows))
    assert found["job_failure_ratio"]["value"] == pytest.approx(0.1)
    assert any("200 of 400 attempts have no outcome" in text for text in found["doubts"])


def test_a_day_that_was_not_seen_is_told_with_the_source_that_may_hold_it(tmp_path, capsys):
    found = answer(capsys, "fit", written(tmp_path, "csv"))
    assert any("a day is needed; a Prometheus may hold it" in text for text in found["doubts"])
