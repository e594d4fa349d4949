"""A replay gives the waits that the trace shows, and on other slots those of a simulator of others on the same jobs."""

import csv
import json
import random

import pytest
import simpy
from pyarrow import csv as csv_tables
from pyarrow import parquet

from exporter.record import COLUMNS
from planner.cli import main

START = 1_700_000_000.0


def served(jobs: list[tuple[float, float]], slots: int) -> list[tuple[float, float, float]]:
    """(ready, started, ended) of jobs (ready, service) on `slots`, by SimPy."""
    environment = simpy.Environment()
    resource = simpy.Resource(environment, slots)
    rows = []

    def job(ready: float, service: float):
        yield environment.timeout(ready)
        with resource.request() as turn:
            yield turn
            started = environment.now
            yield environment.timeout(service)
        rows.append((ready, started, environment.now))

    for ready, service in jobs:
        environment.process(job(ready, service))
    environment.run()
    return rows


def random_jobs(seed: int, count: int, per_second: float) -> list[tuple[float, float]]:
    chance, now, jobs = random.Random(seed), 0.0, []
    for _ in range(count):
        now += chance.expovariate(per_second)
        jobs.append((now, chance.lognormvariate(-0.7, 1.0)))
    return jobs


def write(path, rows, queue="email") -> None:
    """Rows (job, attempt, ready, started, ended, outcome), seconds from the start."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for job, attempt, ready, started, ended, outcome in rows:
            times = [f"{START + t:.6f}" for t in (ready, started, ended)]
            writer.writerow([queue, "send", job, attempt, *times, outcome])


def replay(capsys, path, *options: str) -> dict:
    assert main(["replay", str(path), *options, "--json"]) == 0
    [queue] = json.loads(capsys.readouterr().out)["queues"]
    return queue


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    jobs = random_jobs(seed=7, count=3000, per_second=5.0)
    path = tmp_path_factory.mktemp("trace") / "trace.csv"
    write(path, [(number, 1, *row, "completed") for number, row in enumerate(served(jobs, 6))])
    return jobs, path


def test_on_the_same_slots_it_gives_what_was_observed(recorded, capsys):
    queue = replay(capsys, recorded[1])
    assert (queue["name"], queue["slots"], queue["jobs"]) == ("email", 6, 3000)
    for figure, seen in queue["observed"]["wait_seconds"].items():
        assert queue["predicted"]["wait_seconds"][figure] == pytest.approx(seen, abs=1e-4)


@pytest.mark.parametrize("slots", [5, 8, 12])
def test_on_other_slots_it_gives_what_simpy_gives(recorded, capsys, slots):
    jobs, path = recorded
    waits = sorted(started - ready for ready, started, _ in served(jobs, slots))
    queue = replay(capsys, path, "--queue", "email", "--slots", str(slots))
    assert queue["slots"] == slots
    predicted = queue["predicted"]["wait_seconds"]
    assert predicted["mean"] == pytest.approx(sum(waits) / len(waits), abs=1e-4)
    assert waits[2848] - 1e-4 <= predicted["p95"] <= waits[2850] + 1e-4


def test_slots_that_take_time_to_react_are_seen_and_kept(tmp_path, capsys):
    # One slot; 2 ms until an idle one picks up, 1 ms until a busy one hands over.
    rows = []
    free = 0.0
    for number in range(400):
        ready = 10.0 * (number // 2) + (0.5 if number % 2 else 0.0)
        started = ready + 0.002 if free <= ready else free + 0.001
        free = started + 1.0
        rows.append((number, 1, ready, started, free, "completed"))
    write(tmp_path / "trace.csv", rows)
    queue = replay(capsys, tmp_path / "trace.csv")
    assert queue["pickup_seconds"] == pytest.approx(0.002, abs=1e-5)
    assert queue["handover_seconds"] == pytest.approx(0.001, abs=1e-5)
    two = replay(capsys, tmp_path / "trace.csv", "--slots", "2")
    assert two["predicted"]["wait_seconds"]["p99"] == pytest.approx(0.002, abs=1e-5)


def test_a_retry_comes_back_when_its_delay_is_over(tmp_path, capsys):
    # On one slot job a is tried at 0 and 12, job b waits until 10; on two b starts at once, a's retry is no wait.
    rows = [
        ("a", 1, 0.0, 0.0, 10.0, "requeued"),
        ("b", 1, 1.0, 10.0, 11.0, "completed"),
        ("a", 2, 12.0, 12.0, 13.0, "completed"),
        ("c", 1, 12.5, 13.0, 14.0, "completed"),
    ]
    write(tmp_path / "trace.csv", rows)
    one = replay(capsys, tmp_path / "trace.csv")
    assert (one["slots"], one["jobs"], one["attempts"]) == (1, 3, 4)
    assert one["predicted"] == one["observed"]
    assert one["observed"]["wait_seconds"]["mean"] == pytest.approx(9.5 / 3, abs=1e-5)
    two = replay(capsys, tmp_path / "trace.csv", "--slots", "2")
    assert two["predicted"]["wait_seconds"]["p99"] == pytest.approx(0.0, abs=1e-5)


def test_a_trace_of_others_is_read_with_its_own_names(tmp_path, capsys):
    path = tmp_path / "jobs.jsonl"
    lines = [
        {"created": f"2026-01-01T00:00:{second:02d}+00:00", "from": f"2026-01-01T01:00:{second:02d}+01:00",
         "to": f"2026-01-01T00:00:{second + 1:02d}Z"}
        for second in range(0, 50, 2)
    ]  # fmt: skip
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    columns = [f"--column={pair}" for pair in ("ready=created", "started=from", "ended=to")]
    queue = replay(capsys, path, *columns)
    assert (queue["slots"], queue["jobs"]) == (1, 25)
    assert queue["observed"]["wait_seconds"]["mean"] == 0.0
    assert any("only 25 jobs" in doubt for doubt in queue["doubts"])


def test_a_parquet_file_is_replayed_as_its_csv(recorded, tmp_path, capsys):
    path = tmp_path / "trace.parquet"
    parquet.write_table(csv_tables.read_csv(recorded[1]), path)
    assert replay(capsys, path) == replay(capsys, recorded[1])


def line(ready="100", started="101", ended="102", outcome="completed", attempt="1") -> str:
    return f"email,send,1,{attempt},{ready},{started},{ended},{outcome}\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ":1: no column 'started'"),
        (line(), ":1: no column 'started'"),
        (",".join(COLUMNS) + "\n", ": no attempt with a start and an end"),
        (",".join(COLUMNS) + "\n" + line() + line(started="nan"), ":3: started: 'nan' is no time"),
        (",".join(COLUMNS) + "\n" + line(ended="soon"), ":2: ended: 'soon' is no time"),
        (",".join(COLUMNS) + "\n" + line(ended="-1"), ":2: ended: '-1' is no time"),
        (",".join(COLUMNS) + "\n" + line(ended="100.5"), ":2: ended 100.500 is before started 101.000"),
        (",".join(COLUMNS) + "\n" + line(ready="110"), ":2: started 101.000 is before ready 110.000"),
        (",".join(COLUMNS) + "\n" + line(ended="1700000000000"), ":2: ended: 1700000000000 looks like milli"),
        (",".join(COLUMNS) + "\n" + line(outcome="lost"), ":2: outcome: 'lost' is none of"),
        (",".join(COLUMNS) + "\n" + line(attempt="0"), ":2: attempt: '0' is not a number from 1 on"),
        (",".join(COLUMNS) + "\n" + line() + line("10", "11", "12"), ":3: out of order"),
        (",".join(COLUMNS) + "\n" + "email,send\n", ":2: not 8 values"),
        (
            ",".join(COLUMNS) + "\n" + line("2026-01-01T00:00:00Z", "2026-01-01T00:00:01", "2026-01-01T00:00:02"),
            ":2: started: '2026-01-01T00:00:01': some times have a zone and some have none",
        ),
    ],
)  # fmt: skip
def test_a_bad_trace_is_one_line_with_its_place(tmp_path, capsys, text, expected):
    path = tmp_path / "trace.csv"
    path.write_text(text)
    assert main(["replay", str(path)]) == 2
    out = capsys.readouterr()
    assert out.out == "" and out.err.count("\n") == 1
    assert f"{path}{expected}" in out.err


def test_a_queue_that_the_trace_lacks_is_named(recorded, capsys):
    assert main(["replay", str(recorded[1]), "--queue", "emails"]) == 2
    assert "no queue 'emails'; there are email" in capsys.readouterr().err
