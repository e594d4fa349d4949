"""Knows how kept finished jobs are read from Redis, bounded and read only, and what they say of each queue."""

import json
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from exporter import keys
from exporter.connection.topology import Links, Topology
from exporter.connection.wire import ReplyError, WireError, deadline_in, pack
from exporter.discovery import Candidate
from exporter.keys import QueueName, label
from exporter.reading import epoch_seconds
from exporter.settings import TargetSettings
from exporter.walk import ScanBudget, Walk
from planner.errors import BadInput
from planner.fit.attempts import buckets_of, observe_attempts
from planner.fit.observed import Observed, Payload
from planner.replay.trace import Attempt

PAGE = 500
SIZES = 200
# SCAN may take this part of the server's time.
SCAN_SHARE = 0.1
# With fewer kept of those added, the id counter tells the rate, and the gaps between kept jobs tell nothing.
KEPT_SHARE = 0.95
_FIELDS = ("timestamp", "delay", "opts", "processedOn", "finishedOn", "attemptsMade", "atm")
_ABSENT = {
    "service": "no completed job is kept (removeOnComplete): the exporter or a trace would tell it",
    "crowded": "Redis does not hold it, and the clocks of workers differ",
    "payload": "no size could be read: HSTRLEN is refused or no data is kept",
    "intervals": "most jobs are not kept: the exporter or a trace would tell it",
}


@dataclass(frozen=True, slots=True)
class KeptJob:
    """A finished job, times in epoch seconds by the clocks of producer and worker."""

    id: bytes
    outcome: str
    ready: float
    started: float
    ended: float
    attempts: int


