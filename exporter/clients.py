"""This file knows what CLIENT LIST says about workers, other roles and the user's own pools.

Node libraries name blocking connections `{prefix}:{base64 of the queue}`, Python BullMQ both connections of a
worker `{prefix}:{queue}`; a worker name may follow as `:w:{name}`. A worker object holds one blocking connection,
whatever its concurrency, and `flags=N` on it says that no slot was free (bull-data-model, section 6).
"""

import ipaddress
import re
from collections.abc import Iterable, Mapping
from fnmatch import translate
from typing import NamedTuple

from exporter.keys import QueueName, client_name
from exporter.snapshot import ClientsSnapshot, PoolUse, QueueWorkers

OWN_NAME = b"bullgauge"
BLOCKING = frozenset((b"brpoplpush", b"bzpopmin"))
SCRIPTS = frozenset((b"evalsha", b"eval", b"evalsha_ro", b"eval_ro"))
ROLES = ("worker", "producer", "event_reader", "scheduler", "subscriber", "exporter", "replica", "other")

_FIELDS = re.compile(
    # Valkey puts `capa=` between flags and db.
    rb"^id=\d+ addr=(\S*)[^\n]*? name=(\S*) age=\d+ idle=(\d+) flags=(\S*)[^\n]*? db=(\d+)"
    rb"[^\n]*? cmd=(\S+)([^\n]*)",
    re.MULTILINE,
)
_USER = re.compile(rb" user=(\S+)")


class Client(NamedTuple):
    """One line of CLIENT LIST, as far as it is used."""

    address: bytes
    name: bytes
    idle_seconds: int
    flags: bytes
    database: int
    command: bytes
    user: bytes


class Pool:
    """A pool of the user's application, known by client names, addresses or ACL users."""

    def __init__(
        self,
        name: str,
        maximum: int,
        client_names: Iterable[str],
        addresses: Iterable[str],
        users: Iterable[str],
    ) -> None:
        """Names and users are glob patterns; an address is a glob over `ip:port` or a network such as `10.0.0.0/8`."""
        self.name = name
        self.maximum = maximum
        self._names = _any_glob(client_names)
        addresses = list(addresses)
        self._networks = [ipaddress.ip_network(text, strict=False) for text in addresses if "/" in text]
        self._addresses = _any_glob(text for text in addresses if "/" not in text)
        self._users = _any_glob(users)

    def holds(self, client: Client) -> bool:
        return bool(
            (self._names and self._names.match(client.name.decode("latin-1")))
            or (self._users and self._users.match(client.user.decode("latin-1")))
            or (self._addresses and self._addresses.match(client.address.decode("latin-1")))
            or (self._networks and self._in_network(client.address.decode("latin-1")))
        )

    def _in_network(self, address: str) -> bool:
        try:
            ip = ipaddress.ip_address(address.rpartition(":")[0].strip("[]"))
        except ValueError:
            return False
        return any(ip in network for network in self._networks)


def parse(client_list: bytes) -> list[Client]:
    """The clients of one CLIENT LIST reply."""
    found = _FIELDS.findall(client_list)
    return [Client(a, n, int(i), f, int(d), c, _user(rest)) for a, n, i, f, d, c, rest in found]


class ClientNames:
    """Which queue a connection name belongs to."""

    def __init__(self, queues: Iterable[QueueName]) -> None:
        self._node: dict[bytes, QueueName] = {}
        self._python: dict[bytes, QueueName] = {}
        for queue in queues:
            self._node[client_name(queue)] = queue
            self._python[queue.base] = queue

    def find(self, name: bytes) -> tuple[QueueName | None, bool, bytes]:
        """The queue, whether a Python library named it, and what follows (`w`, `qe`, `qs` or nothing)."""
        if (queue := self._node.get(name)) is not None:
            return queue, False, b""
        base, _, suffix = name.rpartition(b":")
        if suffix in (b"qe", b"qs") and (queue := self._node.get(base)) is not None:
            return queue, False, suffix
        base, mark, _ = name.partition(b":w:")
        if mark and (queue := self._node.get(base)) is not None:
            return queue, False, b"w"
        return self._find_python(name), True, b""

    def _find_python(self, name: bytes) -> QueueName | None:
        end = len(name)
        while end > 0:
            if (queue := self._python.get(name[:end])) is not None:
                return queue
            end = name.rfind(b":w:", 0, end)
        return None


