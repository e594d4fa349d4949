"""Proves that a fit of real jobs says what really happened: by an exporter, a Prometheus, a trace and Redis itself.

One run of a real BullMQ queue is watched in four ways at once; the truth is noted by the program that did the work.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import redis
import yaml

from planner.file.queue_file import read_file
from tests.conftest import ExporterProcess
from tests.processes import Program
from tests.servers import Server, free_port, missing

JOBS, PER_SECOND, MEAN, CONCURRENCY, FAILING = 320, 20.0, 0.08, 4, 0.2
WATCHED_SECONDS = 10
PLANNER = [sys.executable, "-m", "planner"]


@dataclass(frozen=True, slots=True)
class Truth:
    """What the program that did the work noted."""

    added: np.ndarray
    seconds: np.ndarray
    failed_attempts: int
    failed_jobs: int

    @classmethod
    def read(cls, line: str) -> Truth:
        note = json.loads(line)
        seconds, fails = np.array(note["attempts"]).T
        return cls(np.array(note["added"]), seconds, int(fails.sum()), note["failed"])


@dataclass(frozen=True, slots=True)
class Life:
    """The truth, where it can be asked about, and what was watched while it happened."""

    truth: Truth
    redis_url: str
    prometheus_url: str
    trace: Path
    page_fit: dict[str, Any]


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    place = tmp_path_factory.mktemp("life")
    if shutil.which("prometheus") is None:
        missing("prometheus", "apt-get install prometheus")
    with ExitStack() as running:
        yield lived(place, running)


def lived(place: Path, running: ExitStack) -> Life:
    """One run of the queue, watched; what was started ends with `running`."""
    server = Server("redis7", place / "redis").start()
    running.callback(server.stop)
    numbers = [str(number) for number in (JOBS, PER_SECOND, MEAN, CONCURRENCY, FAILING, 7)]
    # Before the exporters, which then know of it at once.
    work = Program([sys.executable, "-m", "tests.planner.fit_work", server.url, "email", *numbers])
    running.callback(work.stop)
    work.wait_for('"started"', 60)
    exporters = []
    for _ in range(2):
        exporters.append(ExporterProcess(server.url))
        running.callback(exporters[-1].stop)
    alerts = running.enter_context(Alerts())
    prometheus, url = started_prometheus(
        place, [one.url.removeprefix("http://") for one in exporters], alerts.address
    )
    running.callback(prometheus.stop)
    trace = place / "trace.csv"
    recorder = Program(
        [sys.executable, "-m", "exporter", "record", "--redis", server.url, "--out", str(trace)]
    )
    running.callback(recorder.stop)
    recorder.wait_for("recording")
    alerts.wait_for("BothSeeTheWorker")
    work.tell("go")
    watching = [*PLANNER, "fit", "--exporter", exporters[0].url, "--for", f"{WATCHED_SECONDS}s", "--json"]
    watched = subprocess.run(watching, capture_output=True, text=True, check=True)
    truth = Truth.read(work.wait_for('"done"', 120))
    alerts.wait_for("BothSawAllJobs")
    recorder.stop()
    work.stop()  # what is asked of Redis from now on is asked by readers alone
    return Life(truth, server.url, url, trace, json.loads(watched.stdout))


class Alerts(ThreadingHTTPServer):
    """Takes the alerts that a Prometheus fires: told of each scrape that meets a condition, nobody need ask again."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), FiredAlerts)
        self.fired: set[str] = set()
        self.news = threading.Condition()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_port}"

    def wait_for(self, name: str) -> None:
        with self.news:
            assert self.news.wait_for(lambda: name in self.fired, timeout=60), f"{name}: never"

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()


