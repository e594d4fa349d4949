"""This file knows how one reading is made over connections that may have broken, or lacked rights, since the last."""

import time
from collections.abc import Iterable

from exporter.connection import rights
from exporter.connection.clock import ServerClock
from exporter.connection.topology import Links, Topology
from exporter.connection.wire import ReplyError, Wire, WireError
from exporter.following.follower import Follower
from exporter.groups import ALL, Choice
from exporter.keys import QueueName
from exporter.reader import Reader, Readings
from exporter.reading import KnownTimes
from exporter.settings import TargetSettings


class Looker:
    """Reads one target through connections of its own, called `name`. Not for two threads at once."""

    def __init__(
        self, settings: TargetSettings, topology: Topology, clock: ServerClock, follower: Follower, name: str
    ) -> None:
        """`follower` looks for rights that were granted meanwhile."""
        self.links = Links(topology, name)
        self._settings = settings
        self._clock = clock
        self._follower = follower
        self._reader = Reader(self.links, clock)
        self._refused: set[str] = set()

    def look(
        self, queues: Iterable[QueueName], known: KnownTimes, deadline: float, wanted: Choice = ALL
    ) -> Readings:
        """What is wanted at this moment; a connection that broke while it was idle is opened once more.

        Raises WireError, and closes the connections then.
        """
        was_open = any(wire.connected for wire in self.links.wires)
        try:
            try:
                return self._look(queues, known, deadline, wanted)
            except WireError:
                if not was_open or time.monotonic() >= deadline:
                    raise
            self.links.close()
            return self._look(queues, known, deadline, wanted)
        except WireError:
            self.links.close()
            raise

    def forget(self, queue: QueueName) -> None:
        self._reader.forget(queue)

    def close(self) -> None:
        self.links.close()

    def _look(
        self, queues: Iterable[QueueName], known: KnownTimes, deadline: float, wanted: Choice
    ) -> Readings:
        if self._refused - self._follower.refused.keys() and self._follower.connected:
            # The follower found that a right was granted meanwhile.
            self._refused = set()
            self.links.close()
        for wire in self.links.connect(deadline):
            self._greet(wire, deadline)
        return self._reader.read(queues, known, deadline, wanted)

    def _greet(self, wire: Wire, deadline: float) -> None:
        first = wire.call("PING", deadline=deadline)
        if isinstance(first, ReplyError) and not rights.is_refusal(first):
            raise WireError(f"{wire.address}: {first}")
        self._clock.ask(wire, deadline)
        self._refused |= rights.refused(wire, self._settings, deadline).keys()
        self._reader.limit_to(self._refused)
