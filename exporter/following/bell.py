"""This file knows how other threads wake the following one, ask it to read everything, and wait until it has."""

import os
import select
import threading
from contextlib import suppress


class Bell:
    """Rung by any thread; heard, and its requests answered, by one."""

    def __init__(self) -> None:
        self._heard, self._rope = os.pipe()
        os.set_blocking(self._rope, False)
        self._asked = self._answered = self._taken = self._to_save = 0
        self._changed = threading.Condition()
        self._failed = False

    def ring(self) -> None:
        """End the present, or else the next, `wait_for_ring`."""
        with suppress(BlockingIOError):  # so many rings were not heard yet that one more says nothing
            os.write(self._rope, b"!")

    def wait_for_ring(self, seconds: float) -> bool:
        """Whether it was rung; every ring so far is heard with that."""
        rung = False
        while select.select([self._heard], [], [], 0 if rung else seconds)[0]:
            os.read(self._heard, 4096)
            rung = True
        return rung

    def ask(self, *, to_save: bool = False) -> int:
        """Request an answer, saved before it is given if so wished, and wake who gives it; `wait` takes the ticket."""
        with self._changed:
            self._asked += 1
            ticket = self._asked
            if to_save:
                self._to_save = ticket
        self.ring()
        return ticket

    def wait(self, ticket: int, seconds: float) -> bool:
        """Whether the request was answered in time, and nothing has failed."""
        with self._changed:
            self._changed.wait_for(lambda: self._answered >= ticket or self._failed, seconds)
            return self._answered >= ticket and not self._failed

    @property
    def asked(self) -> int:
        """The latest ticket given out."""
        return self._asked

    @property
    def is_waited_for(self) -> bool:
        """Whether a request has no answer yet."""
        return self._asked > self._answered

    def wants_saving(self, ticket: int) -> bool:
        """Whether one of the requests up to this one that have no answer yet is to be saved first."""
        return self._answered < self._to_save <= ticket

    def answer(self, ticket: int) -> None:
        """All requests up to this one are done."""
        with self._changed:
            self._answered = ticket
            self._changed.notify_all()

    def take(self) -> None:
        """The answers so far are in the hands of those who asked."""
        with self._changed:
            self._taken = self._answered
            self._changed.notify_all()

    def wait_until_taken(self, ticket: int, seconds: float) -> None:
        """Until the answer to this ticket is in their hands, or they take too long."""
        with self._changed:
            self._changed.wait_for(lambda: self._taken >= ticket or self._failed, seconds)

    def fail(self, *, failed: bool = True) -> None:
        """Let nobody wait for what can't come; `failed=False` when it can again."""
        with self._changed:
            self._failed = failed
            self._changed.notify_all()
