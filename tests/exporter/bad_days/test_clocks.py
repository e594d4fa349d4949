"""Clocks that differ or step: durations and waits are by the server's clock alone, and never negative or huge."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from tests.conftest import Exporter
from tests.exporter.bad_days.bullmq import bullmq
from tests.exporter.bad_days.looking import eventually, finished, is_up, look, lost, size
from tests.exporter.bad_days.queues import HandQueue
from tests.servers import Server, missing

JOBS = 40
# A job here takes 20 ms; a machine that does other things too may make it ten times as long.
SECONDS_MAX = 10.0


def fake_clock_library() -> Path:
    """libfaketime, which Debian's package `faketime` brings."""
    found = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
    if shutil.which("faketime") is None or found is None:
        missing("faketime", "apt-get install faketime")
    assert found is not None
    return found


class SteppingServer(Server):
    """A Redis whose clock can be set, and whose monotonic clock is true, as on a machine where NTP steps."""

    def __init__(self, kind: str, folder: Path) -> None:
        super().__init__(kind, folder)
        folder.mkdir(parents=True, exist_ok=True)
        self._clock_file = folder / "clock"
        self._write(0)
        wrapper = folder / "server.sh"
        wrapper.write_text(
            "#!/bin/sh\n"
            f"export LD_PRELOAD={fake_clock_library()} FAKETIME_TIMESTAMP_FILE={self._clock_file}\n"
            "export FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1\n"
            f'exec {self._binary} "$@"\n'
        )
        wrapper.chmod(0o755)
        self._binary = wrapper

    def set_clock(self, seconds: float) -> None:
        """So many seconds ahead of the true time, from now on; a server keeps the time of a moment ago for a moment."""
        self._write(seconds)
        deadline = time.monotonic() + 5
        with self.client() as client:
            while abs(self._ahead(client) - seconds) > 0.5:
                assert time.monotonic() < deadline, "the clock was never set"

    def _write(self, seconds: float) -> None:
        fresh = self._clock_file.with_suffix(".new")
        fresh.write_text(f"{seconds:+}\n")
        fresh.replace(self._clock_file)

    def _ahead(self, client: redis.Redis) -> float:
        whole, micros = client.time()
        return whole + micros / 1e6 - time.time()


@pytest.fixture(params=["redis6", "valkey9"])  # Debian's Redis 7 and libfaketime do not go together
def stepping(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SteppingServer]:
    server = SteppingServer(request.param, tmp_path / "stepping")
    try:
        yield server.start()
    finally:
        server.stop()


@pytest.mark.parametrize("seconds", [-3600, 3600])
def test_a_server_whose_clock_is_set_loses_and_doubles_nothing(
    seconds: int, exporter: Exporter, stepping: SteppingServer
) -> None:
    with bullmq(["email"], redis={"port": stepping.port}, ms=20) as jobs:
        process = exporter(stepping.url)
        jobs.add(JOBS)
        jobs.wait()
        eventually(process, lambda page: finished(page) == JOBS)
        stepping.set_clock(seconds)
        jobs.add(JOBS)
        jobs.wait()
        page = eventually(process, lambda page: (finished(page) or 0) >= 2 * JOBS)
        assert finished(page) == 2 * JOBS
        assert lost(page) == 0
        durations = page.histogram("queue_job_duration_seconds", queue="email")
        waits = page.histogram("queue_job_wait_seconds", queue="email")
        # Ids of a stream never go back: for an hour they stand still and tell nothing of how long a job takes.
        timed = JOBS if seconds < 0 else 2 * JOBS
        assert (
            page.value("queue_events_lost_total", queue="email", reason="unknown_start") == 2 * JOBS - timed
        )
        assert durations.count == waits.count == timed
        assert timed * 0.015 < durations.sum_seconds < timed * SECONDS_MAX
        assert 0 <= waits.sum_seconds < timed * SECONDS_MAX
        # One that starts after the step counts what comes from then on.
        late = exporter(stepping.url)
        eventually(late, lambda page: finished(page) == 0)
        jobs.add(JOBS)
        jobs.wait()
        page = eventually(late, lambda page: (finished(page) or 0) >= JOBS)
        assert finished(page) == JOBS


