"""This file knows how many scrapes at once share one reading without any of them getting an older one."""

import threading
import time
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class Gate(Generic[K, T]):
    """Runs one call at a time; a caller gets the result of a run for what it wants that began after it came."""

    def __init__(self, run: Callable[[K, float], T]) -> None:
        """`run(wanted, deadline)` does the work."""
        self._run = run
        self._changed = threading.Condition()
        self._running = False
        self._begun = 0
        self._last: tuple[int, K, T] | None = None
        """The last run that ended well: its number, what was wanted, and its result."""

    def get(self, wanted: K, deadline: float) -> T | None:
        """A fresh result; None when none was there by the deadline."""
        with self._changed:
            begun_before = self._begun
            while True:
                if self._last is not None and self._last[0] > begun_before and self._last[1] == wanted:
                    return self._last[2]
                if not self._running:
                    break
                if not self._changed.wait(max(0.0, deadline - time.monotonic())):
                    return None
            self._running = True
            self._begun += 1
            number = self._begun
        try:
            result = self._run(wanted, deadline)
        except BaseException:
            with self._changed:
                self._running = False
                self._changed.notify_all()
            raise
        with self._changed:
            self._running, self._last = False, (number, wanted, result)
            self._changed.notify_all()
        return result
