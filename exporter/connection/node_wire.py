"""This file knows how a primary of a cluster that can't be reached is passed over while the others are read.

It answers each request with an error, as a server does that can't answer now; so what needs it is absent.
"""

import time
from typing import Any

from exporter.connection.wire import ReplyError, Wire, WireError

UNREACHABLE = "UNREACHABLE"
# One that hangs may use half of the time there is, and is tried again after three times as long as that took.
_TIME_SHARE = 0.5
_PAUSE_FACTOR = 3.0
_PAUSE_SECONDS = (1.0, 30.0)


class PutOffError(WireError):
    """The node could not be reached a moment ago and is not tried yet."""


class NodeWire(Wire):
    """The connection to one primary of a cluster."""

    _failure = "never reached"
    _retry_at = 0.0

    def connect(self, deadline: float) -> None:
        """Open the connection if it is not; raises WireError."""
        began = time.monotonic()
        if self.connected:
            return
        if began < self._retry_at:
            raise PutOffError(self._failure)
        try:
            super().connect(_part_of(deadline))
        except WireError as error:
            self._put_off(error, began)
            raise

    def exchange(self, packed: bytes, count: int, deadline: float) -> list[Any]:
        """The replies; `UNREACHABLE` errors when there are none to be had."""
        began = time.monotonic()
        if self.connected:
            try:
                return super().exchange(packed, count, _part_of(deadline))
            except WireError as error:
                self._put_off(error, began)
        return [ReplyError(f"{UNREACHABLE} {self._failure}")] * count

    def _put_off(self, error: WireError, began: float) -> None:
        shortest, longest = _PAUSE_SECONDS
        now = time.monotonic()
        self._failure = str(error)
        self._retry_at = now + min(longest, max(shortest, (now - began) * _PAUSE_FACTOR))


def _part_of(deadline: float) -> float:
    now = time.monotonic()
    return now + (deadline - now) * _TIME_SHARE
