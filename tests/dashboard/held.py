"""Knows a Prometheus that holds its answers back until it is told to go on: slow for as long as a test likes."""

from __future__ import annotations

import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HELD_SECONDS = 60


class HeldPrometheus:
    """Passes on what it is asked; `hold` and `release` say when. `wait_for_question` awaits one that is held."""

    def __init__(self, url: str) -> None:
        self._target = url
        self._open = threading.Event()
        self._open.set()
        self._held = threading.Semaphore(0)
        self._lock = threading.Lock()
        self._under_way = 0
        self.most_at_once = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def hold(self) -> None:
        self._held = threading.Semaphore(0)
        self._open.clear()

    def release(self) -> None:
        self._open.set()

    def wait_for_question(self) -> None:
        assert self._held.acquire(timeout=HELD_SECONDS)

    def stop(self) -> None:
        self.release()
        self._server.shutdown()
        self._server.server_close()

    def pass_on(self, path: str, body: bytes) -> tuple[int, bytes]:
        with self._lock:
            self._under_way += 1
            self.most_at_once = max(self.most_at_once, self._under_way)
        try:
            return self._passed_on(path, body)
        finally:
            with self._lock:
                self._under_way -= 1

    def _passed_on(self, path: str, body: bytes) -> tuple[int, bytes]:
        if not self._open.is_set():
            self._held.release()
            self._open.wait(HELD_SECONDS)
        try:
            with urllib.request.urlopen(urllib.request.Request(self._target + path, body)) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        held = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, answer = held.pass_on(self.path, body)
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *args: object) -> None:
                """Nothing is said of a request."""

        return Handler
