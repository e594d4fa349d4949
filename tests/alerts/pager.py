"""Knows a webhook receiver that keeps what Alertmanager sends, in order and with its time."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Call:
    """One alert in one notification."""

    at: float
    path: str
    status: str
    alert: str
    severity: str
    queue: str
    description: str

    @property
    def page(self) -> tuple[str, str, str]:
        return (self.status, self.alert, self.queue)


class Pager:
    """Receives at `/page` and `/warn`."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.news = threading.Condition()
        pager = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(200)
                self.end_headers()
                pager.take(self.path, body)

            def log_message(self, *_arguments: object) -> None:
                """Silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def take(self, path: str, body: dict[str, object]) -> None:
        with self.news:
            for alert in body["alerts"]:  # type: ignore[attr-defined]
                marks, texts = alert["labels"], alert["annotations"]
                self.calls.append(
                    Call(
                        time.monotonic(),
                        path,
                        alert["status"],
                        marks["alertname"],
                        marks["severity"],
                        marks.get("queue", ""),
                        texts["description"],
                    )
                )
            self.news.notify_all()

    def pages(self) -> list[Call]:
        """What woke somebody: each alert's first `firing` and its `resolved`; a repetition is a mistake of ours."""
        return [call for call in self.calls if call.path == "/page"]

    def wait_for(self, wanted: Callable[[Call], bool], seconds: float, after: int = 0) -> Call | None:
        """The first page from position `after` on that is wanted; None when it does not come in time."""
        deadline = time.monotonic() + seconds
        with self.news:
            while True:
                for call in self.pages()[after:]:
                    if wanted(call):
                        return call
                left = deadline - time.monotonic()
                if left <= 0:
                    return None
                self.news.wait(left)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
