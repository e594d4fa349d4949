"""Knows a small real HTTP target that serves an exporter's page of queues that behave as a drill wants."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from exporter import catalogue as c
from exporter.families import Page, labels
from exporter.following.tally import Histogram


@dataclass
class DrillQueue:
    """One queue; rates are jobs a second, and hold from one look to the next."""

    finished: float = 0
    failed: float = 0
    ready: float = 0
    workers: int = 2
    wait_seconds: float = 0.01
    counts: dict[str, float] = field(default_factory=lambda: {"completed": 0.0, "failed": 0.0})
    waits: Histogram = field(default_factory=lambda: Histogram((0.75, 1.5)))

    def go_on(self, seconds: float) -> None:
        self.counts["completed"] += self.finished * seconds
        self.counts["failed"] += self.failed * seconds
        edge = sum(self.wait_seconds > edge for edge in self.waits.edges)
        self.waits.counts[edge] += (self.finished + self.failed) * seconds  # type: ignore[call-overload]


class Site:
    """The target. `queues` and `redis_up` may be changed at any time; `close` and `open` are a crash and a restart."""

    def __init__(self) -> None:
        self.queues: dict[str, DrillQueue] = {}
        self.redis_up = True
        self._looked = time.monotonic()
        self._lock = threading.Lock()
        self._port = 0
        self.open()

    def open(self) -> None:
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = site.page()
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.end_headers()
                with suppress(ConnectionError):  # a Prometheus that is killed does not read to the end
                    self.wfile.write(body)

            def log_message(self, *_arguments: object) -> None:
                """Silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), Handler)
        self._port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._port}"

    def page(self) -> bytes:
        with self._lock:
            now = time.monotonic()
            for queue in self.queues.values():
                queue.go_on(now - self._looked)
            self._looked = now
            page = Page()
            page.add(c.REDIS_UP, "", int(self.redis_up))
            for collector in ("queues", "events"):
                page.add(c.SCRAPE_SUCCESS, labels({"collector": collector}), int(self.redis_up))
            if self.redis_up:
                page.add(c.LAST_SUCCESS, "", time.time())
                for name, queue in self.queues.items():
                    _add(page, name, queue)
            return page.render(openmetrics=False)


def _add(page: Page, name: str, queue: DrillQueue) -> None:
    at = {"prefix": "bull", "queue": name}
    for state in c.JOB_STATES:
        page.add(c.SIZE, labels({**at, "state": state}), queue.ready if state == "waiting" else 0)
    for status, count in queue.counts.items():
        page.add(c.PROCESSED, labels({**at, "status": status}), count)
    for reason in ("delayed", "waiting", "stalled"):
        page.add(c.REQUEUED, labels({**at, "reason": reason}), 0)
    page.add(c.PAUSED, labels(at), 0)
    page.add(c.RATE_LIMITED, labels(at), 0)
    page.add(c.WORKERS, labels(at), queue.workers)
    page.add_histogram(c.JOB_WAIT, labels(at), queue.waits)
