"""This file knows how to read all queues and the server in three round trips, however many queues there are.

First trip: every count of every queue, INFO, CLIENT LIST, TIME. Second: the hashes of the oldest jobs and whether
the locks of active jobs exist. Third: what the second asked for, and a second look at jobs that had no lock.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from exporter import keys, reading
from exporter.active_jobs import ActiveJobs
from exporter.asks import QueueRequest, allowed_asks, bulk
from exporter.clock import ServerClock
from exporter.keys import QueueName
from exporter.node_wire import UNREACHABLE
from exporter.oldest_waiting import OldestWaiting
from exporter.snapshot import QueueSnapshot
from exporter.topology import Links
from exporter.trip import Ticket, Trip
from exporter.wire import ReplyError, WireError

SCHEDULER_GRACE_SECONDS = 60
"""A scheduler counts as stopped when its next run is overdue for longer than this."""

# A server that answers so answers nothing else truly.
_UNAVAILABLE = ("LOADING", "MASTERDOWN", "CLUSTERDOWN", "BUSY", "NOAUTH", "WRONGPASS", UNREACHABLE)
_MOVED = ("MOVED", "ASK")


@dataclass(slots=True)
class Readings:
    """What one read brought back."""

    queues: list[QueueSnapshot] = field(default_factory=list)
    info: list[bytes] = field(default_factory=list)
    clients: list[bytes] = field(default_factory=list)
    clients_max: list[int | None] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    moved: bool = False
    began_ms: float = 0.0
    """When it began, by the server's clock."""
    unreached: dict[int, str] = field(default_factory=dict)
    """Why a primary of a cluster could not be read, by wire; its queues are not in `queues`."""


@dataclass(slots=True)
class _Queue:
    """One queue on its way through the three trips."""

    name: QueueName
    wire: int
    answers: reading.Answers
    waiting: OldestWaiting
    active: ActiveJobs


