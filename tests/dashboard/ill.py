"""Knows how a server falls ill: it stands before a real one, and passes questions on while it is well."""

from __future__ import annotations

import json
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ERROR_422 = json.dumps({
    "status": "error", "errorType": "execution",
    "error": "query processing would load too many samples into memory in query execution",
})  # fmt: skip
EMPTY = json.dumps({"status": "success", "data": {"resultType": "matrix", "result": []}})


class IllServer:
    """`illness` is "" (well) or another of `_WAYS`; `only` picks the paths that are ill; `told` is what it says."""

    def __init__(self, behind: str = "") -> None:
        self.behind = behind
        self.illness = ""
        self.only = ""
        self.told = EMPTY
        self.asked: list[tuple[str, dict[str, str], str]] = []
        self.released = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outer.answer(self, self.rfile.read(int(self.headers.get("Content-Length", 0))))

            def do_GET(self) -> None:
                outer.answer(self, None)

            def log_message(self, *_arguments: object) -> None:
                """Silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        ).start()

    def stop(self) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()

    def answer(self, request: BaseHTTPRequestHandler, form: bytes | None) -> None:
        self.asked.append((request.path, dict(request.headers.items()), (form or b"").decode()))
        is_ill = self.illness and self.only in request.path
        _WAYS[self.illness if is_ill else ""](self, request, form)


def _well(server: IllServer, request: BaseHTTPRequestHandler, form: bytes | None) -> None:
    try:
        with urllib.request.urlopen(urllib.request.Request(server.behind + request.path, form)) as answer:
            _send(request, 200, answer.read())
    except urllib.error.HTTPError as error:
        _send(request, error.code, error.read())


def _send(request: BaseHTTPRequestHandler, status: int, body: bytes, promised: int | None = None) -> None:
    request.send_response(status)
    request.send_header("Content-Length", str(len(body) if promised is None else promised))
    request.end_headers()
    request.wfile.write(body)


def _gone(_server: IllServer, request: BaseHTTPRequestHandler, _form: bytes | None) -> None:
    """As when the process was killed: the connection ends without a word."""
    request.close_connection = True
    request.connection.shutdown(socket.SHUT_RDWR)


def _silent(server: IllServer, _request: BaseHTTPRequestHandler, _form: bytes | None) -> None:
    server.released.wait()


def _always(status: int, body: str, promised: int | None = None) -> Callable[..., None]:
    return lambda _server, request, _form: _send(request, status, body.encode(), promised)


_WAYS: dict[str, Callable[[IllServer, BaseHTTPRequestHandler, bytes | None], None]] = {
    "": _well,
    "gone": _gone,
    "silent": _silent,
    "a page": _always(200, "<html><body>Sign in</body></html>"),
    "half": _always(200, '{"status": "success", "data": {"result": [', 4000),
    "half as a whole": _always(200, '{"status": "success", "data": {"result": ['),
    "null": _always(200, '{"status": "success", "data": null}'),
    "odd series": _always(
        200, '{"status": "success", "data": {"result": [{"metric": {}, "histograms": []}]}}'
    ),
    "too much": _always(422, ERROR_422),
    "warming up": _always(503, "Service Unavailable"),
    "a page that says 502": _always(502, "<html><h1>Bad Gateway</h1></html>"),
    "empty": _always(200, EMPTY),
    "told": lambda server, request, _form: _send(request, 200, server.told.encode()),
}