class FiredAlerts(BaseHTTPRequestHandler):
    """One message of Prometheus to its Alertmanager."""

    server: Alerts

    def do_POST(self) -> None:
        alerts = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.news:
            self.server.fired |= {alert["labels"]["alertname"] for alert in alerts}
            self.server.news.notify_all()
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing to say."""


def started_prometheus(place: Path, targets: list[str], alertmanager: str) -> tuple[Program, str]:
    """A Prometheus that scrapes both exporters each second: two copies of every series."""
    conditions = {
        "BothSeeTheWorker": 'count(queue_workers{queue="email"} == 1) == 2',
        "BothSawAllJobs": f"min(sum by (instance) (queue_jobs_processed_total)) == {JOBS}",
    }
    rules = [{"alert": name, "expr": condition} for name, condition in conditions.items()]
    (place / "rules.yaml").write_text(yaml.safe_dump({"groups": [{"name": "awaited", "rules": rules}]}))
    scrape = {"job_name": "bullgauge", "static_configs": [{"targets": targets, "labels": {"env": "test"}}]}
    every = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
    config = {
        "global": every,
        "rule_files": ["rules.yaml"],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [alertmanager]}]}]},
        "scrape_configs": [scrape],
    }
    (place / "prometheus.yaml").write_text(yaml.safe_dump(config))
    address = f"127.0.0.1:{free_port()}"
    program = Program(
        [
            "prometheus",
            f"--config.file={place}/prometheus.yaml",
            f"--storage.tsdb.path={place}/tsdb",
            f"--web.listen-address={address}",
        ]
    )
    program.wait_for("Server is ready to receive web requests", 60)
    return program, f"http://{address}"


def planner(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*PLANNER, *words], capture_output=True, text=True)


def fitted(*words: str) -> dict[str, Any]:
    done = planner("fit", *words, "--json")
    assert done.returncode == 0, done.stderr
    [queue] = json.loads(done.stdout)["queues"]
    assert queue["name"] == "email"
    return dict(queue)


def near(found: dict[str, Any], truth: float, share: float) -> None:
    """The value is near the truth of this very run, nearer than its band for the law behind it."""
    assert found["value"] == pytest.approx(truth, rel=share)
    assert found["low"] <= found["value"] <= found["high"]


def tells_the_truth(found: dict[str, Any], truth: Truth, share: float) -> None:
    # A slot is held a little longer than the work itself lasts: for the talk with Redis, more on a busy machine.
    assert -0.002 < found["service_seconds"]["value"] - truth.seconds.mean() < 0.025
    near(found["service_squared_cv"], truth.seconds.var() / truth.seconds.mean() ** 2, 0.35)
    near(found["attempt_failure_ratio"], truth.failed_attempts / len(truth.seconds), share)
    assert found["job_failure_ratio"]["value"] == pytest.approx(truth.failed_jobs / JOBS, abs=0.2 / JOBS)


def test_a_trace_says_what_happened(life: Life) -> None:
    found = fitted(str(life.trace))
    tells_the_truth(found, life.truth, 0.03)
    near(found["arrivals_per_second"], (JOBS - 1) / float(np.ptp(life.truth.added)), 0.01)
    intervals = np.diff(life.truth.added)
    near(found["arrivals_squared_cv"], intervals.var() / intervals.mean() ** 2, 0.05)
    assert found["slots"]["kind"] == "lower bound" and found["slots"]["count"] == CONCURRENCY
    assert life.truth.failed_jobs and found["queue"]["retries"]["attempts"] == 3
    assert found["queue"]["retries"]["delay"] == pytest.approx(0.3, abs=0.1)


def test_an_exporter_watched_for_a_while_says_what_happened_meanwhile(life: Life) -> None:
    [found] = life.page_fit["queues"]
    end = found["start"] + found["seconds"]
    arrived = int(((life.truth.added > found["start"]) & (life.truth.added <= end)).sum())
    assert found["arrivals_per_second"]["count"] == pytest.approx(arrived, abs=12), (
        "events are read each 250 ms"
    )
    assert found["seconds"] == pytest.approx(WATCHED_SECONDS, abs=1.5)
    near(found["service_seconds"], life.truth.seconds.mean(), 0.25)
    # By counters the mean interval is the time watched over the arrivals, silence after the last of them included.
    squares = float((np.diff(life.truth.added[life.truth.added > found["start"]][:arrived]) ** 2).sum())
    truth = squares * arrived / found["seconds"] ** 2 - 1
    assert found["arrivals_squared_cv"]["value"] == pytest.approx(truth, rel=0.25)
    assert (found["slots"]["kind"], found["slots"]["count"]) == ("lower bound", CONCURRENCY)
    assert found["payload_bytes"] == pytest.approx(len(json.dumps({"text": "x" * 500})), abs=3)
    assert found["queue"]["payload_bytes"] == pytest.approx(found["payload_bytes"], rel=1e-5)
    assert found["workers"] == pytest.approx(1.0)


def test_a_prometheus_with_two_copies_says_what_happened_once(life: Life) -> None:
    begin, end = f"{life.truth.added[0] - 10:.3f}", f"{time.time():.3f}"
    found = fitted("--prometheus", life.prometheus_url, "--from", begin, "--to", end)
    tells_the_truth(found, life.truth, 0.06)
    held = found["seconds"]
    assert found["arrivals_per_second"]["value"] * held == pytest.approx(JOBS, rel=0.005), (
        "and not twice as many"
    )
    assert found["target"] == {"env": "test", "job": "bullgauge"}
    assert (found["slots"]["kind"], found["slots"]["count"]) == ("lower bound", CONCURRENCY)


def test_redis_itself_says_what_happened_and_is_not_written_to(life: Life) -> None:
    with CommandsSent(life.redis_url) as commands:
        found = fitted("--redis", life.redis_url)
    written = {"set", "hset", "del", "zadd", "xadd", "lpush", "evalsha", "eval", "expire"}
    assert commands.seen and not commands.seen & written
    near(found["arrivals_per_second"], (JOBS - 1) / float(np.ptp(life.truth.added)), 0.03)
    near(found["attempt_failure_ratio"], life.truth.failed_attempts / len(life.truth.seconds), 0.001)
    assert found["job_failure_ratio"]["value"] == pytest.approx(life.truth.failed_jobs / JOBS)
    near(found["service_seconds"], life.truth.seconds.mean(), 0.15)
    assert found["slots"]["kind"] == "unknown" and "can't be known" in found["slots"]["why"]
    assert found["payload_bytes"] == pytest.approx(512, abs=6)


class CommandsSent:
    """Names of the commands that the fit sent, as the server itself counts them."""

    def __init__(self, url: str) -> None:
        self._client = redis.Redis.from_url(url)
        self.seen: set[str] = set()

    def _calls(self) -> dict[str, int]:
        return {key: value["calls"] for key, value in self._client.info("commandstats").items()}

    def __enter__(self) -> CommandsSent:
        self._before = self._calls()
        return self

    def __exit__(self, *_: object) -> None:
        after = self._calls()
        grown = {name for name, calls in after.items() if calls > self._before.get(name, 0)}
        self.seen = {name.removeprefix("cmdstat_").partition("|")[0] for name in grown} - {"info"}


@pytest.mark.parametrize("source", ["trace", "prometheus", "redis"])
def test_what_is_fitted_is_a_file_that_the_planner_takes(life: Life, source: str, tmp_path: Path) -> None:
    words = {"trace": [str(life.trace)], "redis": ["--redis", life.redis_url]}
    words["prometheus"] = ["--prometheus", life.prometheus_url, "--from", f"{life.truth.added[0]:.0f}"]
    words["prometheus"] += ["--to", f"{life.truth.added[-1]:.0f}"]
    done = planner("fit", *words[source], "--slots", "email=6")
    assert done.returncode == 0, done.stderr
    (tmp_path / "fleet.yaml").write_text(done.stdout)
    [queue] = read_file(tmp_path / "fleet.yaml").queues
    assert queue.question.fleet.slots == 6
    work = life.truth.seconds.sum() / np.ptp(life.truth.added)
    assert queue.question.workload.offered_load == pytest.approx(work, rel=0.2)


def test_predict_answers_what_was_fitted(life: Life, tmp_path: Path) -> None:
    (tmp_path / "fleet.yaml").write_text(planner("fit", str(life.trace)).stdout)
    predicted = planner("predict", str(tmp_path / "fleet.yaml"), "--json")
    assert predicted.returncode == 0, predicted.stderr
    [queue] = json.loads(predicted.stdout)["queues"]
    truth, seconds = life.truth, float(np.ptp(life.truth.added))
    assert queue["slots"] == CONCURRENCY and queue["stable"]
    assert queue["jobs_per_hour"] == pytest.approx((JOBS - 1) / seconds * 3600, rel=0.01)
    assert queue["attempts_per_hour"] == pytest.approx(len(truth.seconds) / seconds * 3600, rel=0.03)
    busy = queue["utilisation"] * CONCURRENCY * seconds / len(truth.seconds)
    assert -0.002 < busy - truth.seconds.mean() < 0.025, "seconds of a slot an attempt"
    assert queue["final_failure_ratio"] == pytest.approx(truth.failed_jobs / JOBS, abs=0.01)
    # Four slots half taken and a burst of seventy: some wait, most of them not long.
    waits = queue["wait_seconds"]
    assert 0.0 <= waits["p50"] < waits["p95"] < waits["p99"] and 0.0 < queue["chance_to_wait"] < 1.0
