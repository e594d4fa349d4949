"""This file knows how the key space is walked: SCAN in the background, within a share of Redis' time.

The share is a bucket of server time that fills at `share` seconds a second and holds five seconds' worth, so that a
small key space is walked at once and a large one takes as long as it must. What one SCAN call cost is measured
between two TIME replies of the same pipeline, so network and client do not count.
"""

import time
from typing import Any

from exporter.connection.wire import ReplyError, Wire, pack

COUNT = 1000
BURST_SECONDS = 5.0


class ScanBudget:
    """Server time that SCAN may still take on one server, shared by all walks there."""

    def __init__(self, share: float) -> None:
        self._share = share
        self._left = share * BURST_SECONDS
        self._at = time.monotonic()

    def ready(self, now: float) -> bool:
        # A tenth is kept back, so that the burst at the start is within the share over a minute as well.
        self._left = min(self._share * BURST_SECONDS, self._left + (now - self._at) * self._share * 0.9)
        self._at = now
        return self._left > 0

    def seconds_until_ready(self) -> float:
        return max(0.0, -self._left / self._share)

    def seconds_earned_by(self, cost: float) -> float:
        """How long the share takes to pay for so much server time."""
        return cost / self._share

    def spend(self, seconds: float) -> None:
        self._left -= seconds


class Walk:
    """One walk after another over the keys of one server that match a pattern."""

    def __init__(
        self,
        wire: Wire,
        pattern: bytes,
        budget: ScanBudget,
        interval_seconds: float,
        shortest_seconds: float | None = None,
    ) -> None:
        """Walks begin `interval_seconds` apart, or as little as `shortest_seconds` while they cost next to nothing."""
        self._wire = wire
        self._pattern = pattern
        self._budget = budget
        self._interval = interval_seconds
        self._shortest = interval_seconds if shortest_seconds is None else shortest_seconds
        self._cursor = b"0"
        self._began = self._next = 0.0
        self._cost = 0.0
        """Server time of the walk under way."""
        self.seconds: float | None = None
        """How long the last whole walk took."""
        self.is_refused = False
        """Whether the server refused the last call, or can't be reached."""

    def step(self, deadline: float, *, with_clock: bool) -> tuple[list[bytes], bool] | None:
        """One SCAN call if it is due and within the budget: the keys, and whether they complete the walk."""
        now = time.monotonic()
        if now < self._next or not self._budget.ready(now):
            return None
        if self._cursor == b"0":
            self._began, self._cost = now, 0.0
        scan = pack(("SCAN", self._cursor, "MATCH", self._pattern, "COUNT", COUNT))
        reply, seconds = self._timed(scan, deadline, with_clock=with_clock)
        self.is_refused = isinstance(reply, ReplyError)
        if self.is_refused:
            self._next = now + BURST_SECONDS
            return None
        self._budget.spend(seconds)
        self._cost += seconds
        self._cursor = reply[0]
        if self._cursor == b"0":
            self.seconds = time.monotonic() - self._began
            self._next = self._began + self._pause_after(self._cost)
        return reply[1], self._cursor == b"0"

    def _pause_after(self, cost: float) -> float:
        """A cheap walk is made again soon, so that a new queue is met before its stream is trimmed."""
        return min(self._interval, max(self._shortest, self._budget.seconds_earned_by(cost) * 4))

    def pause(self) -> float:
        """Seconds until the next call is due."""
        if self._cursor == b"0":
            return max(0.0, self._next - time.monotonic())
        return self._budget.seconds_until_ready()

    def _timed(self, scan: bytes, deadline: float, *, with_clock: bool) -> tuple[Any, float]:
        if not with_clock:
            began = time.monotonic()
            reply = self._wire.exchange(scan, 1, deadline)[0]
            return reply, time.monotonic() - began
        clock = pack(("TIME",))
        before, reply, after = self._wire.exchange(clock + scan + clock, 3, deadline)
        return reply, max(0.0, _seconds(after) - _seconds(before))


def _seconds(reply: Any) -> float:
    return int(reply[0]) + int(reply[1]) / 1e6 if isinstance(reply, list) else 0.0
