"""This file knows how to look into a wait list for what neither end shows.

That is a marker, which is no job, and the plain job behind prioritised ones, which may be the oldest.
"""

from collections.abc import Collection

from exporter import keys, reading
from exporter.connection.trip import Ticket, Trip
from exporter.keys import QueueName

MARKER_DEPTH = 100
"""A marker is looked for behind so many LIFO jobs."""


class InsideLists:
    """The questions about one queue's wait lists, in one round trip after the counts."""

    __slots__ = ("_answers", "_behind", "_marker", "_queue", "_wire", "plain_jobs")

    def __init__(self, queue: QueueName, wire: int, answers: reading.Answers) -> None:
        """`answers` are added to where a marker is found."""
        self._queue = queue
        self._wire = wire
        self._answers = answers
        # Tuples, as most are empty: a thousand queues would have the collector of garbage look at lists in vain.
        self._behind: tuple[tuple[str, Ticket], ...] = ()
        self._marker: Ticket | None = None
        self.plain_jobs: tuple[bytes, ...] = ()
        """The oldest plain job of each list that has prioritised ones in front of it."""

    def ask(self, trip: Trip, refused: Collection[str]) -> None:
        if "lrange" in refused:
            return
        for name in ("wait", "paused"):
            place = reading.plain_behind_prioritised(self._answers, name)
            if place is not None:
                key = self._queue.key(name.encode())
                self._behind += ((name, trip.ask(self._wire, "LRANGE", key, place - 1, place)),)
        if reading.may_hide_marker(self._answers):
            self._marker = trip.ask(self._wire, "LRANGE", self._queue.key(b"wait"), -MARKER_DEPTH, -2)

    def take(self, trip: Trip) -> None:
        if self._marker is not None and isinstance(passed := trip.reply(self._marker), list):
            self._answers["wait_marker_inside"] = any(keys.is_marker(job_id) for job_id in passed)
        for name, ticket in self._behind:
            reply = trip.reply(ticket)
            found = reply if isinstance(reply, list) else []
            # A marker may stand between the prioritised jobs and the plain ones.
            jobs = [job_id for job_id in found if not keys.is_marker(job_id)]
            if len(jobs) < len(found):
                self._answers[f"{name}_marker_inside"] = True
            self.plain_jobs += tuple(jobs[-1:])
