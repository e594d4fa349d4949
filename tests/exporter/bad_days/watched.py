"""Knows how to watch a Redis in this process as a given user, and which metrics the page then has."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

from exporter.collector import Collector
from exporter.notices import Notices
from exporter.settings import TargetSettings
from tests.exporter.bad_days.queues import HandQueue, hold
from tests.exporter.truth.page import Page
from tests.servers import Server

SUFFIXES = ("_bucket", "_sum", "_count")
PASSWORD = "secret"


class Watched:
    """One collector at work, and what it logged."""

    def __init__(self, settings: TargetSettings) -> None:
        self.lines: list[str] = []
        logger = logging.Logger("watched")
        logger.addHandler(_Lines(self.lines))
        self.collector = Collector(settings, Notices(logger))
        self.collector.start()

    def page(self) -> Page:
        return Page(self.collector.page(openmetrics=False, timeout_seconds=None).decode())


class _Lines(logging.Handler):
    def __init__(self, lines: list[str]) -> None:
        super().__init__()
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(record.getMessage())


@contextmanager
def watched(server: Server, user: str, **settings: object) -> Iterator[Watched]:
    """A collector that reads `server` as `user`, when it has found what there is."""
    url = f"redis://{user}:{PASSWORD}@127.0.0.1:{server.port}/0"
    one = Watched(TargetSettings.model_validate({"redis": {"url": url}, **settings}))
    try:
        if one.collector.wait_ready(time.monotonic() + 1) and "scan" not in one.collector.refused:
            one.collector.wait_ready(time.monotonic() + 10)
        yield one
    finally:
        one.collector.stop()


def fill(server: Server) -> None:
    """A BullMQ queue `email` and a Bull queue `legacy` that have something of everything, and a cache."""
    client, now_ms = server.client(), int(time.time() * 1000)
    queue = HandQueue(client).create().finish(3).add(1)
    client.hset(queue.key("meta"), mapping={"concurrency": 7, "max": 10, "duration": 1000})
    client.set(queue.key("limiter"), 3, px=3_600_000)
    client.lpush(queue.key("active"), "a")
    hold(queue, "a", processedOn=str(now_ms), timestamp=str(now_ms), name="send")
    client.zadd(queue.key("delayed"), {"d": (now_ms + 3_600_000) * 4096})
    client.zadd(queue.key("repeat"), {"r": now_ms + 3_600_000})
    legacy = HandQueue(client, "legacy")
    client.set(legacy.key("id"), 1)
    client.lpush(legacy.key("wait"), "1")
    hold(legacy, "1", timestamp=str(now_ms), name="old", opts="{}", delay="0")
    client.set("job_result:1", "x" * 100, ex=3600)


def work(server: Server) -> None:
    """Two jobs of `email`, one of `legacy`."""
    client = server.client()
    HandQueue(client).finish(2)
    for channel, message in (
        ("waiting@t", "2"),
        ("active@t", "2"),
        ("completed", '{"jobId":"2","val":"1"}'),
    ):
        client.publish(f"bull:legacy:{channel}", message)


def metrics(page: Page) -> set[str]:
    """Every metric of the page as `queue name{state}`, with `-` for no queue."""
    found = set()
    for family in page.families.values():
        for sample in family.samples:
            name = sample.name
            for suffix in SUFFIXES:
                name = name.removesuffix(suffix)
            extra = next(
                (sample.labels[label] for label in ("state", "reason") if label in sample.labels), ""
            )
            found.add(f"{sample.labels.get('queue', '-')} {name}{f'{{{extra}}}' if extra else ''}")
    return found
