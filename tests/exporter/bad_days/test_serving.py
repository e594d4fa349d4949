"""Many scrapes at once, an end in the middle of one, and several exporters disturb nothing."""

from __future__ import annotations

import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from tests.conftest import Exporter, ExporterProcess, Start
from tests.exporter.bad_days.looking import (
    eventually,
    finished,
    is_up,
    look,
    look_in_background,
    resident_megabytes,
    says_nothing_but_down,
    size,
)
from tests.exporter.bad_days.queues import HandQueue
from tests.exporter.bad_days.relay import Relay
from tests.servers import Server

SCRAPES = 100


def test_a_hundred_scrapes_at_once_are_all_answered_and_share_the_work(
    exporter: Exporter, redis_server: Server
) -> None:
    queue = HandQueue(redis_server.client()).create().add(3)
    process = exporter(redis_server.url)
    queue.finish(5)
    eventually(process, lambda page: finished(page) == 5)
    connections = redis_server.client().info("clients")["connected_clients"]
    redis_server.client().config_resetstat()
    with ThreadPoolExecutor(SCRAPES) as pool:
        pages = list(pool.map(lambda _: look(process), range(SCRAPES)))
    assert all(is_up(page) and size(page, "waiting") == 3 and finished(page) == 5 for page in pages)
    info = redis_server.client().info("commandstats")
    assert info["cmdstat_client|list"]["calls"] < SCRAPES
    assert redis_server.client().info("clients")["connected_clients"] <= connections + 1
    assert resident_megabytes(process) < 100


def test_no_scrape_gets_numbers_older_than_itself(exporter: Exporter, redis_server: Server) -> None:
    queue = HandQueue(redis_server.client()).create()
    process = exporter(redis_server.url)
    eventually(process, lambda page: size(page, "waiting") == 0)

    def add_and_look(_: int) -> bool:
        queue.client.lpush(queue.key("wait"), "1")
        length = queue.client.llen(queue.key("wait"))
        return (size(look(process), "waiting") or 0) >= length  # type: ignore[operator]

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(add_and_look, range(200)))


def test_a_hundred_scrapes_of_a_redis_that_hangs_are_all_answered_in_time(
    exporter: Exporter, server: Start
) -> None:
    redis = server()
    HandQueue(redis.client()).create()
    process = exporter(redis.url)
    eventually(process, lambda page: size(page, "waiting") == 0)
    redis.pause()
    with ThreadPoolExecutor(SCRAPES) as pool:
        scrapes = [pool.submit(look, process, 5) for _ in range(SCRAPES)]
        assert process.get("/-/healthy", seconds=5) == "healthy\n"
        assert all(says_nothing_but_down(scrape.result()) for scrape in scrapes)
    redis.resume()
    eventually(process, is_up)


def test_an_end_in_the_middle_of_a_scrape_lets_it_finish(exporter: Exporter, server: Start) -> None:
    redis = server()
    HandQueue(redis.client()).create().add(3)
    with Relay(redis) as relay:
        process = exporter(relay.url)
        eventually(process, lambda page: size(page, "waiting") == 3)
        relay.hold(b"bullgauge:read")
        scrape = look_in_background(process)
        relay.wait_until_held()
        process.program.process.send_signal(signal.SIGTERM)
        _wait_until_refused(process)
        relay.release()
        page = scrape.result(timeout=20)
        assert is_up(page)
        assert size(page, "waiting") == 3
        assert process.program.finish(seconds=20) == 0
    assert not any("Traceback" in line for line in process.program.lines)


def test_an_end_while_redis_hangs_comes_soon(exporter: Exporter, server: Start) -> None:
    redis = server()
    HandQueue(redis.client()).create()
    process = exporter(redis.url)
    eventually(process, lambda page: size(page, "waiting") == 0)
    redis.pause()
    scrape = look_in_background(process, timeout_seconds=4)
    process.program.process.send_signal(signal.SIGTERM)
    # The scrape is given its time, the connection that follows is not. Kubernetes kills after 30 s.
    assert process.program.finish(seconds=29) == 0
    redis.resume()
    assert scrape.exception(timeout=5) is not None or says_nothing_but_down(scrape.result())
    assert not any("Traceback" in line for line in process.program.lines)


def _wait_until_refused(process: ExporterProcess) -> None:
    """Wait until no new connection is taken: the end has begun."""
    address = urlsplit(process.url)
    while True:
        try:
            socket.create_connection((address.hostname or "", address.port or 0), timeout=1).close()
        except OSError:
            return
