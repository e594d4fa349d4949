"""How long a scrape of 1,000 queues takes, as a ratio to the plain way, in one run.

    python -m tests.bench.exporter_scrape [QUEUES]

The plain way sends the very same commands (recorded by MONITOR during a scrape) bare in one redis-py pipeline with
hiredis, and has prometheus-client's generate_latest write the families that are parsed back from our page.
Exits 1 when the ratio is above 1.
"""

import logging
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import redis
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from exporter.collector import Collector
from exporter.notices import Notices
from exporter.settings import RedisSettings, TargetSettings
from tests.bench import queues
from tests.servers import Server

ROUNDS = 9
LIMIT = 1.0


class _Parsed:
    """A registry over families that are there already."""

    def __init__(self, page: str) -> None:
        self._families = list(text_string_to_metric_families(page))
        self.samples = sum(len(family.samples) for family in self._families)

    def collect(self) -> list:
        return self._families


def main(number: int = 1000) -> int:
    with tempfile.TemporaryDirectory() as folder:
        server = Server("redis7", Path(folder), "save ''").start()
        try:
            return _compare(server, number)
        finally:
            server.stop()


def _compare(server: Server, number: int) -> int:
    client = redis.Redis.from_url(server.url)
    queues.fill(client, number)
    settings = TargetSettings(redis=RedisSettings(url=server.url))
    collector = Collector(settings, Notices(logging.getLogger("bench")))
    collector.start()
    assert collector.wait_ready(time.monotonic() + 30) is None
    for queue in range(number):
        queues.work(client, queue, 20)
    page = collector.page(openmetrics=False, timeout_seconds=None).decode()
    commands = _recorded(server, collector)
    registry = CollectorRegistry()
    parsed = _Parsed(page)
    registry.register(parsed)  # type: ignore[arg-type]
    pipe_client = redis.Redis.from_url(server.url)

    def plain_read() -> None:
        pipe = pipe_client.pipeline(transaction=False)
        for command in commands:
            pipe.execute_command(*command)
        pipe.execute(raise_on_error=False)

    timed = {
        "ours": lambda: collector.page(openmetrics=False, timeout_seconds=None),
        "plain read": plain_read,
        "plain page": lambda: generate_latest(registry),
    }
    seconds = _alternate(timed)
    collector.stop()
    plain = seconds["plain read"] + seconds["plain page"]
    ratio = seconds["ours"] / plain
    print(f"{number} queues, {len(commands)} commands, {parsed.samples} samples, {len(page)} bytes")
    print(f"ours {seconds['ours'] * 1000:.0f} ms; plain: pipeline {seconds['plain read'] * 1000:.0f} ms")
    print(f"  + generate_latest {seconds['plain page'] * 1000:.0f} ms = {plain * 1000:.0f} ms")
    print(f"ratio {ratio:.2f} (limit {LIMIT:.2f})")
    return 0 if ratio <= LIMIT else 1


def _alternate(timed: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Median seconds of each, taken in turn so that a disturbance meets all alike."""
    samples: dict[str, list[float]] = {name: [] for name in timed}
    for _ in range(ROUNDS):
        for name, run in timed.items():
            began = time.perf_counter()
            run()
            samples[name].append(time.perf_counter() - began)
    return {name: statistics.median(values) for name, values in samples.items()}


def _recorded(server: Server, collector: Collector) -> list[list[str]]:
    """The commands of one scrape as the server saw them, those of the follower left out."""
    commands: list[tuple[str, list[str]]] = []
    done = threading.Event()
    with redis.Redis.from_url(server.url).monitor() as monitor:

        def listen() -> None:
            for entry in monitor.listen():
                if entry["command"].startswith("PING done"):
                    done.set()
                    return
                commands.append((entry["client_port"], entry["command"].split(" ")))

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        collector.page(openmetrics=False, timeout_seconds=None)
        redis.Redis.from_url(server.url).execute_command("PING", "done")
        done.wait(30)
    counts: dict[str, int] = {}
    for port, _ in commands:
        counts[port] = counts.get(port, 0) + 1
    reader = max(counts, key=lambda port: counts[port])
    return [words for port, words in commands if port == reader]


if __name__ == "__main__":
    sys.exit(main(*(int(argument) for argument in sys.argv[1:])))
