"""A trace holds one line for each attempt that real workers finished, in every format."""

import csv
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas
import pytest

from tests.documents import environment
from tests.exporter.bad_days.queues import HandQueue
from tests.exporter.terminal import Terminal
from tests.exporter.truth.runs import NODE, install_libraries
from tests.processes import Program

COLUMNS = ["queue", "job_type", "job_id", "attempt", "ready", "started", "ended", "outcome"]


def rows_of(path: Path) -> list[dict]:
    """The rows that are written whole; the recorder may be in the middle of one."""
    lines = path.read_text().rpartition("\n")[0].splitlines()
    return [json.loads(line) for line in lines] if path.suffix == ".jsonl" else list(csv.DictReader(lines))


def work_until_done(redis_url: str) -> int:
    """Real workers retry jobs on the queue `t-retrying`; how many attempts their handlers noted."""
    work = Program(["node", "workload.mjs", "bullmq5", redis_url, "bull", "t", "retrying", "7"], cwd=NODE)
    handled = 0
    for line in work.follow(seconds=60):
        note = json.loads(line) if line.startswith("{") else {}
        if note.get("note") == "checkpoint":
            work.tell("go " + note["key"])
        handled += note.get("note") == "attempt" and note.get("queue") == "t-retrying"
    return handled


def recorder(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "exporter", "record", *arguments]


@pytest.mark.parametrize("name", ["trace.csv", "trace.jsonl"])
def test_every_attempt_of_retried_jobs_is_a_line_of_the_trace(name, server, tmp_path):
    install_libraries()
    up = server("redis7")
    out = tmp_path / name
    program = Program(recorder("--redis", up.url, "--out", str(out)))
    program.wait_for("recording ")
    handled = work_until_done(up.url)
    # A new queue is found within ten seconds; then it is read from its first job.
    deadline = time.monotonic() + 20
    rows: list[dict] = []
    while len(rows) < handled and time.monotonic() < deadline:
        rows = [row for row in rows_of(out) if row["queue"] == "t-retrying"]
    assert program.stop() == 0
    assert list(rows[0]) == COLUMNS
    assert handled and len(rows) == handled
    assert {row["outcome"] for row in rows} == {"completed", "failed", "requeued"}
    for row in rows:
        assert float(row["ready"]) <= float(row["started"]) <= float(row["ended"])
    firsts = [row for row in rows if int(row["attempt"]) == 1]
    assert len(firsts) == len({row["job_id"] for row in rows})


def test_parquet_holds_the_same_attempts_and_a_terminal_shows_how_far_it_is(redis_server, tmp_path):
    queue = HandQueue(redis_server.client(), "email").create()
    text, table = tmp_path / "trace.csv", tmp_path / "trace.parquet"
    lines = Program(recorder("--redis", redis_server.url, "--out", str(text)))
    terminal = Terminal(recorder("--redis", redis_server.url, "--out", str(table)), columns=100, lines=30)
    try:
        lines.wait_for("recording ")
        terminal.wait_for("recording ")
        queue.finish(25_000).finish(3, "failed", name="Ünïcode")
        terminal.wait_for("25,003 attempts of 1 queues in ", seconds=60)
        assert terminal.end(signal.SIGINT) == 0
        assert "recorded 25003 attempts" in terminal.text
        _await_rows(text, 25_003)
        assert lines.stop() == 0
    finally:
        terminal.close()
    read = pandas.read_parquet(table)
    assert list(read.columns) == COLUMNS
    assert [str(kind) for kind in read.dtypes[["attempt", "ready", "started", "ended"]]] == ["int64"] + [
        "float64"
    ] * 3
    expected = pandas.read_csv(text, dtype={"job_id": str})
    pandas.testing.assert_frame_equal(_sorted(read), _sorted(expected), check_dtype=False)
    assert set(read[read.outcome == "failed"].job_type) == {"Ünïcode"}


def _await_rows(path: Path, count: int) -> None:
    deadline = time.monotonic() + 20
    while path.read_text().count("\n") <= count:
        assert time.monotonic() < deadline


def _sorted(frame: pandas.DataFrame) -> pandas.DataFrame:
    frame = frame.astype(dict.fromkeys(("queue", "job_type", "job_id", "outcome"), object))
    return frame.sort_values(["outcome", "job_id", "ended"]).reset_index(drop=True)


def test_without_pyarrow_parquet_is_refused_in_one_line(redis_server, tmp_path):
    # A package of that name that can't be imported stands before the installed one, as where it is missing.
    (tmp_path / "pyarrow.py").write_text("raise ImportError")
    out = tmp_path / "trace.parquet"
    done = subprocess.run(
        recorder("--redis", redis_server.url, "--out", str(out)),
        env={**environment(), "PYTHONPATH": str(tmp_path)},
        text=True,
        capture_output=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"bullgauge-exporter: {out}: writing Parquet needs pyarrow: pip install 'bullgauge[planner]', or name a .csv\n"
    )
    assert not out.exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["--out", "trace.xml"],
            "trace.xml: '.xml' is no format of a trace: name it .csv, .jsonl or .parquet",
        ),
        (["--out", "/nowhere/trace.csv"], "/nowhere/trace.csv: No such file or directory"),
        (["--out", "/nowhere/trace.parquet"], "/nowhere/trace.parquet: "),
        (["--out", "/dev/full"], "/dev/full: No space left on device"),
        (["--for", "-1"], "command line: --for -1: must be between 0.1 and 1e+09 seconds"),
        (["--for", "nan"], "--for: 'nan' is not a duration: write seconds (2) or a unit (800ms, 2s, 1m)"),
    ],
)
def test_what_can_not_be_recorded_is_one_line(arguments, said, redis_server):
    done = subprocess.run(
        recorder("--redis", redis_server.url, *arguments), text=True, capture_output=True, timeout=60
    )
    assert done.returncode == 2
    assert done.stderr.startswith(f"bullgauge-exporter: {said}") and done.stderr.count("\n") == 1


def test_a_reader_that_goes_away_ends_the_recording_without_a_word(redis_server):
    queue = HandQueue(redis_server.client(), "email").create()
    process = subprocess.Popen(
        recorder("--redis", redis_server.url), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stderr is not None
    assert process.stderr.readline().startswith("bullgauge-exporter: recording ")
    process.stdout.close()
    queue.finish(3)
    assert process.wait(20) == 1 and process.stderr.read() == ""
