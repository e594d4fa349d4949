"""Proves that what can't be fitted or foretold is told in one line with its place, and the exit status is 2."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import pytest

from planner import cli
from planner.file.queue_file import read_file
from tests.servers import Server, free_port

HEADER = "queue,job_type,job_id,attempt,ready,started,ended,outcome\n"
ROW = "email,a,{0},1,{1},{2},{3},completed\n"
T = 1_762_160_400.0


def rows(number: int, *, first: int = 0) -> str:
    return "".join(ROW.format(n, T + n, T + n + 0.1, T + n + 0.5) for n in range(first, first + number))


TRACES = {
    "empty": ("", "t.csv:1: no column 'started'"),
    "only a header": (HEADER, "no attempt with a start and an end"),
    "no number": (HEADER + rows(2) + ROW.format(2, T, "nan", T + 1), "t.csv:4: started: 'nan' is no time"),
    "milliseconds": (HEADER + ROW.format(1, T * 1e3, T * 1e3, T * 1e3), "t.csv:2"),
    "mixed zones": (
        HEADER
        + ROW.format(1, "2025-11-03T09:00:00Z", "2025-11-03T09:00:00Z", "2025-11-03T09:00:01Z")
        + ROW.format(2, "2025-11-03T09:00:02", "2025-11-03T09:00:02", "2025-11-03T09:00:03"),
        "t.csv:3: ready: '2025-11-03T09:00:02': some times have a zone and some have none",
    ),
    "out of order": (HEADER + rows(3, first=100) + rows(3) + rows(3, first=200), "t.csv:5: out of order"),
    "one job": (HEADER + rows(1), "queue 'email' can't be fitted: arrivals: no job arrived"),
    "a line cut off": (HEADER + rows(2) + "email,a,3\n", "t.csv:4: not 8 values"),
}


def told(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """The one line that a refused command writes."""
    assert cli.main(list(words)) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1, err
    return err


@pytest.mark.parametrize("name", TRACES)
def test_a_broken_trace_is_told_with_file_line_and_value(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text, said = TRACES[name]
    monkeypatch.chdir(tmp_path)
    Path("t.csv").write_text(text)
    assert said in told(capsys, "fit", "t.csv")


HOURS = {
    "empty": ("", "h.csv:1: no column 'hour'"),
    "only a header": ("hour,jobs\n", "no hour in it"),
    "no number": (
        "hour,jobs\n2025-11-03T00:00Z,5\n2025-11-03T01:00Z,NaN\n",
        "h.csv:3: jobs: 'NaN' is no count",
    ),
    "negative": ("hour,jobs\n2025-11-03T00:00Z,-5\n", "h.csv:2: jobs: '-5' is no count"),
    "no zone": ("hour,jobs\n2025-11-03T00:00,5\n", "h.csv:2: hour: '2025-11-03T00:00' has no time zone"),
    "mixed zones": (
        "hour,jobs\n2025-11-03T00:00Z,5\n2025-11-03T01:00,5\n",
        "h.csv:3: hour: '2025-11-03T01:00': some",
    ),
    "out of order": (
        "hour,jobs\n2025-11-03T02:00Z,5\n2025-11-03T01:00Z,5\n",
        "h.csv:3: hour: before that of line 2",
    ),
    "twice": (
        "hour,jobs\n2025-11-03T02:00Z,5\n2025-11-03T02:00Z,5\n",
        "h.csv:3: hour: the same hour as line 2",
    ),
    "half hours": (
        "hour,jobs\n2025-11-03T02:00Z,5\n2025-11-03T02:30Z,5\n",
        "h.csv:3: hour: not a whole number",
    ),
    "a wrong year": ("hour,jobs\n2025-11-03T02:00Z,5\n2525-11-03T02:00Z,5\n", "ten years"),
    "short": (
        "hour,jobs\n" + "".join(f"{T + n * 3600:.0f},5\n" for n in range(40)),
        "too short: 40 hours are known",
    ),
}


@pytest.mark.parametrize("name", HOURS)
def test_a_broken_history_is_told_with_file_line_and_value(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text, said = HOURS[name]
    monkeypatch.chdir(tmp_path)
    Path("h.csv").write_text(text)
    assert said in told(capsys, "forecast", "h.csv")


WORDS = {
    ("fit",): "none given; give one of TRACE",
    ("fit", "t.csv", "--redis", "redis://localhost"): "TRACE and --redis given",
    ("fit", "none.csv"): "none.csv: No such file",
    ("fit", "--exporter", "localhost:10577"): "--exporter localhost:10577: no address",
    ("fit", "--exporter", "http://localhost:1", "--for", "soon"): "--for: 'soon' is not a duration",
    ("fit", "--prometheus", "http://localhost:1", "--from", "yesterday"): "--from yesterday: no time",
    ("fit", "--prometheus", "http://localhost:1", "--from", "now", "--to", "now-1h"): "is not before --to",
    ("fit", "--redis", "localhost"): "redis.url: must start with redis://",
    ("fit", "t.csv", "--slots", "email"): "--slots email: write QUEUE=N",
    ("fit", "t.csv", "--queue", "mail"): "no queue 'mail'; there are email",
    ("fit", "t.csv", "--fleet", "none.yaml"): "none.yaml: No such file",
    ("forecast",): "none given; give one of HISTORY",
    ("forecast", "h.csv", "--zone", "Mars/Olympus"): "--zone Mars/Olympus: no such time zone",
    ("forecast", "h.csv", "--column", "count=jobs"): "--column count: no such column",
}


@pytest.mark.parametrize("words", WORDS, ids=" ".join)
def test_words_that_make_no_sense_are_told(
    words: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("t.csv").write_text(HEADER + rows(30))
    Path("h.csv").write_text("hour,jobs\n" + "".join(f"{T + n * 3600:.0f},5\n" for n in range(100)))
    assert WORDS[words] in told(capsys, *words)


# --- servers that do not answer as they should -----------------------------------------------------------------------


@pytest.fixture
def silent() -> Iterator[str]:
    """An address that takes connections and never answers."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield f"127.0.0.1:{listening.getsockname()[1]}"