def test_a_step_ahead_is_no_time_that_a_job_ran_or_waited(
    exporter: Exporter, stepping: SteppingServer
) -> None:
    with bullmq(["email"], redis={"port": stepping.port}, ms=1500, concurrency=1) as jobs:
        process = exporter(stepping.url)
        jobs.add(2)
        eventually(process, lambda page: size(page, "active") == size(page, "waiting") == 1)
        stepping.set_clock(20)  # by more than 30 s, the worker's locks would expire
        jobs.wait()
        page = eventually(process, lambda page: (finished(page) or 0) >= 2)
    durations = page.histogram("queue_job_duration_seconds", queue="email")
    waits = page.histogram("queue_job_wait_seconds", queue="email")
    assert durations.count == waits.count == 2
    assert 2 * 1.4 < durations.sum_seconds < 15
    assert 1.4 < waits.sum_seconds < 15


def test_small_steps_are_no_time_either(exporter: Exporter, tmp_path: Path) -> None:
    """Jobs that run while the clock is set ahead, and back again, by less than they run."""
    stepping = SteppingServer("valkey9", tmp_path / "stepping").start()
    try:
        with bullmq(["email"], redis={"port": stepping.port}, ms=3000, concurrency=1) as jobs:
            process = exporter(stepping.url)
            for number, seconds in enumerate((1.5, 0)):
                jobs.add(1)
                eventually(process, lambda page: size(page, "active") == 1)
                look(process)  # its start was before this scrape, so now it has been read
                stepping.set_clock(seconds)
                jobs.wait()
                page = eventually(process, lambda page, n=number: (finished(page) or 0) > n)
    finally:
        stepping.stop()
    durations = page.histogram("queue_job_duration_seconds", queue="email")
    assert durations.count == 2
    assert (durations.bucket_of(0.5), durations.bucket_of(1)) == ((2.5, 5.0), (2.5, 5.0))
    assert durations.sum_seconds == pytest.approx(2 * 3.0, abs=0.8)


@pytest.mark.parametrize("seconds", [-5, 5])
def test_workers_whose_clock_is_off_are_measured_by_the_servers_clock(
    seconds: int, exporter: Exporter, redis_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = fake_clock_library()
    for name, value in (
        ("LD_PRELOAD", str(library)),
        ("FAKETIME", f"{seconds:+}s"),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
    ):
        monkeypatch.setenv(name, value)
    with bullmq(["email"], redis={"port": redis_server.port}, ms=20) as jobs:
        for name in ("LD_PRELOAD", "FAKETIME", "FAKETIME_DONT_FAKE_MONOTONIC"):
            monkeypatch.delenv(name)
        assert "LD_PRELOAD" not in os.environ
        process = exporter(redis_server.url)
        jobs.add(JOBS)
        jobs.wait()
        page = eventually(process, lambda page: (finished(page) or 0) >= JOBS)
    assert finished(page) == JOBS
    durations = page.histogram("queue_job_duration_seconds", queue="email")
    waits = page.histogram("queue_job_wait_seconds", queue="email")
    assert durations.count == waits.count == JOBS
    assert JOBS * 0.015 < durations.sum_seconds < JOBS * SECONDS_MAX
    # 40 jobs, 5 at once: the k-th wait is at least k/5 × 20 ms; off by the clocks' 5 s it would be 200 s more.
    assert 0.1 < waits.sum_seconds < JOBS * 4


def test_a_server_clock_that_steps_back_shows_no_negative_age(
    exporter: Exporter, stepping: SteppingServer
) -> None:
    queue = HandQueue(stepping.client()).create()
    process = exporter(stepping.url)
    queue.add(1)
    eventually(process, lambda page: size(page, "waiting") == 1)
    stepping.set_clock(-3600)
    queue.finish(1)
    page = eventually(process, lambda page: finished(page) == 1)
    assert is_up(page)
    oldest = page.value("queue_oldest_waiting_timestamp_seconds", queue="email")
    assert oldest is None or oldest <= stepping.client().time()[0] + 1
    lag = page.value("queue_events_lag_seconds", queue="email")
    assert lag is not None and lag >= 0