def count(
    clients: Iterable[Client],
    names: ClientNames,
    libraries: Mapping[QueueName, str],
    database: int,
    pools: Iterable[Pool],
) -> ClientsSnapshot:
    """Roles and pools over the whole server; workers of the queues in one database."""
    roles = dict.fromkeys(ROLES, 0)
    workers = _WorkerCount()
    clients = list(clients)
    for client in clients:
        queue, python, suffix = names.find(client.name) if client.name else (None, False, b"")
        role = _role(client, queue, suffix, libraries)
        roles[role] += 1
        if role == "worker" and queue is not None and client.database == database:
            workers.add(queue, python, client)
    return ClientsSnapshot(roles, workers.by_queue(), {pool.name: _use(pool, clients) for pool in pools})


def merge(parts: list[ClientsSnapshot]) -> ClientsSnapshot:
    """The sum over the nodes of a cluster."""
    roles = dict.fromkeys(ROLES, 0)
    workers: dict[QueueName, QueueWorkers] = {}
    pools: dict[str, PoolUse] = {}
    for part in parts:
        for role, number in part.roles.items():
            roles[role] += number
        for queue, seen in part.workers.items():
            before = workers.get(queue, QueueWorkers())
            workers[queue] = QueueWorkers(before.workers + seen.workers, before.saturated + seen.saturated)
        for name, use in part.pools.items():
            have = pools.get(name, PoolUse(0, 0, use.maximum))
            pools[name] = PoolUse(have.open + use.open, have.recent + use.recent, use.maximum)
    return ClientsSnapshot(roles, workers, pools)


class _WorkerCount:
    """Blocking connections by queue. Python workers are named twice, so half of their connections count."""

    def __init__(self) -> None:
        self._node: dict[QueueName, list[int]] = {}
        self._python: dict[QueueName, list[int]] = {}

    def add(self, queue: QueueName, python: bool, client: Client) -> None:
        seen = (self._python if python else self._node).setdefault(queue, [0, 0, 0])
        seen[0] += 1
        if client.command in BLOCKING:
            seen[1] += 1
        if b"b" not in client.flags and (not python or client.command in BLOCKING):
            seen[2] += 1

    def by_queue(self) -> dict[QueueName, QueueWorkers]:
        found = {queue: QueueWorkers(named, busy) for queue, (named, _, busy) in self._node.items()}
        for queue, (named, blocking, busy) in self._python.items():
            node = found.get(queue, QueueWorkers())
            total = max(blocking, (named + 1) // 2)
            # A Python worker that has not blocked yet found a backlog: it is busy.
            found[queue] = QueueWorkers(node.workers + total, node.saturated + busy + total - blocking)
        return found


def _role(client: Client, queue: QueueName | None, suffix: bytes, libraries: Mapping[QueueName, str]) -> str:
    if client.name.startswith(OWN_NAME):
        return "exporter"
    if b"S" in client.flags or b"M" in client.flags:
        return "replica"
    if suffix == b"qe" or client.command == b"xread":
        return "event_reader"
    if suffix == b"qs":
        return "scheduler"
    if queue is not None and b"P" not in client.flags:
        # Bull 3 names every connection of a Queue object; only the one that blocks is a worker's.
        bare_bull = libraries.get(queue) == "bull" and client.command not in BLOCKING
        return "producer" if bare_bull else "worker"
    if b"P" in client.flags:
        return "subscriber"
    return "producer" if client.command in SCRIPTS else "other"


def _use(pool: Pool, clients: Iterable[Client]) -> PoolUse:
    held = [client for client in clients if pool.holds(client)]
    recent = sum(1 for client in held if b"b" in client.flags or client.idle_seconds < 1)
    return PoolUse(len(held), recent, pool.maximum)


def _user(rest: bytes) -> bytes:
    found = _USER.search(rest)
    return found.group(1) if found else b""


def _any_glob(patterns: Iterable[str]) -> re.Pattern[str] | None:
    sources = [translate(pattern) for pattern in patterns]
    return re.compile("|".join(sources)) if sources else None
