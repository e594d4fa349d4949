"""This file knows how pub/sub messages are received the moment they arrive, whatever else the exporter does then.

They carry no times, so the time of receipt stands for it: the kernel's where it stamps what comes in, else that of a
thread of its own, which waits for them and does nothing else.
"""

import select
import threading
import time
from collections.abc import Callable

from exporter.connection.wire import Wire, WireError, pack
from exporter.events import Message, from_channel

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
        self._latest = 0.0
        self._answers = 0
        self._answered = threading.Condition(self._lock)
        self.failure: WireError | None = None
        """Why nothing can be heard any more."""
        wire.stamp_arrivals()
        self._thread = threading.Thread(target=self._run, name="listener", daemon=True)
        self._thread.start()

    def take(self) -> list[Heard]:
        """What was received since the last call, by `time.monotonic`."""
        with self._lock:
            self._receive(time.monotonic())
            heard, self._heard = self._heard, []
        return heard

    def answers(self, deadline: float) -> bool:
        """Whether the server still knows of this connection: a network that died without a word looks like silence."""
        with self._answered:
            before = self._answers
            try:
                self._wire.send(pack(("PING",)), deadline)
            except WireError as error:
                self.failure = self.failure or error
            self._answered.wait_for(
                lambda: self._answers > before or self.failure is not None, deadline - time.monotonic()
            )
            return self._answers > before

    def close(self) -> list[Heard]:
        """Listen no more; returns what was not taken yet."""
        left = self.take()
        self._wire.abort()
        self._thread.join()
        self._wire.close()
        return left

    def _run(self) -> None:
        while (descriptor := self._wire.fileno()) >= 0:
            select.select([descriptor], [], [])
            now = time.monotonic()
            with self._lock:
                self._receive(now)
            self._wake()

    def _receive(self, now: float) -> None:
        if self.failure is not None:
            return
        try:
            received = self._wire.receive_now(now)
        except WireError as error:
            self.failure = error
            self._answered.notify_all()
            return
        for arrived, replies in received:
            # What comes later arrived no sooner, whatever two looks at the clocks of this machine say.
            self._latest = max(self._latest, arrived)
            pushed = [reply for reply in replies if isinstance(reply, list) and len(reply) == 4]
            found = (from_channel(reply[2], reply[3]) for reply in pushed)
            messages = [message for message in found if message is not None]
            if messages:
                self._heard.append((self._latest, messages))
            if len(pushed) < len(replies):
                self._answers += len(replies) - len(pushed)
                self._answered.notify_all()
        if not self._wire.connected:
            self.failure = WireError(f"{self._wire.address}: connection closed by the server")
            self._answered.notify_all()
