"""Knows how to hear every command that reaches a server, through MONITOR on a socket of its own."""

from __future__ import annotations

import re
import socket
import threading
from types import TracebackType
from typing import Self

from tests.servers import Server

# +1700000000.123456 [0 unix:/tmp/x.sock] "client" "setname" "x"
_LINE = re.compile(rb'^\+[0-9.]+ \[\d+ (?P<client>[^\]]*)\] "(?P<command>[^"]*)"(?: "(?P<first>[^"]*)")?')
_OF_CONTAINERS = (
    b"client",
    b"config",
    b"xinfo",
    b"cluster",
    b"command",
    b"acl",
    b"script",
    b"function",
    b"debug",
)


class Monitor:
    """Hears commands while it is open; those of clients on a Unix socket can be told from those on TCP."""

    def __init__(self, server: Server) -> None:
        self._socket = socket.create_connection(("127.0.0.1", server.port))
        self._socket.sendall(b"MONITOR\r\n")
        self._file = self._socket.makefile("rb")
        assert self._file.readline() == b"+OK\r\n"
        self._heard: list[tuple[bytes, str]] = []
        self._changed = threading.Condition()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        for line in self._file:
            found = _LINE.match(line)
            assert found is not None, line
            command = found["command"].lower()
            if command in _OF_CONTAINERS and found["first"]:
                command += b"|" + found["first"].lower()
            with self._changed:
                self._heard.append((found["client"], command.decode()))
                self._changed.notify_all()

    def commands(self, *, of_unix_socket: bool = False) -> set[str]:
        """The commands heard so far, sub-commands as `client|list`."""
        with self._changed:
            return {
                command
                for client, command in self._heard
                if client.startswith(b"unix:") or not of_unix_socket
            }

    def wait_for(self, command: str, seconds: float = 20) -> None:
        """Wait until it was heard."""
        with self._changed:
            assert self._changed.wait_for(lambda: any(c == command for _, c in self._heard), seconds), (
                f"{command} was never heard"
            )

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()


def flags(server: Server, command: str) -> set[str]:
    """The server's own flags of a command, such as `write`."""
    reply = server.client().execute_command("COMMAND", "INFO", command)
    info = reply[command] if isinstance(reply, dict) else reply[0]
    assert info, f"the server knows no {command}"
    return {str(flag) for flag in info["flags"]}
