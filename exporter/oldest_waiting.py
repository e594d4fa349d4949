"""This file knows how the job is found that is ready for longest: in wait, paused, prioritised or overdue in delayed.

Lists and sets are in the order in which jobs run. So the oldest is one of few: the next of each list, the first and
the last priority's first, the plain job behind prioritised ones, and the first that is overdue.
"""

from collections.abc import Collection, Iterable

from exporter import keys, reading
from exporter.connection.trip import Ticket, Trip
from exporter.keys import QueueName


class OldestWaiting:
    """The candidates of one queue, in two round trips after the counts."""

    __slots__ = ("_answers", "_jobs", "_later_jobs", "_queue", "_single", "_wire", "since")

    def __init__(self, queue: QueueName, wire: int, answers: reading.Answers) -> None:
        self._queue = queue
        self._wire = wire
        self._answers = answers
        self.since: float | None = None
        """When the oldest became ready, in epoch seconds; None where none waits or nothing is known."""
        # Tuples, as most are empty: a thousand queues would have the collector of garbage look at lists in vain.
        self._jobs: tuple[Ticket, ...] = ()
        self._later_jobs: tuple[Ticket, ...] = ()
        self._single: Ticket | None = None

    def ask(self, trip: Trip, known: reading.KnownTimes, refused: Collection[str]) -> None:
        answers = self._answers
        first_priority = reading.elements(answers, "prioritized_first")
        overdue = (
            reading.elements(answers, "delayed_first") if reading.integer(answers, "delayed_overdue") else []
        )
        ids = [reading.element(answers, "wait_next"), reading.element(answers, "paused_next")]
        ids = [job_id for job_id in ids if not keys.is_marker(job_id)]
        for job_id in (*ids, *first_priority[:1], *overdue[:1]):
            if job_id is not None:
                self._jobs += self._ask_ready(trip, job_id, known, refused)
        last = reading.elements(answers, "prioritized_last")
        score = reading.score(answers, "prioritized_last")
        if score is not None and last[:1] != first_priority[:1] and "zrangebyscore" not in refused:
            low = int(score) >> 32 << 32
            key = self._queue.key(b"prioritized")
            self._single = trip.ask(self._wire, "ZRANGEBYSCORE", key, low, "+inf", "LIMIT", 0, 1)

    def take(
        self,
        trip: Trip,
        third: Trip,
        plain_jobs: Iterable[bytes],
        known: reading.KnownTimes,
        refused: Collection[str],
    ) -> None:
        """Take the answers, and ask for the jobs that these named and for the plain ones inside the lists."""
        self._take_jobs(trip, self._jobs)
        if self._single is not None and isinstance(found := trip.reply(self._single), list) and found:
            self._later_jobs += self._ask_ready(third, found[0], known, refused)
        for job_id in plain_jobs:
            self._later_jobs += self._ask_ready(third, job_id, known, refused)

    def take_again(self, third: Trip) -> None:
        self._take_jobs(third, self._later_jobs)

    def _ask_ready(
        self, trip: Trip, job_id: bytes, known: reading.KnownTimes, refused: Collection[str]
    ) -> tuple[Ticket, ...]:
        """Note when a job became ready, or ask for it; the ticket where that was asked."""
        ready, _ = known(self._queue, job_id)
        if ready is not None:
            self._note(ready)
            return ()
        if "hmget" in refused:
            return ()
        return (trip.ask(self._wire, "HMGET", self._queue.key(job_id), "timestamp", "delay", "opts"),)

    def _note(self, ready: float) -> None:
        self.since = ready if self.since is None else min(self.since, ready)

    def _take_jobs(self, trip: Trip, tickets: tuple[Ticket, ...]) -> None:
        for ticket in tickets:
            job = trip.reply(ticket)
            if isinstance(job, list) and len(job) == 3 and (ready := reading.ready_seconds(job)) is not None:
                self._note(ready)
