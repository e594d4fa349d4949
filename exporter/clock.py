"""This file knows the time by the Redis server's clock."""

import time
from typing import Any, NamedTuple

# A reply is heard late, never early, so the earliest one tells the time; clocks drift and are slewed by less than this.
_DRIFT_SECONDS_PER_SECOND = 0.001
# What lies further behind is no late reply: the server's clock was set back.
_STEP_SECONDS = 0.25


# A smaller step may be a first reply that was heard late.
FORWARD_STEP_SECONDS = 2.0


class Step(NamedTuple):
    """The server's clock was set ahead."""

    until_ms: float
    """What is later than this was written after it."""
    step_ms: float


class ServerClock:
    """The server's time, carried between TIME replies by the monotonic clock; the local clock until the first."""

    def __init__(self) -> None:
        self._offset: float | None = None
        self._told_at = 0.0

    @property
    def known(self) -> bool:
        """Whether the server has told its time; it may be forbidden to."""
        return self._offset is not None

    def set(self, reply: Any) -> None:
        """Take a TIME reply (`[seconds, microseconds]`) that has just arrived; anything else is ignored."""
        if not isinstance(reply, list) or len(reply) != 2:
            return
        now = time.monotonic()
        offset = int(reply[0]) + int(reply[1]) / 1e6 - now
        if self._offset is None or not self._is_late(offset, now):
            self._offset, self._told_at = offset, now

    def seconds(self) -> float:
        """Epoch seconds now."""
        return self.ahead_of_monotonic() + time.monotonic()

    def ahead_of_monotonic(self) -> float:
        """How far the server's clock is ahead of `time.monotonic`, as far as it is known now."""
        offset = self._offset
        return time.time() - time.monotonic() if offset is None else offset

    def step_since(self, ahead: float) -> Step | None:
        """The step ahead since `ahead_of_monotonic` was that."""
        step = self.ahead_of_monotonic() - ahead
        if step < FORWARD_STEP_SECONDS:
            return None
        return Step((ahead + time.monotonic() + FORWARD_STEP_SECONDS / 2) * 1000, step * 1000)

    def _is_late(self, offset: float, now: float) -> bool:
        """Whether the reply only seems to tell an earlier time because it waited to be read."""
        behind = (self._offset or 0.0) - offset
        return _DRIFT_SECONDS_PER_SECOND * (now - self._told_at) < behind < _STEP_SECONDS
