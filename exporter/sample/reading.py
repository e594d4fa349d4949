"""This file knows how to read one target whole without serving it: what a scrape would see, as values."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from exporter import clients, server_info
from exporter.connection.clock import ServerClock
from exporter.connection.looking import Looker
from exporter.connection.topology import Links, Topology
from exporter.connection.wire import WireError
from exporter.following.follower import Follower
from exporter.following.roster import Roster
from exporter.following.tally import Tally
from exporter.keys import QueueName
from exporter.notices import Notices
from exporter.reader import Readings
from exporter.settings import TargetSettings
from exporter.snapshot import ClientsSnapshot, QueueSnapshot, RedisSnapshot

SEARCH_LOOK_SECONDS = 0.02
"""How often the search for queues is asked whether it has ended; nothing is sent to Redis for it."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the events of one queue told since this command began."""

    completed: int
    failed: int
    requeued: int
    wait_p95_at_most: float | None
    """Upper edge in seconds of the bucket that holds the 95th percentile; infinite beyond the last edge."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One target at one moment of the server's clock (epoch seconds)."""

    at: float
    redis: RedisSnapshot
    unnamed_workers: int | None
    """Connections that block for jobs under no name, so that no queue can be told; None where that is unknown."""
    refused: dict[str, str] = field(default_factory=dict)
    """Commands that this user may not run, with the server's words."""
    seen: dict[QueueName, Seen] = field(default_factory=dict)
    """Queues whose events were followed for a while; empty in a single look."""
    errors: tuple[str, ...] = ()
    """What could not be read, a line each."""
    unreached: tuple[str, ...] = ()
    """Why primaries of a cluster could not be read, a line each; their queues are missing here."""


class Sampler:
    """Finds the queues of one target as the exporter does, and reads them on demand. Start it once, stop it once."""

    def __init__(self, settings: TargetSettings, notices: Notices) -> None:
        self._settings = settings
        self._topology = Topology(settings.redis)
        self._clock = ServerClock()
        self._roster = Roster(settings)
        self._follower = Follower(settings, self._topology, self._roster, self._clock, notices)
        self._looker = Looker(settings, self._topology, self._clock, self._follower, "sample")
        self._pools = [
            clients.Pool(name, pool.maximum, pool.client_names, pool.addresses, pool.users)
            for name, pool in settings.pools.items()
        ]

    @property
    def address(self) -> str:
        """The target's address without secrets."""
        return self._topology.address

    @property
    def links(self) -> Links:
        """Connections for further questions, open after the first `read`."""
        return self._looker.links

    def start(self) -> None:
        self._follower.start()

    def stop(self) -> None:
        self._follower.stop()
        self._looker.close()

    def find(self, stop: threading.Event, tell: Callable[[int], None] = lambda _: None) -> bool:
        """Wait until every queue has been found; False when `stop` was set before. `tell` hears how many there are.

        Raises WireError when Redis does not answer.
        """
        while not (self._follower.connected and self._follower.looked_everywhere):
            if self._follower.error is not None:
                raise WireError(f"{self.address}: {self._follower.error}")
            if stop.wait(SEARCH_LOOK_SECONDS):
                return False
            tell(len(self._roster.followed))
        return True

    def read(self, *, events: bool = False) -> Sample:
        """All queues, connections and the server at this moment; `events`: with what was counted since the start.

        Raises WireError.
        """
        deadline = time.monotonic() + self._settings.redis.timeout_seconds
        if events:
            self._follower.wait(self._follower.ask(), self._settings.redis.timeout_seconds)
        readings = self._looker.look(list(self._roster.followed), self._roster.known_times, deadline)
        return self._sample(readings, events=events)

    def _sample(self, readings: Readings, *, events: bool) -> Sample:
        queues = [snapshot for snapshot in readings.queues if snapshot.exists]
        gone = [snapshot.name for snapshot in readings.queues if not snapshot.exists]
        self._follower.report_gone(gone)
        parts = [
            server_info.snapshot(info, maximum)
            for info, maximum in zip(readings.info, readings.clients_max, strict=False)
        ]
        return Sample(
            at=self._clock.seconds(),
            redis=RedisSnapshot(
                up=True,
                queues=queues,
                queues_complete=self._follower.all_found
                and "scan" not in self._follower.refused
                and not readings.unreached,
                clients=self._clients(readings, queues),
                server=server_info.merge(parts) if parts else None,
            ),
            unnamed_workers=_unnamed_workers(readings),
            refused=dict(self._follower.refused),
            seen=self._seen() if events else {},
            errors=tuple(readings.errors),
            unreached=tuple(readings.unreached.values()),
        )

    def _clients(self, readings: Readings, queues: list[QueueSnapshot]) -> ClientsSnapshot | None:
        if not readings.clients:
            return None
        names = clients.ClientNames(snapshot.name for snapshot in queues)
        libraries = {snapshot.name: snapshot.library for snapshot in queues}
        database = self._topology.database
        return clients.merge(
            [
                clients.count(clients.parse(r), names, libraries, database, self._pools)
                for r in readings.clients
            ]
        )

    def _seen(self) -> dict[QueueName, Seen]:
        with self._follower.lock:
            return {
                followed.queue: seen(followed.tally)
                for followed in self._roster.followed.values()
                if followed.is_whole
            }


def seen(tally: Tally) -> Seen:
    """What a tally says in a few numbers."""
    wanted, below = tally.waits.count * 0.95, 0
    edge: float | None = None
    for upper, count in zip((*tally.waits.edges, float("inf")), tally.waits.counts, strict=True):
        below += count
        if below and below >= wanted:
            edge = upper
            break
    return Seen(tally.completed, tally.failed, sum(tally.requeued.values()), edge)


def _unnamed_workers(readings: Readings) -> int | None:
    if not readings.clients:
        return None
    everyone = [client for reply in readings.clients for client in clients.parse(reply)]
    return sum(1 for client in everyone if client.command in clients.BLOCKING and not client.name)
