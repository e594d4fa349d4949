"""Knows how the pages go on the network: address, threads, TLS, who gets in, and how to stop.

Built on cheroot. Two things are arranged differently, so that a client that connects and then says nothing
holds up nobody: a new connection waits for its first byte in the selector instead of in a worker, and the TLS
handshake is done by a worker instead of the accepting thread.
"""

from __future__ import annotations

import logging
import socket
import ssl
import threading
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from cheroot import errors, server, wsgi
from cheroot.makefile import StreamReader, StreamWriter
from cheroot.ssl import Adapter

from exporter.web.pages import Reply, send
from exporter.web.passwords import PasswordCheck

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from exporter.web.config import WebConfigFile

log = logging.getLogger(__name__)

# Each is a request under way: when a hundred scrapes hang, health checks are still answered. 15 kB each.
WORKERS = 128
# Connections that may wait, for a worker or idle between two scrapes.
CONNECTIONS = 256
# A client that has begun to speak must go on within this time.
REQUEST_TIMEOUT_SECONDS = 10
# Longer than the usual scrape interval of a minute, so that Prometheus' connections (and TLS sessions) last.
IDLE_TIMEOUT_SECONDS = 75
MAX_HEADER_BYTES = 32 * 1024
GRACE_SECONDS = 10.0


class ListenError(ValueError):
    """The server cannot listen there; the text says in one line where and why."""


class Server:
    """Serves `app` at `listen` (`:10577`, `127.0.0.1:0`, `[::1]:10577`, `name:10577`).

    `web` adds TLS, client certificates, passwords and headers from a web configuration file.
    """

    def __init__(self, app: WSGIApplication, listen: str, web: WebConfigFile | None = None) -> None:
        """Raises ListenError when `listen` is no address."""
        self._listen = listen
        self._http = _HTTPServer(
            _bind_address(listen),
            guarded(app, web) if web else app,
            numthreads=WORKERS,
            server_name="bullgauge",
            request_queue_size=CONNECTIONS,
            timeout=IDLE_TIMEOUT_SECONDS,
            accepted_queue_size=CONNECTIONS,
            # 0 = a full queue is answered with 503 at once.
            accepted_queue_timeout=0,
        )
        if web and web.current().tls:
            self._http.ssl_adapter = _TLSAdapter(web)

    @property
    def port(self) -> int:
        """The port listened on; known after `start`, even when asked for port 0."""
        return int(self._http.bind_addr[1])

    def start(self) -> None:
        """Return as soon as connections are accepted; raises ListenError, for example for a port in use."""
        listening: Future[None] = Future()
        # Worker threads inherit daemon from this one: a scrape that hangs cannot keep the process alive.
        threading.Thread(target=self._run, args=(listening,), name="http", daemon=True).start()
        listening.result()

    def _run(self, listening: Future[None]) -> None:
        try:
            self._http.prepare()
        except OSError:
            reason = self._http.bind_error.strerror if self._http.bind_error else "no such address"
            listening.set_exception(ListenError(f"cannot listen on {self._listen}: {reason}"))
            return
        listening.set_result(None)
        self._http.serve()

    def stop(self, grace_seconds: float = GRACE_SECONDS) -> None:
        """Close the port, then return when every request under way is answered, at the latest after grace."""
        self._http.shutdown_timeout = grace_seconds
        stopping = threading.Thread(target=self._http.stop, name="http-stop", daemon=True)
        stopping.start()
        stopping.join(grace_seconds + 1)


