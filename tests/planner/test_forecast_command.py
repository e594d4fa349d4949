"""Proves what the verb `forecast` reads and says: hours of files and traces, several queues, slots, the exit status."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from planner import cli
from planner.forecast.counts import counts_of_trace, read_counts, together, wall_clock
from tests.documents import ROOT

MONDAY = datetime(2025, 10, 27, tzinfo=UTC)
EXAMPLE = ROOT / "docs/examples/planner"


def hours(
    path: Path, queues: dict[str, list[float | None]], zone: str = "Z", header: str = "hour,queue,jobs"
) -> Path:
    lines = [header]
    for queue, counts in queues.items():
        for number, jobs in enumerate(counts):
            moment = (MONDAY + timedelta(hours=number)).strftime("%Y-%m-%dT%H:%M") + zone
            lines.append(f"{moment},{queue},{'' if jobs is None else jobs}")
    path.write_text("\n".join(lines) + "\n")
    return path


def daily(days: int, level: float) -> list[float | None]:
    """A busy noon and a quiet night, Poisson."""
    shape = np.tile(1 + 0.9 * np.sin((np.arange(24) - 6) / 24 * 2 * np.pi), days)
    return [float(count) for count in np.random.default_rng(1).poisson(level * shape)]


def answered(capsys: pytest.CaptureFixture[str], *words: str, status: int = 0) -> list[dict[str, object]]:
    assert cli.main(["forecast", *words, "--json"]) == status
    queues: list[dict[str, object]] = json.loads(capsys.readouterr().out)["queues"]
    return queues


def test_hours_are_read_as_they_stand_with_what_is_missing_unknown(tmp_path: Path) -> None:
    path = hours(tmp_path / "h.csv", {"email": [5, None, 7]})
    path.write_text(path.read_text() + "2025-10-27T05:00+00:00,email,9\n2025-10-27T07:00+01:00,email,11\n")
    history = read_counts(path, {}, None)["email"]
    assert history.start == MONDAY.timestamp()
    assert np.array_equal(history.counts, [5, np.nan, 7, np.nan, np.nan, 9, 11], equal_nan=True)


def test_times_without_a_zone_are_those_of_the_zone_that_is_given(tmp_path: Path) -> None:
    path = hours(tmp_path / "h.csv", {"email": [5, 6]}, zone="")
    assert read_counts(path, {}, wall_clock("Europe/Berlin"))["email"].start == MONDAY.timestamp() - 3600


def test_columns_of_others_are_mapped(tmp_path: Path) -> None:
    path = hours(tmp_path / "h.csv", {"email": [5, 6]}, header="when,name,count")
    found = read_counts(path, {"hour": "when", "queue": "name", "jobs": "count"}, None)
    assert found["email"].counts.tolist() == [5, 6]


def test_all_queues_together_count_a_younger_one_as_none_before_it_was_there(tmp_path: Path) -> None:
    path = hours(tmp_path / "h.csv", {"a": [1, 2, 3, 4], "b": [None, 20, 30, 40]})
    found = read_counts(path, {}, None)
    assert np.isnan(together(found).counts[0]), "an hour that is unknown of one is unknown of all"
    younger = (
        hours(tmp_path / "b.csv", {"b": [10, 20]}).read_text().replace("T01", "T03").replace("T00", "T02")
    )
    (tmp_path / "b.csv").write_text(younger)
    both = {"a": found["a"], **read_counts(tmp_path / "b.csv", {}, None)}
    assert together(both).counts.tolist() == [1, 2, 13, 24]


def test_the_hours_of_a_trace_are_its_whole_ones(tmp_path: Path) -> None:
    random = np.random.default_rng(2)
    ready = MONDAY.timestamp() + np.sort(random.uniform(1800, 6 * 3600 + 600, 500))
    text = "queue,job_id,attempt,ready,started,ended,outcome\n" + "".join(
        f"email,{n},1,{at:.3f},{at + 0.1:.3f},{at + 0.2:.3f},completed\n" for n, at in enumerate(ready)
    )
    (tmp_path / "t.csv").write_text(text)
    found = counts_of_trace(tmp_path / "t.csv", {})["email"]
    truth = np.histogram(ready, bins=MONDAY.timestamp() + 3600.0 * np.arange(1, 7))[0]
    assert found.start == MONDAY.timestamp() + 3600 and found.counts.tolist() == truth.tolist()


def test_several_queues_are_foretold_together_first_and_one_that_is_short_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = hours(tmp_path / "h.csv", {"email": daily(8, 200), "new": [3.0] * 30})
    found = answered(capsys, str(path), "--queue", "email")
    assert [queue["name"] for queue in found] == ["email"]
    both = {queue["name"]: queue for queue in answered(capsys, str(path))}
    assert list(both) == ["all queues", "email", "new"]
    assert "30 hours are known" in str(both["new"]["why"]) and both["new"]["peak"] is None
    assert len(both["email"]["hours"]) == 168  # type: ignore[arg-type]


FLEET = """
queues: [{{name: email, slots: {slots}, jobs_per_hour: 9, service: {{law: exponential, mean: 30s}}}}]
objectives: {{p95_wait: 20s}}
"""


@pytest.mark.parametrize(("slots", "status"), [(2, 1), (12, 0)])
def test_the_exit_status_says_whether_the_objective_is_expected_to_hold(
    slots: int, status: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = hours(tmp_path / "h.csv", {"email": daily(8, 200)})
    (tmp_path / "fleet.yaml").write_text(FLEET.format(slots=slots))
    words = [str(path), "--fleet", str(tmp_path / "fleet.yaml")]
    [found] = answered(capsys, *words, status=status)
    breaks, rows = found["breaks"], found["hours"]
    assert isinstance(breaks, dict) and isinstance(rows, list)
    over = [row["time"] for row in rows if row["expected"] > breaks["bears_jobs_per_hour"]]
    assert breaks["expected_at"] == (over[0] if over else None)
    assert all(
        (row["slots"] > slots) <= (row["expected"] > 0.97 * breaks["bears_jobs_per_hour"]) for row in rows
    )
    cli.main(["forecast", *words])
    text = capsys.readouterr().out
    assert ("the objective breaks at" in text) == bool(over) and "slots by the hour" in text


def test_the_example_is_foretold_as_the_page_shows(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["forecast", str(EXAMPLE / "hours.csv")]) == 0
    assert capsys.readouterr().out.strip() in (ROOT / "docs/forecasting.md").read_text()