@pytest.fixture
def answers() -> Iterator[Callable[[bytes], str]]:
    """`answers(body)` serves that body whatever is asked, as some other program would."""
    servers = []

    def start(body: bytes) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        servers.append(HTTPServer(("127.0.0.1", 0), Handler))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{servers[-1].server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("source", ["--prometheus", "--exporter"])
def test_a_server_that_never_answers_is_told_after_the_time_it_was_given(
    silent: str, source: str, capsys: pytest.CaptureFixture[str]
) -> None:
    line = told(capsys, "fit", source, f"http://{silent}", "--timeout", "300ms")
    assert "no answer within 0.3 s" in line and "--timeout" in line


def test_a_redis_that_never_answers_is_told(silent: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "--redis" in told(capsys, "fit", "--redis", f"redis://{silent}", "--timeout", "500ms")


@pytest.mark.parametrize("scheme", ["--prometheus http", "--exporter http", "--redis redis"])
def test_nobody_at_an_address_is_told_without_the_password(
    scheme: str, capsys: pytest.CaptureFixture[str]
) -> None:
    option, kind = scheme.split()
    line = told(capsys, "fit", option, f"{kind}://user:secret@127.0.0.1:{free_port()}")
    assert "refused" in line and "secret" not in line


def test_another_program_at_the_address_is_told(
    answers: Callable[[bytes], str], capsys: pytest.CaptureFixture[str]
) -> None:
    page = answers(b"<html>hello</html>")
    assert "not that of a Prometheus" in told(capsys, "fit", "--prometheus", page)
    assert "not a page of metrics" in told(capsys, "fit", "--exporter", page, "--for", "1s")
    other = answers(b"# TYPE up gauge\nup 1\n")
    assert "the page has no queue" in told(capsys, "fit", "--exporter", other, "--for", "1s")


def test_a_redis_without_the_queue_or_without_kept_jobs_is_told(
    redis_server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "no queue with prefix bull" in told(capsys, "fit", "--redis", redis_server.url)
    redis_server.client().hset("bull:email:meta", mapping={"opts.maxLenEvents": 10000})
    redis_server.client().set("bull:email:id", 7)
    assert "no completed job is kept" in told(capsys, "fit", "--redis", redis_server.url)
    assert "no queue 'mail'" in told(capsys, "fit", "--redis", redis_server.url, "--queue", "mail")


# --- other files of attempts ------------------------------------------------------------------------------------------


def sample(number: int) -> list[dict[str, object]]:
    random = np.random.default_rng(30)
    ready = T + np.cumsum(random.exponential(1.0, number))
    seconds = random.exponential(0.3, number)
    return [
        {"q": "email", "created": r, "began": r + 0.001, "finished": r + 0.001 + s, "n": i}
        for i, (r, s) in enumerate(zip(ready.tolist(), seconds.tolist(), strict=True))
    ]


COLUMNS = [
    word
    for pair in ("queue=q", "ready=created", "started=began", "ended=finished", "job_id=n")
    for word in ("--column", pair)
]


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "json", "parquet"])
def test_a_file_of_others_is_read_with_its_own_names(
    suffix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import pandas

    frame, path = pandas.DataFrame(sample(2000)), tmp_path / f"jobs.{suffix}"
    write = {
        "csv": lambda: frame.to_csv(path, index=False),
        "jsonl": lambda: frame.to_json(path, orient="records", lines=True, double_precision=10),
        "json": lambda: frame.to_json(path, orient="records", double_precision=10),
        "parquet": lambda: frame.to_parquet(path),
    }
    write[suffix]()
    assert cli.main(["fit", str(path), *COLUMNS, "--json"]) == 0
    [queue] = json.loads(capsys.readouterr().out)["queues"]
    assert queue["service_seconds"]["value"] == pytest.approx((frame.finished - frame.began).mean(), rel=1e-4)
    assert queue["queue"]["service"]["law"] == "exponential"


@pytest.mark.parametrize("suffix", ["json", "parquet"])
def test_a_row_of_such_a_file_that_is_broken_is_told_by_its_number(
    suffix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import pandas

    broken = sample(10)
    broken[6]["finished"] = 12.0
    frame, path = pandas.DataFrame(broken), tmp_path / f"jobs.{suffix}"
    frame.to_parquet(path) if suffix == "parquet" else frame.to_json(
        path, orient="records", double_precision=10
    )
    line = told(capsys, "fit", str(path), *COLUMNS)
    assert f"jobs.{suffix}: row 7" in line and "ended 12.000 is before started" in line
    path.write_text("[1, 2]" if suffix == "json" else "PAR1")
    assert f"jobs.{suffix}: " in told(capsys, "fit", str(path), *COLUMNS)


def test_what_the_user_wrote_beside_the_load_is_kept_and_his_slots_count(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "t.csv").write_text(HEADER + rows(300))
    (tmp_path / "fleet.yaml").write_text(
        "queues:\n  - {name: email, concurrency: 4, workers: 2, maxMemoryMB: 64, jobs_per_hour: 9,"
        " objectives: {p95_wait: 2s}}\n  - {name: other, concurrency: 1, jobs_per_hour: 1}\n"
        "pool: {maxConnections: 25}\n"
    )
    assert cli.main(["fit", str(tmp_path / "t.csv"), "--fleet", str(tmp_path / "fleet.yaml")]) == 0
    (tmp_path / "fitted.yaml").write_text(capsys.readouterr().out)
    file = read_file(tmp_path / "fitted.yaml")
    [queue] = file.queues
    assert queue.question.fleet.slots == 8 and queue.memory_megabytes == 128
    assert queue.objective == {"p95_wait": "2s"} and list(file.pools) == ["pool"]
    assert queue.question.workload.arrivals.per_second == pytest.approx(1.0, rel=0.01)
