"""This file knows how queues are found, verified and admitted to the roster."""

import time
from collections.abc import Iterable
from typing import Any

from exporter import keys
from exporter.connection.rights import is_refusal
from exporter.connection.topology import Links
from exporter.connection.wire import ReplyError, WireError, pack
from exporter.following.roster import Followed, Roster
from exporter.following.streamreader import StreamReader
from exporter.keys import QueueName
from exporter.settings import TargetSettings
from exporter.walk import ScanBudget, Walk

VERIFY_SECONDS = 5.0
"""How often Bull queues (could have moved to BullMQ) and named queues that were not there are looked at again."""
SOURCE_COMMANDS = {"stream": "xread", "pubsub": "psubscribe"}
"""Without the command, a queue of that source is watched and its events are not."""
WALK_INTERVAL_SECONDS = 4.0
WALK_SHORTEST_SECONDS = 0.25


class Candidate:
    """What a queue that may exist is asked, and what its answers mean."""

    REQUESTS = 5

    @staticmethod
    def packed(queue: QueueName) -> bytes:
        return b"".join(
            (
                pack(("TYPE", queue.key(b"events"))),
                pack(("HMGET", queue.key(b"meta"), "opts.maxLenEvents", "version", "paused")),
                pack(("GET", queue.key(b"id"))),
                pack(("EXISTS", queue.key(b"meta"), queue.key(b"id"))),
                pack(("EXISTS", queue.key(b"events"))),
            )
        )

    @staticmethod
    def source(replies: list[Any]) -> str | None:
        """`stream` for BullMQ, `pubsub` for Bull, `none` where the stream's key holds something else; None when
        it is no queue (a job may be called `x:id` or `meta`), as far as the rights allow to tell."""
        events_type, meta, counter, exists, events_exist = replies
        if events_type in ("stream", b"stream"):
            return "stream"
        if isinstance(events_type, ReplyError) and events_exist == 1:
            return "stream"
        if isinstance(meta, list) and (meta[0] is not None or meta[1] is not None):
            return "stream" if events_exist == 0 or isinstance(events_exist, ReplyError) else "none"
        is_paused_bull = isinstance(meta, list) and meta[2] is not None
        is_counter = isinstance(counter, bytes) and counter.isdigit()
        if isinstance(counter, ReplyError) and is_refusal(counter):
            is_counter = isinstance(exists, int) and exists > 0
        return "pubsub" if is_paused_bull or is_counter else None


class Finder:
    """Finds queues by scanning, or looks for the named ones only."""

    def __init__(self, settings: TargetSettings, links: Links, roster: Roster, streams: StreamReader) -> None:
        self._links = links
        self._roster = roster
        self._streams = streams
        self._prefixes = tuple(prefix.encode() for prefix in settings.prefixes)
        self._named = {QueueName(p, name.encode()) for p in self._prefixes for name in settings.queues}
        self._walks: list[Walk] = []
        self._walked: set[int] = set()
        self._next_verify = 0.0
        self._refused: dict[str, str] = {}
        self.first_done = False
        """Whether all queues that existed at the start have been found; later ones are new."""
        self.looked_everywhere = False
        """The same for the servers that answer."""
        self.scan_seconds: float | None = None
        """How long the last walk through the key space took."""

    def renew(self, refused: dict[str, str], budgets: list[ScanBudget]) -> None:
        """The connections are new; a walk begins anew. One budget for each wire."""
        self._refused = refused
        self._next_verify = 0.0
        if not self._named and "scan" not in refused:
            pattern = keys.scan_pattern(self._prefixes)
            pairs = zip(self._links.wires, budgets, strict=True)
            self._walks = [
                Walk(wire, pattern, budget, WALK_INTERVAL_SECONDS, WALK_SHORTEST_SECONDS)
                for wire, budget in pairs
            ]

    def step(self, counting_began_ms: int, now_ms: int, deadline: float) -> bool:
        """Do what is due; whether anything was verified."""
        candidates = self._due_again()
        walked_all = self._walk(candidates, deadline)
        known = self._roster.followed
        wanted = {c for c in candidates if (f := known.get(c)) is None or f.source != "stream"}
        if wanted:
            self.verify(wanted, counting_began_ms, now_ms, deadline, is_new=self.first_done)
        if walked_all:
            self.first_done = True
        walks = enumerate(self._walks)
        self.looked_everywhere |= all(index in self._walked or walk.is_refused for index, walk in walks)
        return bool(wanted)

    def pause(self) -> float:
        """Seconds until something is due; 0 while a walk is under way within its budget."""
        return min((walk.pause() for walk in self._walks), default=1.0)

    def is_wanted(self, queue: QueueName) -> bool:
        return not self._named or queue in self._named

    def verify(
        self,
        candidates: Iterable[QueueName],
        counting_began_ms: int,
        now_ms: int,
        deadline: float,
        *,
        is_new: bool,
    ) -> None:
        """Ask Redis what the candidates are; admit those that are queues."""
        by_wire: dict[int, list[QueueName]] = {}
        # Shorter names first: a sub-folder is told from a queue by its parent.
        for queue in sorted(candidates, key=lambda candidate: len(candidate.name)):
            by_wire.setdefault(self._links.owner(queue.base + b":"), []).append(queue)
        for index, queues in by_wire.items():
            wire = self._links.wires[index]
            replies = wire.exchange(
                b"".join(Candidate.packed(queue) for queue in queues),
                Candidate.REQUESTS * len(queues),
                deadline,
            )
            newcomers = []
            for place, queue in enumerate(queues):
                answers = replies[place * Candidate.REQUESTS : (place + 1) * Candidate.REQUESTS]
                source = Candidate.source(answers)
                if source is not None and SOURCE_COMMANDS.get(source) in self._refused:
                    source = "none"
                if source is not None and not keys.is_nested(queue, self._roster.followed):
                    newcomers += self._enter(queue, source, is_new=is_new)
            try:
                self._streams.admit(newcomers, counting_began_ms, now_ms, deadline)
            except WireError:
                # Where to begin is not known: it must be found again.
                for followed, _ in newcomers:
                    self._roster.remove(followed.queue)
                raise

    def _enter(self, queue: QueueName, source: str, *, is_new: bool) -> list[tuple[Followed, bool]]:
        """Watch a queue; returned where its stream wants a place to begin, with whether all it holds is new."""
        have = self._roster.followed.get(queue)
        if have is not None and have.source == source:
            return []
        followed = self._roster.change_source(have, source) if have else self._roster.add(queue, source)
        if followed.stream is None or followed.stream.caught_up:
            return []
        # All events of a queue that moved here from Bull are new; one that could not be read may be old.
        return [(followed, is_new if have is None else have.source == "pubsub")]

    def _due_again(self) -> set[QueueName]:
        now = time.monotonic()
        if now < self._next_verify:
            return set()
        self._next_verify = now + VERIFY_SECONDS
        again = {followed.queue for followed in self._roster.followed.values() if followed.source != "stream"}
        return again | self._named

    def _walk(self, candidates: set[QueueName], deadline: float) -> bool:
        """Advance the walks; whether every server was walked once (at once for named queues)."""
        for index, walk in enumerate(self._walks):
            step = walk.step(deadline, with_clock="time" not in self._refused)
            if step is None:
                continue
            found, completed = step
            candidates |= {queue[0] for key in found if (queue := keys.queue_of_key(key, self._prefixes))}
            if completed:
                self._walked.add(index)
                self.scan_seconds = walk.seconds
        return len(self._walked) >= len(self._walks)