class Reader:
    """Reads queues through its own connections. Not for two threads at once."""

    def __init__(self, links: Links, clock: ServerClock) -> None:
        self._links = links
        self._clock = clock
        self._refused: set[str] = set()
        self._asks = allowed_asks(self._refused)
        self._requests: dict[QueueName, QueueRequest] = {}

    def limit_to(self, refused: set[str]) -> None:
        """Leave out the commands that this user may not run."""
        self._refused = refused
        self._asks = allowed_asks(refused)
        self._requests.clear()

    def read(self, queues: Iterable[QueueName], known: reading.KnownTimes, deadline: float) -> Readings:
        """Read everything; raises WireError when the server does not answer, or answers that it can't."""
        readings = Readings(began_ms=self._clock.seconds() * 1000)
        found = self._first_trip(list(queues), readings, deadline)
        self._second_trip(found, known, deadline)
        readings.queues = [self._snapshot(queue) for queue in found]
        return readings

    def forget(self, queue: QueueName) -> None:
        self._requests.pop(queue, None)

    def _first_trip(self, queues: list[QueueName], readings: Readings, deadline: float) -> list[_Queue]:
        trip = Trip(self._links)
        server = [self._ask_server(trip, wire) for wire in range(len(self._links.wires))]
        late = self._late_arguments()
        tickets = []
        for queue in queues:
            wire = self._links.owner(queue.base + b":")
            self._request(queue).packed(late, trip.sink(wire))
            tickets.append(trip.reserve(wire, len(self._asks)))
        began = time.monotonic()
        trip.run(deadline)
        for wire, asked in enumerate(server):
            self._take_server(trip, asked, wire, began, readings)
        names = [ask.name for ask in self._asks]
        found = []
        for queue, ticket in zip(queues, tickets, strict=True):
            answers = dict(zip(names, trip.replies(ticket, len(names)), strict=True))
            self._note_errors(queue, answers, ticket[0], readings)
            found.append(_queue(queue, ticket[0], answers))
        return self._reached(found, readings)

    def _reached(self, found: list[_Queue], readings: Readings) -> list[_Queue]:
        """The queues that could be read; raises WireError when nothing could."""
        unreached = readings.unreached
        reached = [queue for queue in found if queue.wire not in unreached]
        if unreached and not (reached or (not found and len(unreached) < len(self._links.wires))):
            raise WireError(next(iter(unreached.values())))
        if unreached:
            # A sum over some of the servers would be no true number of all.
            readings.info, readings.clients, readings.clients_max = [], [], []
        return reached

    def _ask_server(self, trip: Trip, wire: int) -> dict[str, Ticket]:
        wanted = {
            "ping": ("PING",),
            "time": ("TIME",),
            "info": ("INFO",),
            "client|list": ("CLIENT", "LIST"),
            "config|get": ("CONFIG", "GET", "maxclients"),
        }
        return {name: trip.ask(wire, *words) for name, words in wanted.items() if name not in self._refused}

    def _take_server(
        self, trip: Trip, asked: dict[str, Ticket], wire: int, began: float, readings: Readings
    ) -> None:
        replies = {name: trip.reply(ticket) for name, ticket in asked.items()}
        self._note_unavailable(replies.values(), wire, readings)
        self._clock.set(replies.get("time"), began)
        if isinstance(info := replies.get("info"), bytes):
            readings.info.append(info)
        if isinstance(clients := replies.get("client|list"), bytes):
            readings.clients.append(clients)
        maximum = replies.get("config|get")
        readings.clients_max.append(
            int(maximum[1]) if isinstance(maximum, list) and len(maximum) == 2 else None
        )

    def _late_arguments(self) -> dict[str, bytes]:
        now_ms = int(self._clock.seconds() * 1000)
        late = now_ms - SCHEDULER_GRACE_SECONDS * 1000
        return {"overdue": bulk(b"%d" % keys.overdue_max_score(now_ms)), "late": bulk(b"(%d" % late)}

    def _request(self, queue: QueueName) -> QueueRequest:
        request = self._requests.get(queue)
        if request is None:
            request = self._requests[queue] = QueueRequest(queue, self._asks)
        return request

    def _note_unavailable(self, replies: Iterable[Any], wire: int, readings: Readings) -> None:
        """A server that can't answer now is passed over where it is one of several. Raises WireError."""
        for reply in replies:
            if isinstance(reply, ReplyError) and str(reply).startswith(_UNAVAILABLE):
                if not self._links.is_cluster:
                    raise WireError(str(reply))
                readings.unreached.setdefault(wire, str(reply))

    def _note_errors(self, queue: QueueName, answers: reading.Answers, wire: int, readings: Readings) -> None:
        errors = [(name, reply) for name, reply in answers.items() if isinstance(reply, ReplyError)]
        if not errors:
            return
        self._note_unavailable((reply for _, reply in errors), wire, readings)
        if wire in readings.unreached:
            return
        readings.moved |= any(str(reply).startswith(_MOVED) for _, reply in errors)
        readings.errors += [f"queue {keys.label(queue.base)!r}: {name}: {reply}" for name, reply in errors]

    def _second_trip(self, found: list[_Queue], known: reading.KnownTimes, deadline: float) -> None:
        trip, third = Trip(self._links), Trip(self._links)
        for queue in found:
            queue.waiting.ask(trip, known, self._refused)
            queue.active.ask(trip, known, self._refused)
        trip.run(deadline)
        for queue in found:
            queue.waiting.take(trip, third, known, self._refused)
            queue.active.take(trip, third)
        third.run(deadline)
        for queue in found:
            queue.waiting.take_again(third)
            queue.active.take_again(third)

    def _snapshot(self, queue: _Queue) -> QueueSnapshot:
        now = self._clock.seconds()
        return reading.snapshot(
            queue.name,
            queue.answers,
            oldest_waiting=reading.past(queue.waiting.since, now),
            oldest_active=reading.past(queue.active.oldest_start, now),
            active_unlocked=queue.active.unlocked,
        )


def _queue(name: QueueName, wire: int, answers: reading.Answers) -> _Queue:
    return _Queue(name, wire, answers, OldestWaiting(name, wire, answers), ActiveJobs(name, wire, answers))
