"""This file knows how bytes travel to one Redis server: packed requests out, parsed replies in.

redis-py opens the connection (TLS, ACL users, SELECT, Sentinel); from then on many commands go out in one
write and all replies come back through hiredis without a Python call for each. Redis errors come back as
values (`ReplyError`) because one queue's WRONGTYPE must not cost the other queues their numbers.
"""

import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, cast

import hiredis
from redis.connection import AbstractConnection

from exporter.web import arrival

ReplyError = hiredis.ReplyError
STAMPED_BYTES = 2048


def pack(words: tuple[bytes | str | int, ...]) -> bytes:
    """One command in RESP."""
    return cast(bytes, hiredis.pack_command(words))  # type: ignore[arg-type]


class WireError(Exception):
    """The connection is unusable: refused, closed, timed out or not speaking RESP."""


class Wire:
    """One connection to one server. Not for use by two threads at once."""

    def __init__(self, open_connection: Callable[[float], AbstractConnection], address: str) -> None:
        """`open_connection(timeout_seconds)` returns a connected redis-py connection; `address` is for errors."""
        self.address = address
        self._open = open_connection
        self._connection: AbstractConnection | None = None
        self._sock: socket.socket | None = None
        self._reader = hiredis.Reader()
        self._is_stamped = False
        self.connects = 0
        self.bytes_received = 0

    def fileno(self) -> int:
        """The socket's descriptor, for select; -1 when closed."""
        return self._sock.fileno() if self._sock else -1

    @property
    def connected(self) -> bool:
        return self._sock is not None

    def connect(self, deadline: float) -> None:
        """Open the connection if it is not; raises WireError."""
        if self._sock is not None:
            return
        connection = self._open(max(0.05, deadline - time.monotonic()))
        self._connection = connection
        self._sock = _socket_of(connection)
        self._reader = hiredis.Reader()
        self._is_stamped = False
        self.connects += 1

    def close(self) -> None:
        connection, self._connection, self._sock = self._connection, None, None
        if connection is not None:
            connection.disconnect()  # type: ignore[no-untyped-call]

    def abort(self) -> None:
        """End an exchange that waits in another thread; there it raises WireError."""
        if (sock := self._sock) is not None:
            with suppress(OSError):
                # Past TLS, whose own shutdown is not for two threads.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)

    def send(self, packed: bytes, deadline: float) -> None:
        """Write a request; `deadline` is on the `time.monotonic` clock."""
        if self._sock is None:
            raise WireError(f"{self.address}: not connected")
        try:
            self._sock.settimeout(_remaining(deadline))
            self._sock.sendall(packed)
        except OSError as error:
            raise self._broken(error) from error

    def receive(self, count: int, deadline: float) -> list[Any]:
        """The next `count` replies in order; errors among them are `ReplyError` values."""
        replies: list[Any] = []
        append, gets = replies.append, self._reader.gets
        try:
            while count:
                reply = gets()
                if reply is False:
                    self._fill(deadline)
                else:
                    append(reply)
                    count -= 1
        except hiredis.HiredisError as error:
            raise self._broken(error) from error
        return replies

    def stamp_arrivals(self) -> None:
        """From now on `receive_now` knows when what it reads arrived, where the system tells."""
        self._is_stamped = self._sock is not None and arrival.enable(self._sock)

    def receive_now(self, now: float) -> list[tuple[float, list[Any]]]:
        """All replies that have arrived, for pub/sub, and when they did; that is `now` where nobody knows.

        Times are on the `time.monotonic` clock. Does not wait.
        """
        if self._sock is None:
            raise WireError(f"{self.address}: not connected")
        received: list[tuple[float, list[Any]]] = []
        try:
            self._sock.settimeout(0)
            while True:
                data, arrived = self._read_piece(self._sock)
                self._reader.feed(_nonempty(data))
                received.append((now if arrived is None else arrived, self._parsed()))
        except (BlockingIOError, ssl.SSLWantReadError):
            return received
        except (OSError, hiredis.HiredisError) as error:
            broken = self._broken(error)
            if received:  # what came before the end counts; `connected` tells of the end
                return received
            raise broken from error

    def _read_piece(self, sock: socket.socket) -> tuple[bytes, float | None]:
        """Stamped pieces are small, since a piece has one stamp: that of its end."""
        return arrival.receive(sock, STAMPED_BYTES) if self._is_stamped else (sock.recv(262144), None)

    def _parsed(self) -> list[Any]:
        replies = []
        while (reply := self._reader.gets()) is not False:
            replies.append(reply)
        return replies

    def exchange(self, packed: bytes, count: int, deadline: float) -> list[Any]:
        """Send a packed pipeline and return its replies.

        A large pipeline is sent while replies are read, so that neither side's buffers can block both.
        """
        if len(packed) <= 65536:
            self.send(packed, deadline)
            return self.receive(count, deadline)
        return self._exchange_large(packed, count, deadline)

    def call(self, *arguments: bytes | str | int, deadline: float) -> Any:
        """One command, one reply."""
        return self.exchange(pack(arguments), 1, deadline)[0]

    def _exchange_large(self, packed: bytes, count: int, deadline: float) -> list[Any]:
        sock, gets = self._sock, self._reader.gets
        if sock is None:
            raise WireError(f"{self.address}: not connected")
        replies: list[Any] = []
        view, sent = memoryview(packed), 0
        try:
            while sent < len(view):
                sock.settimeout(_remaining(deadline))
                sent += sock.send(view[sent : sent + 262144])
                sock.settimeout(0)
                try:
                    self._reader.feed(_nonempty(sock.recv(262144)))
                except (BlockingIOError, ssl.SSLWantReadError):
                    continue
                while (reply := gets()) is not False:
                    replies.append(reply)
        except (OSError, hiredis.HiredisError) as error:
            raise self._broken(error) from error
        return replies + self.receive(count - len(replies), deadline)

    def _fill(self, deadline: float) -> None:
        if self._sock is None:
            raise WireError(f"{self.address}: not connected")
        try:
            self._sock.settimeout(_remaining(deadline))
            data = _nonempty(self._sock.recv(262144))
            self.bytes_received += len(data)
            self._reader.feed(data)
        except (OSError, hiredis.HiredisError) as error:
            raise self._broken(error) from error

    def _broken(self, error: Exception) -> WireError:
        self.close()
        reason = "timed out" if isinstance(error, TimeoutError) else str(error) or type(error).__name__
        return WireError(f"{self.address}: {reason}")


def deadline_in(seconds: float) -> float:
    """A deadline for one exchange, on the clock that wires use."""
    return time.monotonic() + seconds


def _socket_of(connection: AbstractConnection) -> socket.socket:
    """The socket of an open redis-py connection; its own parsers take it from the same attribute."""
    sock = connection._sock
    if sock is None:
        raise WireError("connection closed while it was being opened")
    return cast(socket.socket, sock)


def _nonempty(data: bytes) -> bytes:
    if not data:
        raise ConnectionResetError("connection closed by the server")
    return data


def _remaining(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
