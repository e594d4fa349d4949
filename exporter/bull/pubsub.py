"""This file knows how Bull's pub/sub messages are received and handed to the queues they belong to."""

from collections.abc import Callable
from typing import Any, cast

from exporter.bull.lifecycle import NO_FACT, BullLifecycle, JobFact
from exporter.bull.listener import Heard, Listener
from exporter.connection.clock import ServerClock
from exporter.connection.topology import Links, Topology
from exporter.connection.wire import ReplyError, WireError, pack
from exporter.events import Message
from exporter.following.roster import Roster
from exporter.keys import QueueName, queue_of_base, subscriptions
from exporter.lifecycle import OpenJob
from exporter.notices import Notices
from exporter.reading import epoch_seconds, ready_seconds

_FACT_FIELDS = ("name", "timestamp", "delay", "opts", "attemptsMade")
Facts = dict[Message, JobFact]
Requests = dict[Any, tuple[bytes | str | int, ...]]
"""By whatever the reply is wanted for."""


class BullEvents:
    """One subscription to `{prefix}:*` for each prefix, from the start, so that no first job is missed."""

    def __init__(
        self,
        topology: Topology,
        prefixes: tuple[bytes, ...],
        roster: Roster,
        clock: ServerClock,
        wake: Callable[[], None],
    ) -> None:
        """`wake` is called, in another thread, when messages have come in."""
        self._links = Links(topology, "subscribe")
        self._prefixes = prefixes
        self._roster = roster
        self._clock = clock
        self._wake = wake
        self._since = 0.0
        """When the subscription began, by the server's clock."""
        self._ahead = 0.0
        """The server's clock less the monotonic one when the subscription began. It stays, so that what is between
        two messages is true whatever happens to that clock or to what is known of it."""
        self._listener: Listener | None = None
        self._left: list[Heard] = []
        """Heard on a connection that is closed by now, in ms of `apply`."""
        self._was_connected = False
        self.refused: str | None = None
        """Why the server refuses the subscription, in its words."""

    @property
    def connected(self) -> bool:
        """Whether messages are heard, as far as is known."""
        return (
            self._listener is not None and self._listener.failure is None and not self._links.is_left_behind
        )

    def answers(self, deadline: float) -> bool:
        """Whether the server still knows of the subscription."""
        return self.connected and self._listener is not None and self._listener.answers(deadline)

    def connect(self, deadline: float, notices: Notices) -> bool:
        """Subscribe; after an interruption, every Bull queue has a gap of unknown size.

        Returns whether a new subscription was made. Raises WireError.
        """
        self.close()
        for _ in self._links.connect(deadline):
            pass
        # The pattern must be the granted one, letter by letter (bull-data-model, section 10).
        patterns = subscriptions(self._prefixes)
        # In a cluster, what is published to one primary is heard at each.
        wire = next(wire for wire in self._links.wires if wire.connected)
        replies = wire.exchange(b"".join(pack(("PSUBSCRIBE", p)) for p in patterns), len(patterns), deadline)
        if not wire.connected:
            raise WireError(str(replies[0]))
        denied = [str(reply) for reply in replies if isinstance(reply, ReplyError)]
        self.refused = denied[0] if denied else None
        if denied:
            self.close()
            notices.warn(f"Redis refuses PSUBSCRIBE: no durations of Bull 3 and 4 queues; {denied[0]}")
            return False
        if self._was_connected:
            self.note_gap()
        self._was_connected = True
        self._ahead, self._since = self._clock.ahead_of_monotonic(), self._clock.seconds()
        self._listener = Listener(wire, self._wake)
        return True

    def close(self) -> None:
        """End the subscription; what it heard can still be taken."""
        if self._listener is not None:
            self._left += self._dated(self._listener.close())
            self._listener = None
        self._links.close()

    def take(self) -> list[Heard]:
        """The messages that have arrived, and when, in ms of `apply`; does not wait."""
        heard, self._left = self._left, []
        return heard + self._dated(self._listener.take()) if self._listener is not None else heard

    def _dated(self, heard: list[Heard]) -> list[Heard]:
        return [((at + self._ahead) * 1000, messages) for at, messages in heard]

    def look_up(self, links: Links, messages: list[Message], deadline: float) -> Facts:
        """What Redis adds to messages that say too little, asked at once: a short job is gone soon."""
        known = [message for message in messages if message.base in self._roster.by_base]
        waiting = {(m.base, m.payload): m for m in known if m.kind == b"waiting"}
        scores = {
            m: score for m in known if m.kind == b"delayed" and (score := _score(m.payload)) is not None
        }
        requests: Requests = {m: _hash(m.base, m.payload) for m in waiting.values()}
        requests |= {m: ("ZRANGEBYSCORE", m.base + b":delayed", score, score) for m, score in scores.items()}
        replies = _ask(links, requests, deadline)
        facts = {message: self._fact(replies[message]) for message in waiting.values()}
        return facts | self._delayed(links, {message: replies[message] for message in scores}, deadline)

    def _delayed(self, links: Links, found: dict[Message, Any], deadline: float) -> Facts:
        """A `delayed` message holds a due time and no id; `found` are the ids that the delayed set has under it."""
        ids = {message: reply if isinstance(reply, list) else [] for message, reply in found.items()}
        new = [(m, i) for m, found in ids.items() for i in found if i not in self._open_jobs(m)]
        requests: Requests = {(m, i): _hash(m.base, i) for m, i in new}
        facts = {key: self._fact(reply) for key, reply in _ask(links, requests, deadline).items()}
        return {
            m: JobFact(delayed={i: facts.get((m, i), NO_FACT) for i in found}) for m, found in ids.items()
        }

    def apply(self, messages: list[Message], at_ms: float, facts: Facts) -> list[Message]:
        """Hand messages to their queues; returns those of queues that are not known."""
        unknown = []
        for message in messages:
            followed = self._roster.by_base.get(message.base)
            if followed is None:
                unknown.append(message)
            elif isinstance(followed.lifecycle, BullLifecycle):
                fact = facts.get(message, NO_FACT)
                followed.lifecycle.apply(message.kind, message.payload, at_ms, fact)
        return unknown

    def queue_of(self, base: bytes) -> QueueName | None:
        """The queue that a channel's `{prefix}:{queue}` names."""
        return queue_of_base(base, self._prefixes)

    def note_gap(self) -> None:
        """Messages of every Bull queue were missed, nobody knows how many."""
        for followed in self._roster.followed.values():
            if isinstance(followed.lifecycle, BullLifecycle):
                followed.gaps += 1
                followed.lifecycle.interrupted()

    def _fact(self, reply: Any) -> JobFact:
        """What the hash of a job says; nothing when it is gone."""
        if not isinstance(reply, list) or not any(reply):
            return NO_FACT
        name, created, delay, options, attempts = reply
        created_at, ready_at = epoch_seconds(created), ready_seconds([created, delay, options])
        due_ms = None
        if created_at is not None and ready_at is not None and ready_at > created_at:
            due_ms = (ready_at - self._clock.ahead_of_monotonic() + self._ahead) * 1000
        # A job that was added since may have been tried while this was asked.
        is_older = created_at is not None and created_at < self._since
        return JobFact(name, due_ms, was_tried=is_older and attempts not in (None, b"0"))

    def _open_jobs(self, message: Message) -> dict[bytes, OpenJob]:
        return self._roster.by_base[message.base].lifecycle.open


def _hash(base: bytes, job_id: bytes) -> tuple[bytes | str | int, ...]:
    return ("HMGET", base + b":" + job_id, *_FACT_FIELDS)


def _ask(links: Links, requests: Requests, deadline: float) -> dict[Any, Any]:
    """The reply to each request, whose second word is the key; one exchange a server."""
    by_wire: dict[int, list[Any]] = {}
    for name, words in requests.items():
        by_wire.setdefault(links.owner(cast(bytes, words[1])), []).append(name)
    replies: dict[Any, Any] = {}
    for wire, names in by_wire.items():
        packed = b"".join(pack(requests[name]) for name in names)
        replies |= zip(names, links.wires[wire].exchange(packed, len(names), deadline), strict=True)
    return replies


def _score(payload: bytes) -> int | None:
    """The delayed-set score of a due time in ms, which may be fractional: it is score / 4096."""
    try:
        return round(float(payload) * 4096)
    except (ValueError, OverflowError):
        return None
