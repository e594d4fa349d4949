"""When Redis is not there, the page answers and says so; once it is back, the numbers are right again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Exporter, Start
from tests.exporter.bad_days.looking import (
    eventually,
    finished,
    is_up,
    look,
    look_in_background,
    lost,
    open_files,
    resident_megabytes,
    says_nothing_but_down,
    size,
)
from tests.exporter.bad_days.queues import HandQueue
from tests.exporter.bad_days.relay import Relay
from tests.servers import Server

RESIDENT_MEGABYTES_MAX = 100


def test_redis_that_is_down_at_the_start_is_read_as_soon_as_it_comes(
    exporter: Exporter, tmp_path: Path
) -> None:
    server = Server("redis7", tmp_path)
    process = exporter(server.url)
    assert says_nothing_but_down(look(process))
    server.start()
    try:
        HandQueue(server.client()).create().finish(3).add(2)
        page = eventually(process, lambda page: finished(page) == 3)
        assert size(page, "waiting") == 2
        assert is_up(page)
    finally:
        server.stop()


def test_redis_killed_in_the_middle_of_a_scrape(exporter: Exporter, server: Start) -> None:
    redis = server()
    HandQueue(redis.client()).create().add(5)
    with Relay(redis) as relay:
        process = exporter(relay.url)
        eventually(process, lambda page: size(page, "waiting") == 5)
        relay.hold(b"bullgauge:read")
        scrape = look_in_background(process)
        relay.wait_until_held()
        redis.kill()
        relay.cut_in_half()
        assert says_nothing_but_down(scrape.result(timeout=30))
        redis.start()
        HandQueue(redis.client()).create().add(1)
        page = eventually(process, is_up)
        assert size(page, "waiting") == 1


def test_half_an_answer_is_read_again_rather_than_shown(exporter: Exporter, server: Start) -> None:
    redis = server()
    HandQueue(redis.client()).create().add(5)
    with Relay(redis) as relay:
        process = exporter(relay.url)
        eventually(process, lambda page: size(page, "waiting") == 5)
        relay.hold(b"bullgauge:read")
        scrape = look_in_background(process)
        relay.wait_until_held()
        relay.cut_in_half()
        page = scrape.result(timeout=30)
        assert is_up(page)
        assert size(page, "waiting") == 5


def test_counters_go_on_when_redis_comes_back_empty(exporter: Exporter, server: Start) -> None:
    redis = server()
    queue = HandQueue(redis.client()).create()
    process = exporter(redis.url)
    queue.finish(10).add(4)
    eventually(process, lambda page: finished(page) == 10 and size(page, "waiting") == 4)
    redis.kill()
    assert says_nothing_but_down(look(process))
    redis.start()
    page = eventually(process, is_up)
    assert size(page, "waiting") is None, "a queue that is gone is not on the page"
    HandQueue(redis.client()).create().finish(3).add(1)
    page = eventually(process, lambda page: finished(page) == 13)
    assert size(page, "waiting") == 1
    assert page.value("queue_jobs_added_total", queue="email") == 4


def test_a_queue_deleted_and_made_anew_at_once_goes_on(exporter: Exporter, server: Start) -> None:
    redis = server()
    queue = HandQueue(redis.client()).create()
    process = exporter(redis.url)
    queue.finish(10)
    eventually(process, lambda page: finished(page) == 10)
    redis.client().flushall()
    HandQueue(redis.client()).create().finish(3)
    page = eventually(process, lambda page: finished(page) == 13)
    assert lost(page) == 0


@pytest.mark.parametrize("entries_max", [None, 30], ids=["whole", "trimmed"])
def test_an_older_copy_of_the_data_counts_nothing_twice(
    entries_max: int | None, exporter: Exporter, server: Start
) -> None:
    redis = server()
    queue = HandQueue(redis.client()).create()
    process = exporter(redis.url)
    eventually(process, lambda page: finished(page) == 0)
    for number in range(5):
        queue.finish(2, entries_max=entries_max)
        eventually(process, lambda page, n=number: finished(page) == 2 * (n + 1))
    queue.client.save()
    queue.finish(5, entries_max=entries_max)
    page = eventually(process, lambda page: finished(page) == 15)
    assert page.value("queue_jobs_added_total", queue="email") == 15
    redis.kill()
    redis.start()
    page = eventually(process, is_up)
    assert finished(page) == 15
    assert page.value("queue_jobs_added_total", queue="email") == 15, "the id counter stepped back to 10"
    HandQueue(redis.client()).finish(7, entries_max=entries_max)
    page = eventually(process, lambda page: (finished(page) or 0) >= 22)
    assert finished(page) == 22
    assert page.value("queue_jobs_added_total", queue="email") == 17
    # Where the new entries came before the first look at the copy, only the look after that can tell.
    page = eventually(process, lambda page: page.value("queue_events_gaps_total", queue="email") == 1)
    assert finished(page) == 22


def test_an_append_only_file_brings_back_everything(exporter: Exporter, server: Start) -> None:
    redis = server("redis7", "appendonly yes", "appendfsync always")
    queue = HandQueue(redis.client()).create()
    process = exporter(redis.url)
    queue.finish(10)
    eventually(process, lambda page: finished(page) == 10)
    redis.kill()
    redis.start()
    HandQueue(redis.client()).finish(6)
    page = eventually(process, lambda page: (finished(page) or 0) >= 16)
    assert finished(page) == 16
    assert lost(page) == 0
    assert page.value("queue_events_gaps_total", queue="email") == 0


def test_many_restarts_cost_neither_memory_nor_files(exporter: Exporter, server: Start) -> None:
    redis = server("redis7", "appendonly yes", "appendfsync always")
    queue = HandQueue(redis.client()).create()
    process = exporter(redis.url)
    queue.finish(1)
    eventually(process, lambda page: finished(page) == 1)
    before = open_files(process)
    for _ in range(8):
        redis.kill()
        assert says_nothing_but_down(look(process))
        redis.start()
        eventually(process, is_up)
    HandQueue(redis.client()).finish(1)
    eventually(process, lambda page: finished(page) == 2)
    assert open_files(process) <= before + 2
    assert resident_megabytes(process) < RESIDENT_MEGABYTES_MAX


@pytest.mark.parametrize("how", ["paused clients", "frozen process"])
def test_a_slow_redis_is_given_up_before_prometheus_gives_up(
    how: str, exporter: Exporter, server: Start
) -> None:
    redis = server()
    queue = HandQueue(redis.client()).create()
    process = exporter(redis.url)
    queue.finish(4).add(2)
    eventually(process, lambda page: finished(page) == 4)
    if how == "paused clients":
        redis.client().client_pause(8_000)  # CLIENT UNPAUSE would have to wait as well
    else:
        redis.pause()
    for _ in range(2):
        assert says_nothing_but_down(look(process, timeout_seconds=2))
    redis.resume()
    queue.finish(3)
    page = eventually(process, lambda page: finished(page) == 7)
    assert size(page, "waiting") == 2


def test_a_redis_that_loads_its_data_is_down_until_it_has(exporter: Exporter, server: Start) -> None:
    redis = server("redis7", "rdbcompression no")
    queue = HandQueue(redis.client()).create()
    process = exporter(redis.url)
    queue.finish(4).add(2)
    eventually(process, lambda page: finished(page) == 4)
    with queue.client.pipeline(transaction=False) as pipeline:
        for number in range(1500):
            pipeline.set(f"ballast:{number}", "x" * 200)
        pipeline.execute()
    queue.client.save()
    redis.kill()
    normal = redis.settings
    # Settings that Redis' own tests use: 5 ms a key, and clients are heard after every 2 kB.
    redis.settings = (*normal, "key-load-delay 5000", "loading-process-events-interval-bytes 2048")
    redis.start(wait=False)
    page = eventually(process, lambda _: "LOADING" in process.program.tail(100))
    assert says_nothing_but_down(page)
    redis.kill()
    redis.settings = normal
    redis.start()
    page = eventually(process, lambda page: finished(page) == 4)
    assert size(page, "waiting") == 2


def test_a_replica_without_its_primary_is_down(exporter: Exporter, server: Start) -> None:
    primary = server("redis7", "repl-diskless-sync-delay 0")
    replica = server("redis7", f"replicaof 127.0.0.1 {primary.port}", "replica-serve-stale-data no")
    replica.wait_for_log("Finished with success")
    HandQueue(primary.client()).create().finish(4).add(2)
    process = exporter(replica.url)
    eventually(process, lambda page: size(page, "waiting") == 2)
    primary.kill()
    replica.wait_for_log("Connection with master lost")
    page = eventually(process, lambda page: not is_up(page))
    assert says_nothing_but_down(page)
    assert any("MASTERDOWN" in line for line in process.program.lines)
    primary.start()
    HandQueue(primary.client()).create().add(1)
    eventually(process, lambda page: is_up(page) and size(page, "waiting") == 1)


def test_a_full_redis_is_read_as_ever(exporter: Exporter, server: Start) -> None:
    redis = server()
    queue = HandQueue(redis.client()).create().finish(4).add(2)
    queue.client.config_set("maxmemory", 1)
    process = exporter(redis.url)
    page = eventually(process, lambda page: size(page, "waiting") == 2)
    assert is_up(page)
    assert page.value("queue_redis_memory_max_bytes") == 1
    assert page.value("queue_redis_eviction_policy", policy="noeviction") == 1


@pytest.mark.parametrize("connection", [b"bullgauge:read", b"bullgauge:follow"])
def test_an_answer_that_is_none_is_asked_for_again(
    connection: bytes, exporter: Exporter, server: Start
) -> None:
    redis = server()
    queue = HandQueue(redis.client()).create()
    with Relay(redis) as relay:
        process = exporter(relay.url)
        eventually(process, lambda page: finished(page) == 0)
        relay.hold(connection)
        scrape = look_in_background(process)
        relay.wait_until_held()
        relay.garble()
        assert is_up(scrape.result(timeout=30))
        queue.finish(3).add(1)
        page = eventually(process, lambda page: finished(page) == 3)
        assert size(page, "waiting") == 1
    assert not any("Traceback" in line for line in process.program.lines)


def test_something_that_is_no_redis_is_down(exporter: Exporter, server: Start) -> None:
    other = exporter(server().url)
    process = exporter(other.url.replace("http://", "redis://"))
    assert says_nothing_but_down(look(process))
    assert process.program.running
