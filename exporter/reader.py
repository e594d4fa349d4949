"""This file knows how to read all queues and the server in three round trips, however many queues there are.

First trip: every count of every queue, INFO, CLIENT LIST, TIME. Second: the hashes of the oldest jobs and whether
the locks of active jobs exist. Third: what the second asked for, and a second look at jobs that had no lock.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from exporter import keys, reading
from exporter.asks import QueueRequest, allowed_asks, bulk
from exporter.clock import ServerClock
from exporter.keys import QueueName
from exporter.node_wire import UNREACHABLE
from exporter.snapshot import QueueSnapshot
from exporter.topology import Links
from exporter.wire import ReplyError, WireError, pack

SCHEDULER_GRACE_SECONDS = 60
"""A scheduler counts as stopped when its next run is overdue for longer than this."""

MARKER_DEPTH = 100
"""A marker is looked for behind so many LIFO jobs."""

# A server that answers so answers nothing else truly.
_UNAVAILABLE = ("LOADING", "MASTERDOWN", "CLUSTERDOWN", "BUSY", "NOAUTH", "WRONGPASS", UNREACHABLE)
_MOVED = ("MOVED", "ASK")

KnownTimes = Callable[[QueueName, bytes], tuple[float | None, float | None]]
"""Ready and start of a job in epoch seconds, as far as events told."""


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


class _Trip:
    """Commands gathered for one round trip, by wire, and their replies."""

    def __init__(self, links: Links) -> None:
        self._wires = links.wires
        self._packed: list[list[bytes]] = [[] for _ in links.wires]
        self._counts = [0] * len(links.wires)
        self._replies: list[list[Any]] = []

    def ask(self, wire: int, *words: bytes | str | int) -> tuple[int, int]:
        return self.add(wire, pack(words), 1)

    def add(self, wire: int, packed: bytes, count: int) -> tuple[int, int]:
        """Append `count` packed commands; the ticket finds the first reply."""
        self._packed[wire].append(packed)
        return self.reserve(wire, count)

    def reserve(self, wire: int, count: int) -> tuple[int, int]:
        ticket = (wire, self._counts[wire])
        self._counts[wire] += count
        return ticket

    def sink(self, wire: int) -> list[bytes]:
        return self._packed[wire]

    def run(self, deadline: float) -> None:
        for wire, packed, count in zip(self._wires, self._packed, self._counts, strict=True):
            self._replies.append(wire.exchange(b"".join(packed), count, deadline) if count else [])

    def reply(self, ticket: tuple[int, int]) -> Any:
        return self._replies[ticket[0]][ticket[1]]

    def replies(self, ticket: tuple[int, int], count: int) -> list[Any]:
        return self._replies[ticket[0]][ticket[1] : ticket[1] + count]


@dataclass(slots=True)
class _Queue:
    """One queue on its way through the three trips."""

    name: QueueName
    wire: int
    answers: reading.Answers
    candidates: list[float] = field(default_factory=list)
    waiting_tickets: list[tuple[int, int]] = field(default_factory=list)
    later_ids: list[tuple[int, int]] = field(default_factory=list)
    behind_tickets: list[tuple[str, tuple[int, int]]] = field(default_factory=list)
    marker_ticket: tuple[int, int] | None = None
    oldest_active: float | None = None
    active_ticket: tuple[int, int] | None = None
    locks_ticket: tuple[int, int] | None = None
    active_ids: list[bytes] = field(default_factory=list)
    unlocked: int | None = None


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

    def read(self, queues: Iterable[QueueName], known: KnownTimes, deadline: float) -> Readings:
        """Read everything; raises WireError when the server does not answer, or answers that it can't."""
        readings = Readings(began_ms=self._clock.seconds() * 1000)
        found = self._first_trip(list(queues), readings, deadline)
        self._second_trip(found, known, deadline)
        readings.queues = [self._snapshot(queue) for queue in found]
        return readings

    def forget(self, queue: QueueName) -> None:
        self._requests.pop(queue, None)

    def _first_trip(self, queues: list[QueueName], readings: Readings, deadline: float) -> list[_Queue]:
        trip = _Trip(self._links)
        server = [self._ask_server(trip, wire) for wire in range(len(self._links.wires))]
        late = self._late_arguments()
        tickets = []
        for queue in queues:
            wire = self._links.owner(queue.base + b":")
            self._request(queue).packed(late, trip.sink(wire))
            tickets.append(trip.reserve(wire, len(self._asks)))
        trip.run(deadline)
        for wire, asked in enumerate(server):
            self._take_server(trip, asked, wire, readings)
        names = [ask.name for ask in self._asks]
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

    def _ask_server(self, trip: _Trip, wire: int) -> dict[str, tuple[int, int]]:
        wanted = {
            "ping": ("PING",),
            "time": ("TIME",),
            "info": ("INFO",),
            "client|list": ("CLIENT", "LIST"),
            "config|get": ("CONFIG", "GET", "maxclients"),
        }
        return {name: trip.ask(wire, *words) for name, words in wanted.items() if name not in self._refused}

    def _take_server(
        self, trip: _Trip, asked: dict[str, tuple[int, int]], wire: int, readings: Readings
    ) -> None:
        replies = {name: trip.reply(ticket) for name, ticket in asked.items()}
        self._note_unavailable(replies.values(), wire, readings)
        self._clock.set(replies.get("time"))
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

    def _second_trip(self, found: list[_Queue], known: KnownTimes, deadline: float) -> None:
        trip = _Trip(self._links)
        for queue in found:
            self._ask_waiting(trip, queue, known)
            self._ask_active(trip, queue, known)
        trip.run(deadline)
        suspects = []
        third = _Trip(self._links)
        for queue in found:
            self._take_waiting(trip, queue, third, known)
            if self._take_active(trip, queue):
                suspects.append((queue, self._ask_again(third, queue)))
        third.run(deadline)
        for queue in found:
            queue.candidates += _known_seconds(
                reading.ready_seconds(job)
                for ticket in queue.later_ids
                if _is_job(job := third.reply(ticket))
            )
        for queue, ticket in suspects:
            queue.unlocked = _unlocked(third.replies(ticket, len(queue.active_ids) + 1), queue.active_ids)

    def _ask_waiting(self, trip: _Trip, queue: _Queue, known: KnownTimes) -> None:
        """Candidates for the oldest waiting job: the next of each list, and of the first and last priority."""
        answers = queue.answers
        first_priority = reading.elements(answers, "prioritized_first")
        overdue = (
            reading.elements(answers, "delayed_first") if reading.integer(answers, "delayed_overdue") else []
        )
        ids = [reading.element(answers, "wait_next"), reading.element(answers, "paused_next")]
        ids = [job_id for job_id in ids if not keys.is_marker(job_id)]
        for job_id in (*ids, *first_priority[:1], *overdue[:1]):
            if job_id is not None:
                self._ask_ready(trip, queue, job_id, known, queue.waiting_tickets)
        for name in ("wait", "paused"):
            place = reading.plain_behind_prioritised(answers, name)
            if place is not None and "lrange" not in self._refused:
                key = queue.name.key(name.encode())
                ticket = trip.ask(queue.wire, "LRANGE", key, place - 1, place)
                queue.behind_tickets.append((name, ticket))
        if "lrange" not in self._refused and reading.may_hide_marker(answers):
            key = queue.name.key(b"wait")
            queue.marker_ticket = trip.ask(queue.wire, "LRANGE", key, -MARKER_DEPTH, -2)
        last = reading.elements(answers, "prioritized_last")
        score = reading.score(answers, "prioritized_last")
        if score is not None and last[0] != first_priority[0] and "zrangebyscore" not in self._refused:
            low = int(score) >> 32 << 32
            key = queue.name.key(b"prioritized")
            queue.later_ids.append(trip.ask(queue.wire, "ZRANGEBYSCORE", key, low, "+inf", "LIMIT", 0, 1))

    def _ask_ready(
        self, trip: _Trip, queue: _Queue, job_id: bytes, known: KnownTimes, tickets: list[tuple[int, int]]
    ) -> None:
        ready, _ = known(queue.name, job_id)
        if ready is not None:
            queue.candidates.append(ready)
        elif "hmget" not in self._refused:
            tickets.append(
                trip.ask(queue.wire, "HMGET", queue.name.key(job_id), "timestamp", "delay", "opts")
            )

    def _take_waiting(self, trip: _Trip, queue: _Queue, third: _Trip, known: KnownTimes) -> None:
        jobs = [trip.reply(ticket) for ticket in queue.waiting_tickets]
        queue.candidates += _known_seconds(reading.ready_seconds(job) for job in jobs if _is_job(job))
        tickets, queue.later_ids = queue.later_ids, []
        for ticket in tickets:
            reply = trip.reply(ticket)
            job_id = reply[0] if isinstance(reply, list) and reply else reply
            if isinstance(job_id, bytes):
                self._ask_ready(third, queue, job_id, known, queue.later_ids)
        if queue.marker_ticket is not None and isinstance(passed := trip.reply(queue.marker_ticket), list):
            queue.answers["wait_marker_inside"] = any(keys.is_marker(job_id) for job_id in passed)
        for name, ticket in queue.behind_tickets:
            self._take_behind(trip.reply(ticket), queue, name, third, known)

    def _take_behind(self, reply: Any, queue: _Queue, name: str, third: _Trip, known: KnownTimes) -> None:
        """The plain job next to the prioritised ones inside a list, and a marker that may stand between."""
        found = reply if isinstance(reply, list) else []
        jobs = [job_id for job_id in found if not keys.is_marker(job_id)]
        if len(jobs) < len(found):
            queue.answers[f"{name}_marker_inside"] = True
        if jobs:
            self._ask_ready(third, queue, jobs[-1], known, queue.later_ids)

    def _ask_active(self, trip: _Trip, queue: _Queue, known: KnownTimes) -> None:
        queue.active_ids = reading.elements(queue.answers, "active_ids")
        if not queue.active_ids:
            queue.unlocked = 0 if isinstance(queue.answers.get("active_ids"), list) else None
            return
        _, queue.oldest_active = known(queue.name, queue.active_ids[-1])
        if queue.oldest_active is None and "hmget" not in self._refused:
            oldest = queue.name.key(queue.active_ids[-1])
            queue.active_ticket = trip.ask(queue.wire, "HMGET", oldest, "processedOn")
        locks = [queue.name.key(job_id + b":lock") for job_id in queue.active_ids]
        queue.locks_ticket = trip.ask(queue.wire, "EXISTS", *locks)

    def _take_active(self, trip: _Trip, queue: _Queue) -> bool:
        """Whether some active jobs had no lock, which asks for a second look."""
        if queue.active_ticket is not None and isinstance(reply := trip.reply(queue.active_ticket), list):
            queue.oldest_active = reading.epoch_seconds(reply[0])
        if queue.locks_ticket is None or not isinstance(locked := trip.reply(queue.locks_ticket), int):
            return False
        queue.unlocked = 0
        return locked < len(queue.active_ids)

    def _ask_again(self, trip: _Trip, queue: _Queue) -> tuple[int, int]:
        """A job counts as unlocked when, later still, it has no lock and then is still active."""
        requests = [pack(("EXISTS", queue.name.key(job_id + b":lock"))) for job_id in queue.active_ids]
        requests.append(pack(("LRANGE", queue.name.key(b"active"), 0, -1)))
        return trip.add(queue.wire, b"".join(requests), len(requests))

    def _snapshot(self, queue: _Queue) -> QueueSnapshot:
        now = self._clock.seconds()
        return reading.snapshot(
            queue.name,
            queue.answers,
            oldest_waiting=reading.past(min(queue.candidates, default=None), now),
            oldest_active=reading.past(queue.oldest_active, now),
            active_unlocked=queue.unlocked,
        )


def _is_job(reply: Any) -> bool:
    return isinstance(reply, list) and len(reply) == 3


def _known_seconds(times: Iterable[float | None]) -> list[float]:
    return [seconds for seconds in times if seconds is not None]


def _unlocked(replies: list[Any], job_ids: list[bytes]) -> int | None:
    *locked, still_active = replies
    if not isinstance(still_active, list):
        return None
    still = set(still_active)
    return sum(1 for job_id, exists in zip(job_ids, locked, strict=True) if exists == 0 and job_id in still)
