"""This file knows the time by a Redis server's clock, and when that clock was set.

A TIME reply was true at some moment between question and answer. So each tells two bounds for how far the server's
clock is ahead of the monotonic one here, and all of them hold together. Where a reply contradicts those before it,
the clock was set; a late reply contradicts nothing.
"""

import threading
import time
from typing import Any, NamedTuple

from exporter.connection.wire import Wire, pack

# Clocks drift and are slewed by less than this.
_DRIFT_SECONDS_PER_SECOND = 0.001
# What is less is taken for a slew that is faster than that.
_STEP_SECONDS = 0.01
TIME = pack(("TIME",))


class Step(NamedTuple):
    """A clock was set."""

    until_ms: float
    """Where it was set ahead: what is later than this was written after it. Where back: what is later, before."""
    step_ms: float
    """Negative where it was set back."""


class ServerClock:
    """A server's time, carried between TIME replies by the monotonic clock; the local clock until the first."""

    def __init__(self) -> None:
        self._bounds: tuple[float, float] | None = None
        """How far the server's clock is ahead of `time.monotonic`: no less, and no more."""
        self._told_at = 0.0
        self._stepped = threading.Lock()

    @property
    def known(self) -> bool:
        """Whether the server has told its time; it may be forbidden to."""
        return self._bounds is not None

    def ask(self, wire: Wire, deadline: float) -> None:
        """Have the server tell its time. Raises WireError."""
        asked = time.monotonic()
        self.set(wire.exchange(TIME, 1, deadline)[0], asked)

    def set(self, reply: Any, asked: float) -> Step | None:
        """Take a TIME reply (`[seconds, microseconds]`) to a question sent at `asked` that has just arrived.

        Returns the step where it shows one; any other reply is ignored.
        """
        if not isinstance(reply, list) or len(reply) != 2:
            return None
        now = time.monotonic()
        told = int(reply[0]) + int(reply[1]) / 1e6
        with self._stepped:
            return self._narrow(told - now, told - asked, now)

    def seconds(self) -> float:
        """Epoch seconds now."""
        return self.ahead_of_monotonic() + time.monotonic()

    def ahead_of_monotonic(self) -> float:
        """How far the server's clock is ahead of `time.monotonic` at least, as far as it is known now."""
        bounds = self._bounds
        return time.time() - time.monotonic() if bounds is None else bounds[0]

    def _narrow(self, low: float, high: float, now: float) -> Step | None:
        before, self._bounds = self._bounds, (low, high)
        drift = _DRIFT_SECONDS_PER_SECOND * (now - self._told_at)
        self._told_at = now
        if before is None:
            return None
        if low > before[1] + drift:
            step = low - before[0]
        elif high < before[0] - drift:
            step = high - before[1]
        else:
            self._bounds = max(low, before[0] - drift), min(high, before[1] + drift)
            return None
        if abs(step) < _STEP_SECONDS:
            return None
        return Step(((before[1] if step > 0 else high) + now) * 1000, step * 1000)
