"""This file knows the time by the Redis server's clock."""

import time
from typing import Any


class ServerClock:
    """The server's time, carried between TIME replies by the monotonic clock; the local clock until the first."""

    def __init__(self) -> None:
        self._offset: float | None = None

    @property
    def known(self) -> bool:
        """Whether the server has told its time; it may be forbidden to."""
        return self._offset is not None

    def set(self, reply: Any) -> None:
        """Take a TIME reply (`[seconds, microseconds]`) that has just arrived; anything else is ignored."""
        if isinstance(reply, list) and len(reply) == 2:
            self._offset = int(reply[0]) + int(reply[1]) / 1e6 - time.monotonic()

    def seconds(self) -> float:
        """Epoch seconds now."""
        return time.time() if self._offset is None else self._offset + time.monotonic()
