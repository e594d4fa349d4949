"""This file knows how many scrapes at once share one reading without any of them getting an older one."""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Gate(Generic[T]):
    """Runs one call at a time; a caller gets the result of a run that began after it came."""

    def __init__(self, run: Callable[[float], T]) -> None:
        """`run(deadline)` does the work."""
        self._run = run
        self._changed = threading.Condition()
        self._running = False
        self._begun = 0
        self._done = 0
        self._result: T | None = None

    def get(self, deadline: float) -> T | None:
        """A fresh result; None when none was there by the deadline."""
        with self._changed:
            wanted = self._begun + 1
            while self._done < wanted:
                if not self._running:
                    break
                if not self._changed.wait(max(0.0, deadline - time.monotonic())):
                    return None
            else:
                return self._result
            self._running = True
            self._begun += 1
            number = self._begun
        try:
            result = self._run(deadline)
        except BaseException:
            with self._changed:
                self._running = False
                self._changed.notify_all()
            raise
        with self._changed:
            self._running, self._done, self._result = False, number, result
            self._changed.notify_all()
        return result
