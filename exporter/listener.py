"""This file knows how pub/sub messages are received the moment they arrive, whatever else the exporter does then.

They carry no times, so the time of receipt stands for it: the kernel's where it stamps what comes in, else that of a
thread of its own, which waits for them and does nothing else.
"""

import select
import threading
import time
from collections.abc import Callable

from exporter.events import Message, from_channel
from exporter.wire import Wire, WireError

Heard = tuple[float, list[Message]]
"""When messages were received, and those that are about jobs."""


class Listener:
    """Listens on one subscribed wire, which is its own from now on, until it is closed."""

    def __init__(self, wire: Wire, wake: Callable[[], None]) -> None:
        """`wake` is called, in another thread, when there is something to take."""
        self._wire = wire
        self._wake = wake
        self._lock = threading.Lock()
        self._heard: list[Heard] = []
        self._failure: WireError | None = None
        wire.stamp_arrivals()
        self._thread = threading.Thread(target=self._run, name="listener", daemon=True)
        self._thread.start()

    def take(self) -> list[Heard]:
        """What was received since the last call, by `time.monotonic`. Raises WireError when the connection broke."""
        with self._lock:
            self._receive(time.monotonic())
            heard, self._heard = self._heard, []
        if not heard and self._failure is not None:
            raise self._failure
        return heard

    def close(self) -> None:
        self._wire.abort()
        self._thread.join()
        self._wire.close()

    def _run(self) -> None:
        while (descriptor := self._wire.fileno()) >= 0:
            select.select([descriptor], [], [])
            now = time.monotonic()
            with self._lock:
                self._receive(now)
            self._wake()

    def _receive(self, now: float) -> None:
        if self._failure is not None:
            return
        try:
            received = self._wire.receive_now(now)
        except WireError as error:
            self._failure = error
            return
        for arrived, replies in received:
            found = (from_channel(r[2], r[3]) for r in replies if isinstance(r, list) and len(r) == 4)
            messages = [message for message in found if message is not None]
            if messages:
                self._heard.append((arrived, messages))
