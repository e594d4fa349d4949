"""This file knows when a queue is looked for, verified and admitted to the roster."""

import time
from collections.abc import Iterable

from exporter import keys
from exporter.discovery import Candidate, Scanner
from exporter.keys import QueueName
from exporter.roster import Roster
from exporter.settings import TargetSettings
from exporter.streamreader import StreamReader
from exporter.topology import Links

VERIFY_SECONDS = 5.0
"""How often Bull queues (could have moved to BullMQ) and named queues that were not there are looked at again."""


class Finder:
    """Finds queues by scanning, or looks for the named ones only."""

    def __init__(self, settings: TargetSettings, links: Links, roster: Roster, streams: StreamReader) -> None:
        self._links = links
        self._roster = roster
        self._streams = streams
        self._share = settings.scan_share
        self._prefixes = tuple(prefix.encode() for prefix in settings.prefixes)
        self._named = {QueueName(p, name.encode()) for p in self._prefixes for name in settings.queues}
        self._scanners: list[Scanner] = []
        self._walked: set[Scanner] = set()
        self._next_verify = 0.0
        self._refused: dict[str, str] = {}
        self.first_done = False
        """Whether all queues that existed at the start have been found; later ones are new."""
        self.scan_seconds: float | None = None
        """How long the last walk through the key space took."""

    def renew(self, refused: dict[str, str]) -> None:
        """The connections are new; a walk begins anew."""
        self._refused = refused
        self._next_verify = 0.0
        if not self._named and "scan" not in refused:
            self._scanners = [Scanner(wire, self._prefixes, self._share) for wire in self._links.wires]

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
        return bool(wanted)

    def pause(self) -> float:
        """Seconds until something is due; 0 while a walk is under way within its budget."""
        return min((scanner.pause() for scanner in self._scanners), default=1.0)

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
            for place, queue in enumerate(queues):
                answers = replies[place * Candidate.REQUESTS : (place + 1) * Candidate.REQUESTS]
                source = Candidate.source(answers)
                if source is not None and not keys.is_nested(queue, self._roster.followed):
                    self._admit(queue, source, counting_began_ms, now_ms, deadline, is_new=is_new)

    def _admit(
        self,
        queue: QueueName,
        source: str,
        counting_began_ms: int,
        now_ms: int,
        deadline: float,
        *,
        is_new: bool,
    ) -> None:
        have = self._roster.followed.get(queue)
        if have is not None and have.source == source:
            return
        followed = self._roster.change_source(have, source) if have else self._roster.add(queue, source)
        if followed.stream is not None and not followed.stream.caught_up:
            self._streams.admit(
                followed, counting_began_ms, now_ms, deadline, is_new=is_new or have is not None
            )

    def _due_again(self) -> set[QueueName]:
        now = time.monotonic()
        if now < self._next_verify:
            return set()
        self._next_verify = now + VERIFY_SECONDS
        again = {followed.queue for followed in self._roster.followed.values() if followed.source != "stream"}
        return again | self._named

    def _walk(self, candidates: set[QueueName], deadline: float) -> bool:
        """Advance the walks; whether each server was walked once (at once for named queues)."""
        if not self._scanners:
            return True
        for scanner in self._scanners:
            found = scanner.step("time" in self._refused, deadline)
            if found is not None:
                candidates |= found
                self._walked.add(scanner)
                self.scan_seconds = scanner.pass_seconds
        return len(self._walked.intersection(self._scanners)) == len(self._scanners)
