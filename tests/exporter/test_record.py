"""A trace holds one line for each attempt that real workers finished, in either format."""

import csv
import json
import sys
import time
from pathlib import Path

import pytest

from tests.exporter.truth.runs import NODE, install_libraries
from tests.processes import Program

COLUMNS = ["queue", "job_type", "job_id", "attempt", "ready", "started", "ended", "outcome"]


def rows_of(path: Path) -> list[dict]:
    """The rows that are written whole; the recorder may be in the middle of one."""
    lines = path.read_text().rpartition("\n")[0].splitlines()
    return [json.loads(line) for line in lines] if path.suffix == ".jsonl" else list(csv.DictReader(lines))


@pytest.mark.parametrize("name", ["trace.csv", "trace.jsonl"])
def test_every_attempt_of_retried_jobs_is_a_line_of_the_trace(name, server, tmp_path):
    install_libraries()
    up = server("redis7")
    out = tmp_path / name
    command = [sys.executable, "-m", "exporter", "record", "--redis", up.url, "--out", str(out)]
    recorder = Program(command)
    recorder.wait_for("recording ")
    work = Program(["node", "workload.mjs", "bullmq5", up.url, "bull", "t", "retrying", "7"], cwd=NODE)
    handled = 0
    for line in work.follow(seconds=60):
        note = json.loads(line) if line.startswith("{") else {}
        if note.get("note") == "checkpoint":
            work.tell("go " + note["key"])
        handled += note.get("note") == "attempt" and note.get("queue") == "t-retrying"
    # A new queue is found within ten seconds; then it is read from its first job.
    deadline = time.monotonic() + 20
    rows: list[dict] = []
    while len(rows) < handled and time.monotonic() < deadline:
        rows = [row for row in rows_of(out) if row["queue"] == "t-retrying"]
    assert recorder.stop() == 0
    assert list(rows[0]) == COLUMNS
    assert handled and len(rows) == handled
    assert {row["outcome"] for row in rows} == {"completed", "failed", "requeued"}
    for row in rows:
        assert float(row["ready"]) <= float(row["started"]) <= float(row["ended"])
    firsts = [row for row in rows if int(row["attempt"]) == 1]
    assert len(firsts) == len({row["job_id"] for row in rows})
