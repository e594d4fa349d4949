"""Knows a webhook receiver that keeps what Alertmanager sends, in order and with its time."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Call:
    """One alert in one notification; `about` is its queue, and the window of a burn rate."""

    at: float
    path: str
    status: str
    alert: str
    severity: str
    about: str
    description: str


class Pager:
    """Receives at every path; Alertmanager's routes say which is whose."""

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
                marks = alert["labels"]
                about = " ".join(marks[name] for name in ("queue", "window") if marks.get(name))
                self.calls.append(
                    Call(
                        time.monotonic(),
                        path,
                        alert["status"],
                        marks["alertname"],
                        marks["severity"],
                        about,
                        alert["annotations"]["description"],
                    )
                )
            self.news.notify_all()

    def of(self, alert: str) -> list[Call]:
        """Every call of this alert."""
        with self.news:
            return [call for call in self.calls if call.alert == alert]

    def next_of_others(self, alert: str, after: int, seconds: float) -> Call | None:
        """The call at position `after` among those of other alerts; None when it does not come in time."""
        deadline = time.monotonic() + seconds
        with self.news:
            while True:
                others = [call for call in self.calls if call.alert != alert]
                if len(others) > after:
                    return others[after]
                left = deadline - time.monotonic()
                if left <= 0:
                    return None
                self.news.wait(left)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
