"""This file knows how Bull's pub/sub messages are received and handed to the queues they belong to."""

import threading
from typing import Any

from exporter.bull_lifecycle import NO_FACT, BullLifecycle, JobFact
from exporter.events import Message, from_channel
from exporter.keys import QueueName, subscription
from exporter.notices import Notices
from exporter.reading import epoch_seconds, ready_seconds
from exporter.roster import Roster
from exporter.topology import Links, Topology
from exporter.wire import ReplyError, pack

_FACT_FIELDS = ("name", "timestamp", "delay", "opts")
Facts = dict[tuple[bytes, bytes], JobFact]
"""By `{prefix}:{queue}` and job id."""


class BullEvents:
    """One subscription to `{prefix}:*` for each prefix, from the start, so that no first job is missed."""

    def __init__(self, topology: Topology, prefixes: tuple[bytes, ...], roster: Roster) -> None:
        self._links = Links(topology, "subscribe")
        self._prefixes = prefixes
        self._roster = roster
        self._was_connected = False
        self.refused: str | None = None
        """Why the server refuses the subscription, in its words."""

    @property
    def connected(self) -> bool:
        return self.fileno() >= 0

    def fileno(self) -> int:
        return self._links.wires[0].fileno() if self._links.wires else -1

    def connect(self, deadline: float, notices: Notices) -> bool:
        """Subscribe; after an interruption, every Bull queue has a gap of unknown size.

        Returns whether a new subscription was made. Raises WireError.
        """
        if self.connected:
            return False
        for _ in self._links.connect(deadline):
            pass
        # The pattern must be the granted one, letter by letter (bull-data-model, section 10).
        patterns = [subscription(prefix) for prefix in self._prefixes]
        wire = self._links.wires[0]
        replies = wire.exchange(b"".join(pack(("PSUBSCRIBE", p)) for p in patterns), len(patterns), deadline)
        denied = [str(reply) for reply in replies if isinstance(reply, ReplyError)]
        self.refused = denied[0] if denied else None
        if denied:
            self.close()
            notices.warn(f"Redis refuses PSUBSCRIBE: no durations of Bull 3 and 4 queues; {denied[0]}")
            return False
        if self._was_connected:
            self.note_gap()
        self._was_connected = True
        return True

    def close(self) -> None:
        self._links.close()

    def receive(self) -> list[Message]:
        """The messages that have arrived and are about jobs; does not wait."""
        replies = self._links.wires[0].receive_now()
        found = (from_channel(r[2], r[3]) for r in replies if isinstance(r, list) and len(r) == 4)
        return [message for message in found if message is not None]

    def look_up(self, links: Links, messages: list[Message], deadline: float) -> Facts:
        """Name and due time of jobs that begin to wait, asked at once: a short job is gone soon."""
        wanted = [m for m in messages if m.kind == b"waiting" and m.base in self._roster.by_base]
        facts: Facts = {}
        by_wire: dict[int, list[Message]] = {}
        for message in wanted:
            by_wire.setdefault(links.owner(message.base + b":"), []).append(message)
        for wire, asked in by_wire.items():
            packed = b"".join(pack(("HMGET", m.base + b":" + m.payload, *_FACT_FIELDS)) for m in asked)
            for message, reply in zip(
                asked, links.wires[wire].exchange(packed, len(asked), deadline), strict=True
            ):
                if isinstance(reply, list):
                    facts[message.base, message.payload] = _fact(*reply)
        return facts

    def apply(self, messages: list[Message], at_ms: float, facts: Facts) -> list[Message]:
        """Hand messages to their queues; returns those of queues that are not known."""
        unknown = []
        for message in messages:
            followed = self._roster.by_base.get(message.base)
            if followed is None:
                unknown.append(message)
            elif isinstance(followed.lifecycle, BullLifecycle):
                fact = facts.get((message.base, message.payload), NO_FACT)
                followed.lifecycle.apply(message.kind, message.payload, at_ms, fact)
        return unknown

    def find_backed_off(
        self, links: Links, messages: list[Message], at_ms: float, deadline: float, lock: threading.Lock
    ) -> None:
        """A `delayed` message holds a due time and no id: the delayed set tells whose it is."""
        for message in messages:
            followed = self._roster.by_base.get(message.base)
            if message.kind != b"delayed" or followed is None:
                continue
            lifecycle = followed.lifecycle
            score = _score(message.payload)
            if score is None or not isinstance(lifecycle, BullLifecycle) or not lifecycle.open:
                continue
            wire = links.wires[links.owner(followed.queue.base + b":")]
            found: Any = wire.call(
                "ZRANGEBYSCORE", followed.queue.key(b"delayed"), score, score, deadline=deadline
            )
            if isinstance(found, list):
                with lock:
                    lifecycle.backed_off(found, at_ms)

    def queue_of(self, base: bytes) -> QueueName | None:
        """The queue that a channel's `{prefix}:{queue}` names."""
        for prefix in self._prefixes:
            if base.startswith(prefix + b":") and len(base) > len(prefix) + 1:
                return QueueName(prefix, base[len(prefix) + 1 :])
        return None

    def note_gap(self) -> None:
        """Messages of every Bull queue were missed, nobody knows how many."""
        for followed in self._roster.followed.values():
            if isinstance(followed.lifecycle, BullLifecycle):
                followed.gaps += 1
                followed.lifecycle.interrupted()


def _fact(name: bytes | None, created: bytes | None, delay: bytes | None, options: bytes | None) -> JobFact:
    created_at, ready_at = epoch_seconds(created), ready_seconds([created, delay, options])
    was_delayed = created_at is not None and ready_at is not None and ready_at > created_at
    return JobFact(name, ready_at * 1000 if was_delayed and ready_at is not None else None)


def _score(payload: bytes) -> int | None:
    """The delayed-set score of a due time in ms, which may be fractional: it is score / 4096."""
    try:
        return round(float(payload) * 4096)
    except (ValueError, OverflowError):
        return None