class Kept:
    """Reads the kept jobs of queues through one connection a server. Raises WireError."""

    def __init__(self, links: Links, timeout_seconds: float) -> None:
        self._links = links
        self._timeout = timeout_seconds

    def queues(self, prefixes: Sequence[bytes], stop: threading.Event) -> list[QueueName]:
        """Every queue of the prefixes, found by one walk over the keys."""
        found: set[QueueName] = set()
        for wire in self._links.wires:
            refused = wire.call("SCAN", "0", "COUNT", "1", deadline=deadline_in(self._timeout))
            if isinstance(refused, ReplyError):
                raise WireError(f"SCAN: {refused}; name the queues with --queue")
            budget = ScanBudget(SCAN_SHARE)
            walk = Walk(wire, keys.scan_pattern(tuple(prefixes)), budget, 3600.0)
            done = False
            while not done:
                step = walk.step(deadline_in(self._timeout), with_clock=False)
                if step is None:
                    stop.wait(max(0.01, budget.seconds_until_ready()))
                    continue
                names, done = step
                owners = (keys.queue_of_key(key, tuple(prefixes)) for key in names)
                found |= {owner[0] for owner in owners if owner is not None}
        return sorted(name for name in found if not keys.is_nested(name, found))

    def source(self, queue: QueueName) -> str | None:
        """`stream` for BullMQ, `pubsub` for Bull, None where there is no such queue."""
        return Candidate.source(self._exchange(queue, Candidate.packed(queue), Candidate.REQUESTS))

    def newest(self, queue: QueueName, state: bytes, most: int) -> tuple[list[bytes], bool]:
        """Ids of the jobs that finished last, and whether there are more than these."""
        packed = pack(("ZRANGE", queue.key(state), -most, -1)) + pack(("ZCARD", queue.key(state)))
        ids, count = self._exchange(queue, packed, 2)
        for reply in (ids, count):
            if isinstance(reply, ReplyError):
                raise WireError(f"{label(queue.key(state))}: {reply}")
        return ids, count > len(ids)

    def hashes(self, queue: QueueName, ids: Sequence[bytes]) -> Iterator[tuple[bytes, list[Any]]]:
        for first in range(0, len(ids), PAGE):
            page = ids[first : first + PAGE]
            packed = b"".join(pack(("HMGET", queue.key(job), *_FIELDS)) for job in page)
            for job, fields in zip(page, self._exchange(queue, packed, len(page)), strict=True):
                if isinstance(fields, ReplyError):
                    raise WireError(f"{label(queue.key(job))}: HMGET: {fields}")
                yield job, fields

    def sizes(self, queue: QueueName, ids: Sequence[bytes]) -> list[float]:
        """Bytes of the data of some of the jobs; the data itself is not read."""
        some = ids[:: max(1, len(ids) // SIZES)]
        packed = b"".join(pack(("HSTRLEN", queue.key(job), "data")) for job in some)
        replies = self._exchange(queue, packed, len(some)) if some else []
        return [float(size) for size in replies if isinstance(size, int) and size > 0]

    def _exchange(self, queue: QueueName, packed: bytes, count: int) -> list[Any]:
        wire = self._links.wires[self._links.owner(queue.base + b":")]
        return wire.exchange(packed, count, deadline_in(self._timeout))


def observe_redis(settings: TargetSettings, most: int, timeout: float) -> tuple[str, list[Observed]]:
    """The address without secrets, and what the kept jobs of each queue say. Raises BadInput."""
    topology = Topology(settings.redis)
    links = Links(topology, "planner")
    try:
        for _ in links.connect(deadline_in(timeout)):
            pass
        if not links.is_whole:
            away = ", ".join(wire.address for wire in links.wires if not wire.connected)
            raise WireError(f"the cluster's primary {away} can't be reached, and queues may be there")
        return topology.address, _observed(Kept(links, timeout), topology.address, settings, most)
    except WireError as error:
        raise BadInput(f"--redis {topology.address}: {error}") from None
    finally:
        links.close()


def _observed(kept: Kept, address: str, settings: TargetSettings, most: int) -> list[Observed]:
    prefixes = [keys.to_bytes(prefix) for prefix in settings.prefixes]
    named = [QueueName(prefix, keys.to_bytes(queue)) for prefix in prefixes for queue in settings.queues]
    found = [(name, kept.source(name)) for name in named or kept.queues(prefixes, threading.Event())]
    there = [(name, source) for name, source in found if source is not None]
    if not there:
        what = f"no queue {', '.join(map(repr, settings.queues))}" if settings.queues else "no queue"
        raise BadInput(f"--redis {address}: {what} with prefix {', '.join(settings.prefixes)}")
    return [observe_kept(kept, name, source == "stream", most) for name, source in there]


def observe_kept(kept: Kept, queue: QueueName, is_bullmq: bool, most: int) -> Observed:
    """What the kept jobs of one queue say: those that finished since the oldest one that was read in both states."""
    completed, more_completed = kept.newest(queue, b"completed", most)
    failed, more_failed = kept.newest(queue, b"failed", most)
    done = [job for job in _jobs(kept, queue, completed, "completed", is_bullmq) if job is not None]
    lost = [job for job in _jobs(kept, queue, failed, "failed", is_bullmq) if job is not None]
    if not done:
        return Observed(label(queue.prefix), label(queue.name), "redis", 0.0, 0.0, absent=_none_kept(lost))
    since = max(
        [min(job.ended for job in done)] + ([min(j.ended for j in lost)] if more_failed and lost else [])
    )
    jobs = sorted((job for job in (*done, *lost) if job.ended >= since), key=lambda job: job.started)
    sizes = kept.sizes(queue, [job.id for job in jobs])
    bounded = f"only the newest {most:,} of a state are read" if more_completed or more_failed else None
    return _of_jobs(queue, jobs, sizes, bounded)


def _none_kept(failed: Sequence[KeptJob]) -> dict[str, str]:
    beside = f", {len(failed)} failed ones are" if failed else ""
    return {**_ABSENT, "arrivals": f"no completed job is kept{beside}"}


def _jobs(
    kept: Kept, queue: QueueName, ids: Sequence[bytes], outcome: str, is_bullmq: bool
) -> Iterator[KeptJob | None]:
    for job, fields in kept.hashes(queue, ids):
        yield kept_job(job, fields, outcome, is_bullmq)


def kept_job(job: bytes, fields: list[Any], outcome: str, is_bullmq: bool) -> KeptJob | None:
    """A job from its hash; None when it was never started, or a time is missing."""
    created, delay, options, started, finished, made, ended_attempts = fields
    started_at, ended_at = epoch_seconds(started), epoch_seconds(finished)
    number = _attempts(made, ended_attempts, outcome, is_bullmq)
    ready_at = epoch_seconds(created, _delay_milliseconds(options, delay if number == 1 else None))
    if started_at is None or ended_at is None or ready_at is None or ended_at < started_at:
        return None
    return KeptJob(job, outcome, min(ready_at, started_at), started_at, ended_at, number)


def _delay_milliseconds(options: bytes | None, delay: bytes | None) -> float:
    """The job's own delay: from its options, where a back-off has one too; else `delay`, the back-off after a retry."""
    try:
        written = json.loads(options or b"{}").get("delay")
        return float(written if written is not None else delay or 0.0)
    except (ValueError, TypeError, AttributeError):
        return 0.0


def _attempts(made: bytes | None, ended: bytes | None, outcome: str, is_bullmq: bool) -> int:
    """BullMQ 5 and later count attempts in `atm`, earlier ones in `attemptsMade`; Bull counts failures there."""
    if ended is not None and ended.isdigit():
        return max(1, int(ended))
    number = int(made) if made is not None and made.isdigit() else 0
    return max(1, number if is_bullmq or outcome == "failed" else number + 1)


def _of_jobs(
    queue: QueueName, jobs: Sequence[KeptJob], sizes: Sequence[float], bounded: str | None
) -> Observed:
    attempts = [Attempt(label(j.id), 1, j.ready, j.started, j.ended, j.outcome) for j in jobs]
    seen = observe_attempts(label(queue.name), attempts, "redis", label(queue.prefix), _ABSENT)
    first = np.array([job.started - job.ready for job in jobs if job.attempts == 1])
    doubts = [
        "only kept jobs are seen: what removeOnComplete or removeOnFail deleted is not",
        *([bounded] if bounded else []),
    ]
    if any(job.attempts > 1 for job in jobs):
        doubts.append("of a job that was tried again only the last attempt's duration is kept")
    seen = replace(
        seen,
        requeued={"delayed": float(sum(job.attempts - 1 for job in jobs))},
        attempts_most=max(job.attempts for job in jobs if job.outcome == "failed" or not seen.failed),
        waits=buckets_of(first),
        active_most=None,
        payload=Payload(len(sizes), sum(sizes)) if sizes else None,
        doubts=tuple(doubts),
    )
    return _by_counter(seen, jobs)


def _by_counter(seen: Observed, jobs: Sequence[KeptJob]) -> Observed:
    """Where most jobs are not kept, their ids tell how many were added between the first and the last."""
    numbered = [(int(job.id), job.ready) for job in jobs if job.id.isdigit()]
    if len(numbered) < len(jobs) or len(jobs) < 2:
        return seen
    (low, begin), (high, end) = min(numbered), max(numbered)
    added = high - low + 1
    if len(jobs) >= KEPT_SHARE * added or end <= begin:
        return seen
    doubt = f"{len(jobs):,} of {added:,} jobs added are kept: the rate is that of the id counter, duplicates included"
    return replace(
        seen, arrivals=float(added - 1), seconds=end - begin, start=begin, steps=None, intervals=None,
        interval_sample=None, doubts=(*seen.doubts, doubt),
    )  # fmt: skip
