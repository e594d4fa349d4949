"""This file knows, of one queue's active jobs, when the oldest was started and how many have lost their worker.

A job is unlocked when it has no lock, later still has none, and then is still active: between two looks at a healthy
queue jobs come and go.
"""

from collections.abc import Collection
from typing import Any

from exporter import reading
from exporter.connection.trip import Ticket, Trip
from exporter.connection.wire import pack
from exporter.keys import QueueName


class ActiveJobs:
    """The questions about the active jobs of one queue, in two round trips after the counts."""

    __slots__ = ("_again", "_ids", "_locks", "_queue", "_started", "_wire", "oldest_start", "unlocked")

    def __init__(self, queue: QueueName, wire: int, answers: reading.Answers) -> None:
        self._queue = queue
        self._wire = wire
        self._ids: list[bytes] = reading.elements(answers, "active_ids")
        self.oldest_start: float | None = None
        """Epoch seconds; None where unknown, or nothing is active."""
        self.unlocked: int | None = 0 if isinstance(answers.get("active_ids"), list) else None
        self._started: Ticket | None = None
        self._locks: Ticket | None = None
        self._again: Ticket | None = None

    def ask(self, trip: Trip, known: reading.KnownTimes, refused: Collection[str]) -> None:
        if not self._ids:
            return
        self.unlocked = None
        _, self.oldest_start = known(self._queue, self._ids[-1])
        if self.oldest_start is None and "hmget" not in refused:
            self._started = trip.ask(self._wire, "HMGET", self._queue.key(self._ids[-1]), "processedOn")
        locks = [self._queue.key(job_id + b":lock") for job_id in self._ids]
        self._locks = trip.ask(self._wire, "EXISTS", *locks)

    def take(self, trip: Trip, third: Trip) -> None:
        """Take the answers, and ask again where some jobs had no lock."""
        if self._started is not None and isinstance(reply := trip.reply(self._started), list):
            self.oldest_start = reading.epoch_seconds(reply[0])
        if self._locks is None or not isinstance(locked := trip.reply(self._locks), int):
            return
        self.unlocked = 0
        if locked < len(self._ids):
            requests = [pack(("EXISTS", self._queue.key(job_id + b":lock"))) for job_id in self._ids]
            requests.append(pack(("LRANGE", self._queue.key(b"active"), 0, -1)))
            self._again = third.add(self._wire, b"".join(requests), len(requests))

    def take_again(self, third: Trip) -> None:
        """Take the answers to the second look, where there was one."""
        if self._again is not None:
            self.unlocked = _unlocked(third.replies(self._again, len(self._ids) + 1), self._ids)


def _unlocked(replies: list[Any], job_ids: list[bytes]) -> int | None:
    *locked, still_active = replies
    if not isinstance(still_active, list):
        return None
    still = set(still_active)
    return sum(1 for job_id, exists in zip(job_ids, locked, strict=True) if exists == 0 and job_id in still)
