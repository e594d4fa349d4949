"""This file knows how payload sizes are sampled: HSTRLEN of some newly arrived jobs, never their data."""

import time
from random import Random

from exporter.connection.topology import Links
from exporter.connection.wire import pack
from exporter.following.roster import Followed, Roster


class PayloadSampler:
    """Takes at most so many sizes a second over all queues, spread over the queues that had arrivals."""

    def __init__(self, per_second: int, random: Random) -> None:
        self.enabled = per_second > 0
        self._per_second = per_second
        self._random = random
        self._left = float(per_second)
        self._at = time.monotonic()

    def sample(self, roster: Roster, links: Links, deadline: float) -> None:
        """Read sizes of jobs that arrived since the last call and forget the arrivals."""
        arrived = [followed for followed in roster.followed.values() if followed.lifecycle.arrivals]
        if not arrived:
            return
        now = time.monotonic()
        self._left = min(self._per_second, self._left + (now - self._at) * self._per_second)
        self._at = now
        chosen = self._choose(arrived, int(self._left)) if self.enabled else []
        for followed in arrived:
            followed.lifecycle.arrivals.clear()
        self._left -= len(chosen)
        self._read(chosen, links, deadline)

    def _choose(self, arrived: list[Followed], number: int) -> list[tuple[Followed, bytes]]:
        """One arrival of each queue in turn, in random order, until `number` are chosen."""
        self._random.shuffle(arrived)
        each = max(1, number // len(arrived)) if number else 0
        chosen = []
        for followed in arrived[:number]:
            arrivals = followed.lifecycle.arrivals
            chosen += [(followed, job) for job in self._random.sample(arrivals, min(each, len(arrivals)))]
        return chosen[:number]

    def _read(self, chosen: list[tuple[Followed, bytes]], links: Links, deadline: float) -> None:
        by_wire: dict[int, list[tuple[Followed, bytes]]] = {}
        for followed, job_id in chosen:
            by_wire.setdefault(links.owner(followed.queue.base + b":"), []).append((followed, job_id))
        for wire, jobs in by_wire.items():
            packed = b"".join(
                pack(("HSTRLEN", followed.queue.key(job_id), "data")) for followed, job_id in jobs
            )
            replies = links.wires[wire].exchange(packed, len(jobs), deadline)
            for (followed, _), size in zip(jobs, replies, strict=True):
                # 0: the job is gone already; every job that exists has data.
                if isinstance(size, int) and size > 0:
                    followed.tally.payload_bytes.observe(size)
