"""When a replica takes over, the exporter follows to it and no counter steps back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
import yaml

from tests.conftest import Exporter
from tests.exporter.bad_days.bullmq import bullmq
from tests.exporter.bad_days.looking import added, eventually, finished, is_up, look, size
from tests.exporter.bad_days.queues import HandQueue
from tests.servers import Server, start_sentinel

AT_ONCE = "repl-diskless-sync-delay 0"
"""Do not wait 5 s for further replicas before copying."""


class Pair:
    """A primary, its replica, and the sentinel that watches them."""

    def __init__(self, folder: Path) -> None:
        self.primary = Server("redis7", folder / "primary", AT_ONCE).start()
        self.replica = Server(
            "redis7", folder / "replica", f"replicaof 127.0.0.1 {self.primary.port}"
        ).start()
        self.replica.wait_for_log("Finished with success")
        self.sentinel = start_sentinel("redis7", folder / "sentinel", self.primary)
        self.sentinel.wait_for_log("+slave slave")
        self.settings = folder / "exporter.yaml"
        addresses = [f"127.0.0.1:{self.sentinel.port}"]
        self.settings.write_text(
            yaml.safe_dump({"redis": {"sentinel": {"addresses": addresses, "master": "main"}}})
        )

    def fail_over(self) -> None:
        """Kill the primary and wait until the replica has taken its place."""
        self.primary.kill()
        self.replica.resume()
        self.sentinel.wait_for_log("+switch-master", seconds=60)

    def stop(self) -> None:
        for server in (self.sentinel, self.replica, self.primary):
            server.resume()
            server.stop()


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    started = Pair(tmp_path)
    yield started
    started.stop()


def test_totals_of_real_jobs_are_right_over_a_failover(pair: Pair, exporter: Exporter) -> None:
    sentinels = [{"host": "127.0.0.1", "port": pair.sentinel.port}]
    with bullmq(["email"], redis={"sentinels": sentinels, "name": "main"}) as jobs:
        process = exporter("redis://", "--config", str(pair.settings))
        jobs.add(60)
        jobs.wait()
        eventually(process, lambda page: finished(page) == 60)
        pair.primary.wait_for_replica()
        pair.fail_over()
        jobs.add(40)
        jobs.wait()
        page = eventually(process, lambda page: (finished(page) or 0) >= 100)
    assert (finished(page), added(page)) == (100, 100)
    assert page.value("queue_events_gaps_total", queue="email") == 0, "the replica had them all"
    assert page.histogram("queue_job_duration_seconds", queue="email").count == 100


def test_a_replica_that_lacks_the_last_events_takes_nothing_back(pair: Pair, exporter: Exporter) -> None:
    queue = HandQueue(pair.primary.client()).create()
    process = exporter("redis://", "--config", str(pair.settings))
    queue.finish(10)
    pair.primary.wait_for_replica()
    eventually(process, lambda page: finished(page) == 10)
    pair.replica.pause()
    pair.primary.client().execute_command("CLIENT", "KILL", "TYPE", "replica")
    queue.finish(4)
    page = eventually(process, lambda page: finished(page) == 14)
    assert added(page) == 14
    pair.fail_over()
    page = eventually(process, is_up)
    assert finished(page) == 14
    assert added(page) == 14, "the replica's id counter says 10"
    HandQueue(pair.replica.client()).finish(7).add(1)
    page = eventually(process, lambda page: (finished(page) or 0) >= 21)
    assert finished(page) == 21
    assert size(page, "waiting") == 1
    assert added(page) == 18
    assert page.value("queue_events_gaps_total", queue="email") == 1


def test_an_ordered_switch_is_followed_before_the_old_primary_knows_of_it(
    pair: Pair, exporter: Exporter
) -> None:
    """The old primary goes on as one for ten seconds, then as a replica; the exporter must not go on reading there."""
    queue = HandQueue(pair.primary.client()).create()
    process = exporter("redis://", "--config", str(pair.settings))
    queue.finish(10)
    pair.primary.wait_for_replica()
    eventually(process, lambda page: finished(page) == 10)
    pair.sentinel.client().execute_command("SENTINEL", "FAILOVER", "main")
    pair.sentinel.wait_for_log("+switch-master", seconds=60)
    HandQueue(pair.replica.client()).finish(5).add(2)
    page = eventually(process, lambda page: finished(page) == 15)
    assert size(page, "waiting") == 2
    assert pair.primary.client().info("replication")["role"] == "master", "it does not know yet"
    names = [client["name"] for client in pair.replica.client().client_list()]
    assert "bullgauge:read" in names
    assert "bullgauge:follow" in names


def test_a_sentinel_that_is_down_too_is_told(pair: Pair, exporter: Exporter) -> None:
    queue = HandQueue(pair.primary.client()).create()
    process = exporter("redis://", "--config", str(pair.settings))
    queue.finish(2)
    eventually(process, lambda page: finished(page) == 2)
    pair.sentinel.kill()
    pair.primary.kill()
    assert not is_up(look(process))
    assert process.program.running
    pair.sentinel.start()
    pair.primary.start()
    HandQueue(redis.Redis(port=pair.primary.port)).create().finish(1)
    eventually(process, lambda page: finished(page) == 3)
