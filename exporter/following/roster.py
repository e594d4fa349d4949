"""This file knows the queues that are watched, what is counted for each, and those that went away lately."""

import time
from typing import Any

from exporter import keys
from exporter.bull.lifecycle import BullLifecycle
from exporter.following.stream_lifecycle import StreamLifecycle
from exporter.following.streams import Stream
from exporter.following.tally import SeriesBudget, Tally
from exporter.keys import QueueName
from exporter.lifecycle import AT_SOME_TIME, Lifecycle, OpenJob
from exporter.settings import PAYLOAD_BUCKETS, TargetSettings

# A queue that comes back soon (Redis restarted, obliterated and filled again) goes on with its counters.
PARKED_SECONDS = 600.0
# The server's clock is known to some ms.
CLOCK_MARGIN_MS = 250.0


class Followed:
    """One queue that is watched: where its events come from and what they added up to."""

    __slots__ = ("gaps", "lifecycle", "queue", "source", "stream", "tally")

    def __init__(self, queue: QueueName, tally: Tally, source: str, *, keep_records: bool) -> None:
        """`source` is `stream` (BullMQ), `pubsub` (Bull) or `none` (events may not be read)."""
        self.queue = queue
        self.tally = tally
        self.source = source
        self.gaps = 0
        """Interruptions of pub/sub; a stream counts its own."""
        self.stream: Stream | None = None
        self.lifecycle: Lifecycle
        if source == "stream":
            self.lifecycle = lifecycle = StreamLifecycle(tally, keep_records=keep_records)
            self.stream = Stream(queue, 0, lifecycle)
        else:
            self.lifecycle = BullLifecycle(tally, keep_records=keep_records)

    @property
    def is_whole(self) -> bool:
        """Whether the totals may be shown: a stream's once its end was reached."""
        return self.stream.caught_up if self.stream is not None else self.source == "pubsub"


