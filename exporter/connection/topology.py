"""This file knows which servers make up one Redis, how to open a connection to each, and who owns a key."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from redis.connection import AbstractConnection, Connection, SSLConnection, UnixDomainSocketConnection
from redis.exceptions import RedisError
from redis.sentinel import Sentinel

from exporter.connection.node_wire import NodeWire, PutOffError
from exporter.connection.options import connection_options, host_and_port, password_in, sentinel_options
from exporter.connection.wire import ReplyError, Wire, WireError
from exporter.keys import cluster_slot
from exporter.settings import RedisSettings, SentinelSettings


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where one server listens: a TCP address, or a Unix socket when `port` is 0."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}" if self.port else self.host


class Topology:
    """The servers of one target."""

    def __init__(self, settings: RedisSettings) -> None:
        self._settings = settings
        self._options = connection_options(settings)
        self.database = int(self._options.get("db") or 0)
        self.is_cluster = settings.cluster
        self._sentinels: Sentinel | None = None
        self.named: Endpoint | None = None
        """The primary that Sentinel named last; None without Sentinel."""

    @property
    def address(self) -> str:
        """The configured address without secrets, for logs, pages and the state file."""
        if (sentinel := self._settings.sentinel) is not None:
            return (
                f"sentinel {','.join(sentinel.addresses)} master {sentinel.master} database {self.database}"
            )
        scheme = "rediss" if "ssl_cert_reqs" in self._options else "redis"
        return f"{scheme}://{self._seed()}/{self.database}"

    def primary(self) -> Endpoint:
        """The server to read from, asked of Sentinel where there is one. Raises WireError."""
        if self._settings.sentinel is None:
            return self._seed()
        self.named = self._ask_sentinels(self._settings.sentinel)
        return self.named

    def look_for_switch(self) -> None:
        """Ask Sentinel again: after an ordered switch the old primary goes on for ten seconds as if it were one."""
        if self._settings.sentinel is not None:
            with suppress(WireError):
                self.primary()

    def open(self, endpoint: Endpoint, timeout_seconds: float) -> AbstractConnection:
        """A new connection, authenticated, in the right database. Raises WireError, one line without secrets."""
        timeout_seconds = min(timeout_seconds, self._settings.connect_timeout_seconds)
        options = {**self._options, **self._password()}
        options |= {"socket_connect_timeout": timeout_seconds, "socket_timeout": timeout_seconds}
        try:
            connection = _new_connection(endpoint, options)
            connection.connect()  # type: ignore[no-untyped-call]
        except (RedisError, OSError) as error:
            raise WireError(f"{endpoint}: {_one_line(error)}") from error
        return connection

    def slots(self, known: Iterable[Endpoint]) -> list[tuple[int, int, Endpoint]]:
        """The slot ranges of a cluster and the primary of each; asked of the configured node, else of known ones."""
        failure = WireError("no cluster node known")
        for endpoint in (self._seed(), *known):
            try:
                return self._slots_from(endpoint)
            except WireError as error:
                failure = error
        raise failure

    def _slots_from(self, endpoint: Endpoint) -> list[tuple[int, int, Endpoint]]:
        deadline = time.monotonic() + self._settings.connect_timeout_seconds
        wire = Wire(lambda timeout_seconds: self.open(endpoint, timeout_seconds), str(endpoint))
        try:
            wire.connect(deadline)
            reply = wire.call("CLUSTER", "SLOTS", deadline=deadline)
        finally:
            wire.close()
        if isinstance(reply, ReplyError):
            raise WireError(f"{endpoint}: CLUSTER SLOTS: {reply}")
        return [
            (int(r[0]), int(r[1]), Endpoint(r[2][0].decode() or endpoint.host, int(r[2][1]))) for r in reply
        ]

    def _seed(self) -> Endpoint:
        path = self._settings.socket or self._options.get("path")
        if path:
            return Endpoint(str(path), 0)
        return Endpoint(self._options["host"], self._options["port"])

    def _password(self) -> dict[str, str]:
        file = self._settings.password_file
        if file is None:
            return {}
        return {"password": password_in(file)}

    def _ask_sentinels(self, settings: SentinelSettings) -> Endpoint:
        if self._sentinels is None:
            options = sentinel_options(settings, self._settings)
            addresses = [host_and_port(text, 26379) for text in settings.addresses]
            self._sentinels = Sentinel(addresses, sentinel_kwargs=options)  # type: ignore[no-untyped-call]
        try:
            host, port = self._sentinels.discover_master(settings.master)  # type: ignore[no-untyped-call]
        except (RedisError, OSError) as error:
            # A password file may say something else by the next time.
            self._sentinels = None
            raise WireError(f"sentinel {','.join(settings.addresses)}: {_one_line(error)}") from error
        return Endpoint(host, port)


class Links:
    """The connections of one purpose: one wire per primary."""

    def __init__(self, topology: Topology, name: str) -> None:
        self._topology = topology
        self._name = name
        self._endpoints: list[Endpoint] = []
        self._owner = [0] * 16384 if topology.is_cluster else None
        self._failures: list[WireError] = []
        self._opened_to: Endpoint | None = None
        """The server of the one wire that there is without a cluster."""
        self.wires: list[Wire] = [] if topology.is_cluster else [Wire(self._opener(None), "redis")]

    def connect(self, deadline: float) -> Iterator[Wire]:
        """Open what is closed; yields each wire that was newly opened.

        Raises WireError, for a cluster when no primary can be reached.
        """
        if self._owner is not None and not self.wires:
            self.refresh()
        if self.is_left_behind:
            self.close()
        yield from self._open_closed(deadline)
        if any(not isinstance(failure, PutOffError) for failure in self._failures):
            # A replica may have taken over from a node that is gone.
            yield from self._open_closed(deadline) if self._has_changed() else ()
        if self._failures and not any(wire.connected for wire in self.wires):
            raise self._failures[0]

    def _open_closed(self, deadline: float) -> Iterator[Wire]:
        self._failures = []
        for wire in self.wires:
            if not wire.connected:
                try:
                    wire.connect(deadline)
                    wire.call("CLIENT", "SETNAME", f"bullgauge:{self._name}", deadline=deadline)
                except WireError as error:
                    if self._owner is None:
                        raise
                    self._failures.append(error)
                if wire.connected:
                    yield wire

    def _has_changed(self) -> bool:
        try:
            return self.refresh()
        except WireError:
            return False

    @property
    def is_cluster(self) -> bool:
        return self._owner is not None

    @property
    def is_left_behind(self) -> bool:
        """Whether Sentinel names another primary than the one that is connected."""
        return self._topology.named is not None and self._opened_to not in (None, self._topology.named)

    @property
    def is_whole(self) -> bool:
        """Whether every server is connected."""
        return all(wire.connected for wire in self.wires)

    def refresh(self) -> bool:
        """Ask the cluster anew who owns what; wires to nodes that stay are kept. Whether other nodes serve now.

        `wires` is another list when their order changed.
        """
        if self._owner is None:
            return False
        before = self._endpoints
        kept = {wire.address: wire for wire in self.wires}
        ranges = self._topology.slots(self._endpoints)
        endpoints = self._endpoints = list(dict.fromkeys(endpoint for _, _, endpoint in ranges))
        if endpoints != before:
            self.wires = [kept.get(str(e)) or NodeWire(self._opener(e), str(e)) for e in endpoints]
        for wire in self.wires:
            kept.pop(wire.address, None)
        for wire in kept.values():
            wire.close()
        for first, last, endpoint in ranges:
            self._owner[first : last + 1] = [endpoints.index(endpoint)] * (last + 1 - first)
        return set(endpoints) != set(before)

    def owner(self, key: bytes) -> int:
        """The index of the wire whose server holds the key."""
        return 0 if self._owner is None else self._owner[cluster_slot(key)]

    def abort(self) -> None:
        """End what waits for an answer in another thread."""
        for wire in self.wires:
            wire.abort()

    def close(self) -> None:
        for wire in self.wires:
            wire.close()

    def _opener(self, endpoint: Endpoint | None) -> Callable[[float], AbstractConnection]:
        def open_to(timeout_seconds: float) -> AbstractConnection:
            self._opened_to = endpoint or self._topology.primary()
            return self._topology.open(self._opened_to, timeout_seconds)

        return open_to


def _new_connection(endpoint: Endpoint, options: dict[str, Any]) -> AbstractConnection:
    options = {name: value for name, value in options.items() if name not in ("host", "port", "path")}
    if endpoint.port == 0:
        return UnixDomainSocketConnection(path=endpoint.host, **options)  # type: ignore[no-untyped-call]
    kind = SSLConnection if "ssl_cert_reqs" in options else Connection
    return kind(host=endpoint.host, port=endpoint.port, **options)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
