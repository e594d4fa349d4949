"""This file knows how to read all queues and the server in three round trips, however many queues there are.

First trip: every count of every queue, INFO, CLIENT LIST, TIME. Second: the hashes of the oldest jobs and whether
the locks of active jobs exist. Third: what the second asked for, and a second look at jobs that had no lock. Of all
this only what the wanted groups need.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from exporter import keys, reading
from exporter.active_jobs import ActiveJobs
from exporter.asks import Questionnaire, bulk
from exporter.connection.clock import ServerClock
from exporter.connection.node_wire import UNREACHABLE
from exporter.connection.topology import Links
from exporter.connection.trip import Ticket, Trip
from exporter.connection.wire import ReplyError, WireError
from exporter.groups import AGES, ALL, CONNECTIONS, OF_QUEUES, REDIS, SIZES, Choice
from exporter.inside_lists import InsideLists
from exporter.keys import QueueName
from exporter.oldest_waiting import OldestWaiting
from exporter.snapshot import QueueSnapshot

SCHEDULER_GRACE_SECONDS = 60
"""A scheduler counts as stopped when its next run is overdue for longer than this."""

CHOICES_KEPT = 4
"""Choices of groups whose commands are kept packed, some 1.5 kB a queue each: scrapers have few, anybody may ask."""

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
    oldest_waiting: float | None = None
    oldest_active: float | None = None
    active_unlocked: int | None = None


class Reader:
    """Reads queues through its own connections. Not for two threads at once."""

    def __init__(self, links: Links, clock: ServerClock) -> None:
        self._links = links
        self._clock = clock
        self._refused: set[str] = set()
        self._questionnaires: dict[Choice, Questionnaire] = {}

    def limit_to(self, refused: set[str]) -> None:
        """Leave out the commands that this user may not run."""
        self._refused = refused
        self._questionnaires.clear()

    def read(
        self,
        queues: Iterable[QueueName],
        known: reading.KnownTimes,
        deadline: float,
        wanted: Choice = ALL,
    ) -> Readings:
        """Read what is wanted; raises WireError when the server does not answer, or answers that it can't."""
        readings = Readings(began_ms=self._clock.seconds() * 1000)
        asked = [] if wanted.isdisjoint(OF_QUEUES) else list(queues)
        found = self._first_trip(asked, wanted, readings, deadline)
        self._look_inside(found, wanted, known, deadline)
        readings.queues = [_snapshot(queue) for queue in found]
        return readings

    def forget(self, queue: QueueName) -> None:
        for questionnaire in self._questionnaires.values():
            questionnaire.forget(queue)

    def _first_trip(
        self, queues: list[QueueName], wanted: Choice, readings: Readings, deadline: float
    ) -> list[_Queue]:
        trip = Trip(self._links)
        server = [self._ask_server(trip, wire, wanted) for wire in range(len(self._links.wires))]
        questionnaire, late = self._questionnaire(wanted), self._late_arguments()
        names = questionnaire.names
        tickets = []
        for queue in queues:
            wire = self._links.owner(queue.base + b":")
            questionnaire.request(queue).packed(late, trip.sink(wire))
            tickets.append(trip.reserve(wire, len(names)))
        began = time.monotonic()
        trip.run(deadline)
        for wire, asked in enumerate(server):
            self._take_server(trip, asked, wire, began, readings)
        found = []
        for queue, ticket in zip(queues, tickets, strict=True):
            answers = dict(zip(names, trip.replies(ticket, len(names)), strict=True))
            self._note_errors(queue, answers, ticket[0], readings)
            found.append(_Queue(queue, ticket[0], answers))
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

    def _ask_server(self, trip: Trip, wire: int, wanted: Choice) -> dict[str, Ticket]:
        commands: dict[str, tuple[str, ...]] = {"ping": ("PING",), "time": ("TIME",)}
        if REDIS in wanted:
            commands |= {"info": ("INFO",), "config|get": ("CONFIG", "GET", "maxclients")}
        if CONNECTIONS in wanted:
            commands["client|list"] = ("CLIENT", "LIST")
        return {name: trip.ask(wire, *words) for name, words in commands.items() if name not in self._refused}

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

    def _questionnaire(self, wanted: Choice) -> Questionnaire:
        kept = self._questionnaires
        # The latest stands last; the one that was not used for longest goes.
        found = kept.pop(wanted, None) or Questionnaire(wanted, self._refused)
        while len(kept) >= CHOICES_KEPT:
            del kept[next(iter(kept))]
        kept[wanted] = found
        return found

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

    def _look_inside(
        self, found: list[_Queue], wanted: Choice, known: reading.KnownTimes, deadline: float
    ) -> None:
        """The second trip and the third: what the counts can't tell."""
        if wanted.isdisjoint((SIZES, AGES)):
            return
        trip, third, refused = Trip(self._links), Trip(self._links), self._refused
        aged = found if AGES in wanted else []
        lists = [InsideLists(queue.name, queue.wire, queue.answers) for queue in found]
        waiting = [OldestWaiting(queue.name, queue.wire, queue.answers) for queue in aged]
        active = [ActiveJobs(queue.name, queue.wire, queue.answers) for queue in aged]
        for inside in lists:
            inside.ask(trip, refused)
        for oldest, jobs in zip(waiting, active, strict=True):
            oldest.ask(trip, known, refused)
            jobs.ask(trip, known, refused)
        trip.run(deadline)
        for inside in lists:
            inside.take(trip)
        for oldest, jobs, inside in zip(waiting, active, lists, strict=False):
            oldest.take(trip, third, inside.plain_jobs, known, refused)
            jobs.take(trip, third)
        third.run(deadline)
        now = self._clock.seconds()
        for queue, oldest, jobs in zip(aged, waiting, active, strict=True):
            oldest.take_again(third)
            jobs.take_again(third)
            queue.oldest_waiting = reading.past(oldest.since, now)
            queue.oldest_active = reading.past(jobs.oldest_start, now)
            queue.active_unlocked = jobs.unlocked


def _snapshot(queue: _Queue) -> QueueSnapshot:
    return reading.snapshot(
        queue.name,
        queue.answers,
        oldest_waiting=queue.oldest_waiting,
        oldest_active=queue.oldest_active,
        active_unlocked=queue.active_unlocked,
    )
