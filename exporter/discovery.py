"""This file knows how queues are found: a SCAN in the background that keeps to its share of Redis' time.

The share is a bucket of server time that fills at `share` seconds a second and holds five seconds' worth, so that a
small key space is walked at once and a large one takes as long as it must. What one SCAN call cost is measured
between two TIME replies of the same pipeline, so network and client do not count.
"""

import time
from typing import Any

from exporter import keys
from exporter.keys import QueueName
from exporter.wire import ReplyError, Wire, pack

COUNT = 1000
BURST_SECONDS = 5.0
PASS_INTERVAL_SECONDS = 2.0


class ScanBudget:
    """Server time that SCAN may still take."""

    def __init__(self, share: float, now: float) -> None:
        self._share = share
        self._left = share * BURST_SECONDS
        self._at = now

    def ready(self, now: float) -> bool:
        self._left = min(self._share * BURST_SECONDS, self._left + (now - self._at) * self._share)
        self._at = now
        return self._left > 0

    def seconds_until_ready(self) -> float:
        return max(0.0, -self._left / self._share)

    def spend(self, seconds: float) -> None:
        self._left -= seconds


class Scanner:
    """One walk after another through the keys of one server."""

    def __init__(self, wire: Wire, prefixes: tuple[bytes, ...], share: float) -> None:
        self._wire = wire
        self._prefixes = prefixes
        self._pattern = keys.scan_pattern(prefixes)
        self._budget = ScanBudget(share, time.monotonic())
        self._cursor = b"0"
        self._found: set[QueueName] = set()
        self._pass_began = time.monotonic()
        self._next_pass = 0.0
        self.pass_seconds: float | None = None
        """How long the last whole walk took."""

    def step(self, clock_refused: bool, deadline: float) -> set[QueueName] | None:
        """One SCAN call if it is due and within the budget; the candidates when a walk was completed."""
        now = time.monotonic()
        if now < self._next_pass or not self._budget.ready(now):
            return None
        if self._cursor == b"0":
            self._pass_began, self._found = now, set()
        scan = pack(("SCAN", self._cursor, "MATCH", self._pattern, "COUNT", COUNT))
        reply, seconds = self._timed(scan, clock_refused, deadline)
        if isinstance(reply, ReplyError):
            self._next_pass = now + BURST_SECONDS
            return None
        self._budget.spend(seconds)
        self._cursor = reply[0]
        self._collect(reply[1])
        return self._completed(now) if self._cursor == b"0" else None

    def pause(self) -> float:
        """Seconds until the next call is due."""
        if self._cursor == b"0":
            return max(0.0, self._next_pass - time.monotonic())
        return self._budget.seconds_until_ready()

    def _timed(self, scan: bytes, clock_refused: bool, deadline: float) -> tuple[Any, float]:
        if clock_refused:
            began = time.monotonic()
            reply = self._wire.exchange(scan, 1, deadline)[0]
            return reply, time.monotonic() - began
        clock = pack(("TIME",))
        before, reply, after = self._wire.exchange(clock + scan + clock, 3, deadline)
        return reply, max(0.0, _seconds(after) - _seconds(before))

    def _collect(self, found: list[bytes]) -> None:
        for key in found:
            queue = keys.queue_of_key(key, self._prefixes)
            if queue is not None:
                self._found.add(queue[0])

    def _completed(self, began: float) -> set[QueueName]:
        now = time.monotonic()
        self.pass_seconds = now - self._pass_began
        self._next_pass = began + PASS_INTERVAL_SECONDS
        return self._found


class Candidate:
    """What a queue that may exist is asked, and what its answers mean."""

    REQUESTS = 4

    @staticmethod
    def packed(queue: QueueName) -> bytes:
        return b"".join(
            (
                pack(("TYPE", queue.key(b"events"))),
                pack(("HMGET", queue.key(b"meta"), "opts.maxLenEvents", "version", "paused", "data")),
                pack(("GET", queue.key(b"id"))),
                pack(("EXISTS", queue.key(b"meta"), queue.key(b"id"))),
            )
        )

    @staticmethod
    def source(replies: list[Any]) -> str | None:
        """`stream` for BullMQ, `pubsub` for Bull, `none` when the rights allow no more than to believe that it is a
        queue; None when it is none (a job may be called `x:id` or `meta`)."""
        events_type, meta, counter, exists = replies
        if all(isinstance(reply, ReplyError) for reply in (events_type, meta, counter)):
            return "none" if isinstance(exists, int) and exists > 0 else None
        if events_type in ("stream", b"stream"):
            return "stream"
        if isinstance(meta, list) and (meta[0] is not None or meta[1] is not None):
            return "stream"
        is_paused_bull = isinstance(meta, list) and meta[2] is not None and meta[3] is None
        is_counter = isinstance(counter, bytes) and counter.isdigit()
        return "pubsub" if is_paused_bull or is_counter else None


def _seconds(reply: Any) -> float:
    return int(reply[0]) + int(reply[1]) / 1e6 if isinstance(reply, list) else 0.0