class Roster:
    """All queues of one target. Changed by the follower's thread only; others read."""

    def __init__(self, settings: TargetSettings, *, keep_records: bool = False) -> None:
        self._edges = settings.duration_edges
        self._job_types_max = settings.job_types_max
        self._keep_records = keep_records
        self.budget = SeriesBudget(settings.duration_series_max)
        self.followed: dict[QueueName, Followed] = {}
        self.by_base: dict[bytes, Followed] = {}
        self.version = 0
        """Raised at every change, for those who keep something derived."""
        self._parked: dict[QueueName, tuple[float, Followed]] = {}

    def add(self, queue: QueueName, source: str) -> Followed:
        """Watch a queue; one that went away lately goes on where it was."""
        parked = self._parked.pop(queue, None)
        if parked is not None and parked[1].source == source:
            followed = parked[1]
        else:
            followed = Followed(queue, self._tally(), source, keep_records=self._keep_records)
        self.followed[queue] = self.by_base[queue.base] = followed
        self.version += 1
        return followed

    def known_times(self, queue: QueueName, job_id: bytes) -> tuple[float | None, float | None]:
        """Ready and start of an open job in epoch seconds, as far as its events were seen."""
        followed = self.followed.get(queue)
        job = followed.lifecycle.open.get(job_id) if followed else None
        if job is None:
            return None, None
        ready_ms = job.ready_ms if job.ready_ms >= 0 else job.due_ms
        return _known(ready_ms), _known(job.active_ms)

    def change_source(self, followed: Followed, source: str) -> Followed:
        """The queue moved to another library (Bull to BullMQ): counters go on, open jobs do not."""
        fresh = Followed(followed.queue, followed.tally, source, keep_records=self._keep_records)
        fresh.gaps = followed.gaps
        self.followed[followed.queue] = self.by_base[followed.queue.base] = fresh
        self.version += 1
        return fresh

    def remove(self, queue: QueueName) -> None:
        """The queue is gone from Redis."""
        followed = self.followed.pop(queue, None)
        if followed is not None:
            self.by_base.pop(queue.base, None)
            followed.lifecycle.open.clear()
            self._parked[queue] = (time.monotonic(), followed)
            self.version += 1

    def forget_parked(self) -> None:
        """Drop the counters of queues that did not come back."""
        limit = time.monotonic() - PARKED_SECONDS
        for queue, (since, followed) in list(self._parked.items()):
            if since < limit:
                followed.tally.forget()
                del self._parked[queue]

    def close_jobs_of(self, queue: QueueName, empty_at_ms: float) -> None:
        """The queue was seen empty then: jobs of which nothing was heard since were removed without a word."""
        followed = self.followed.get(queue)
        if followed is None:
            return
        stream = followed.stream
        last_ms = stream.last_event_ms if stream is not None else followed.lifecycle.last_ms
        if last_ms < empty_at_ms - CLOCK_MARGIN_MS and (stream is None or stream.at_end):
            followed.lifecycle.open.clear()

    def limit_open_jobs(self, maximum: int) -> int:
        """Forget the oldest open jobs of the fullest queues until `maximum` are left; returns how many went."""
        total = sum(len(followed.lifecycle.open) for followed in self.followed.values())
        forgotten = 0
        while total - forgotten > maximum:
            fullest = max(self.followed.values(), key=lambda followed: len(followed.lifecycle.open))
            size = min(len(fullest.lifecycle.open), max(total - forgotten - maximum, maximum // 20 or 1))
            fullest.lifecycle.forget_oldest(size)
            forgotten += size
        return forgotten

    def dump(self) -> list[dict[str, Any]]:
        """Everything counted, as plain JSON values."""
        return [_dump(followed) for followed in self.followed.values()]

    def load(self, states: list[dict[str, Any]]) -> None:
        """Take over a dump. Raises KeyError, TypeError or ValueError when it does not fit this configuration."""
        for state in states:
            prefix, name = (keys.to_bytes(part) for part in state["queue"])
            _load(self.add(QueueName(prefix, name), state["source"]), state)

    def _tally(self) -> Tally:
        return Tally(self._edges, PAYLOAD_BUCKETS, self.budget, self._job_types_max)


def _known(milliseconds: float) -> float | None:
    return milliseconds / 1000 if 0 <= milliseconds < AT_SOME_TIME else None


def _dump(followed: Followed) -> dict[str, Any]:
    lifecycle = followed.lifecycle
    return {
        "queue": [keys.to_text(followed.queue.prefix), keys.to_text(followed.queue.name)],
        "source": followed.source,
        "gaps": followed.gaps,
        "tally": followed.tally.dump(),
        "stream": followed.stream.dump() if followed.stream else None,
        "lifecycle": lifecycle.dump() if isinstance(lifecycle, StreamLifecycle) else None,
        "ends": [[keys.to_text(i), outcome, at] for (i, outcome), at in lifecycle.ends.items()]
        if isinstance(lifecycle, BullLifecycle)
        else [],
        "open": [_dump_job(job_id, job) for job_id, job in lifecycle.open.items()],
    }


def _load(followed: Followed, state: dict[str, Any]) -> None:
    followed.gaps = int(state["gaps"])
    followed.tally.load(state["tally"])
    if followed.source == "pubsub":
        # What was published while nobody listened is gone, and with it the fate of the open jobs.
        followed.gaps += 1
        if isinstance(followed.lifecycle, BullLifecycle):
            ends = {
                (keys.to_bytes(job_id), outcome): float(at_ms) for job_id, outcome, at_ms in state["ends"]
            }
            followed.lifecycle.ends = ends
        return
    if followed.stream is not None and state["stream"]:
        followed.stream.load(state["stream"])
    for row in state["open"]:
        job_id, job = _load_job(row)
        followed.lifecycle.open[job_id] = job
    if isinstance(followed.lifecycle, StreamLifecycle) and state["lifecycle"]:
        followed.lifecycle.load(state["lifecycle"])


def _dump_job(job_id: bytes, job: OpenJob) -> list[Any]:
    name = None if job.name is None else keys.to_text(job.name)
    return [keys.to_text(job_id), name, job.ready_ms, job.due_ms, job.active_ms, job.started, job.starts]


def _load_job(row: list[Any]) -> tuple[bytes, OpenJob]:
    job_id, name, ready_ms, due_ms, active_ms, started, starts = row
    job = OpenJob(None if name is None else keys.to_bytes(name), started=bool(started))
    job.ready_ms, job.due_ms, job.active_ms, job.starts = (
        float(ready_ms),
        float(due_ms),
        float(active_ms),
        int(starts),
    )
    return keys.to_bytes(job_id), job