def _bind_address(listen: str) -> tuple[str, int]:
    try:
        parts = urlsplit(f"//{listen}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if port is None or parts.netloc != listen or "@" in listen:
        raise ListenError(f"listen address {listen!r}: not HOST:PORT; for example :10577 or [::1]:10577")
    return host or ("::" if socket.has_dualstack_ipv6() else "0.0.0.0"), port


def guarded(app: WSGIApplication, web: WebConfigFile) -> WSGIApplication:
    """`app` behind the passwords of the web configuration file, with its headers on every answer."""
    passwords = PasswordCheck()

    def guard(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        access = web.current()

        def start(status: str, headers: list[tuple[str, str]], *exc_info: Any) -> Any:
            return start_response(status, _with_own(headers, access.headers), *exc_info)

        if access.users and not passwords.allow(access.users, environ.get("HTTP_AUTHORIZATION", "")):
            return send(_UNAUTHORISED, environ, start)
        return app(environ, start)

    return guard


_UNAUTHORISED = Reply(
    b"user name and password, please\n",
    "401 Unauthorized",
    headers={"WWW-Authenticate": 'Basic realm="bullgauge", charset="UTF-8"'},
)


def _with_own(headers: Sequence[tuple[str, str]], own: Mapping[str, str]) -> list[tuple[str, str]]:
    return [item for item in {**dict(headers), **own}.items() if item[1]]


class _Request(server.HTTPRequest):
    def read_request_line(self) -> bool:
        try:
            return bool(super().read_request_line())  # type: ignore[no-untyped-call]
        except ValueError:
            self.simple_response("400 Bad Request", "Malformed Request-URI")
            return False

    def read_request_headers(self) -> bool:
        read = bool(super().read_request_headers())  # type: ignore[no-untyped-call]
        # No page takes a body; what follows an unread one must not be taken for a request.
        if b"Transfer-Encoding" in self.inheaders:
            self.close_connection = True
        return read


class _Connection(server.HTTPConnection):
    RequestHandlerClass = _Request
    _greeted = False

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.socket.settimeout(REQUEST_TIMEOUT_SECONDS)

    def communicate(self) -> bool:
        if not self._greeted and isinstance(self.socket, ssl.SSLSocket):
            try:
                self.server.ssl_adapter.greet(self.socket)
            except OSError as error:
                log.info("TLS with %s failed: %s", self.remote_addr, error)
                return False
        self._greeted = True
        return bool(super().communicate())  # type: ignore[no-untyped-call]


class _HTTPServer(wsgi.Server):
    ConnectionClass = _Connection
    max_request_header_size = MAX_HEADER_BYTES
    # The smallest limit there is: 0 would mean none.
    max_request_body_size = 1
    keep_alive_conn_limit = CONNECTIONS
    # How often idle connections are looked over; also how long `stop` may take to be noticed.
    expiration_interval = 0.1
    bind_error: OSError | None = None

    def bind(self, *arguments: Any, **keywords: Any) -> Any:
        try:
            return super().bind(*arguments, **keywords)
        except OSError as error:
            self.bind_error = error
            raise

    def process_conn(self, conn: Any) -> None:
        if conn.last_used is None and self.can_add_keepalive_connection:
            self.put_conn(conn)
        else:
            super().process_conn(conn)

    def error_log(self, msg: str = "", level: int = logging.INFO, traceback: bool = False) -> None:
        log.log(level, "%s", " ".join(msg.split()), exc_info=traceback and log.isEnabledFor(logging.DEBUG))


class _TLSAdapter(Adapter):
    """Gives every new connection the certificates that are in force then."""

    def __init__(self, web: WebConfigFile) -> None:
        self._web = web

    def wrap(self, sock: socket.socket) -> tuple[ssl.SSLSocket, dict[str, str]]:
        context = self._web.current().tls
        assert context, "a web configuration file never loses its TLS section while in force"
        try:
            wrapped = context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        except OSError as error:
            raise errors.FatalSSLAlert(*error.args) from error
        return wrapped, self.get_environ()

    def greet(self, sock: ssl.SSLSocket) -> None:
        """Do the handshake and look at the client's certificate; raises OSError to refuse the client."""
        try:
            sock.do_handshake()
        except ssl.SSLError as error:
            if error.reason == "HTTP_REQUEST":
                _answer_plainly(sock)
            raise
        if not self._web.current().admits(sock.getpeercert()):
            raise PermissionError("no name in the client's certificate is among client_allowed_sans")

    def bind(self, sock: socket.socket) -> socket.socket:
        return sock

    def get_environ(self) -> dict[str, str]:
        return {"wsgi.url_scheme": "https", "HTTPS": "on"}

    def makefile(self, sock: socket.socket, mode: str = "r", bufsize: int = -1) -> Any:
        return (StreamReader if "r" in mode else StreamWriter)(sock, mode, bufsize)


def _answer_plainly(sock: ssl.SSLSocket) -> None:
    line = b"this port speaks HTTPS only\n"
    head = b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n"
    # Beneath TLS. What the client sent is read away: a socket closed over unread bytes loses the answer.
    socket.socket.recv(sock, MAX_HEADER_BYTES)
    socket.socket.sendall(sock, head % len(line) + line)
