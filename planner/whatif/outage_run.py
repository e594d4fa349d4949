"""Knows one run of a queue whose provider is away for a while: Bull's retries, first come first served, from empty."""

import heapq
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from planner.fleet import RateLimit
from planner.laws.named import Law, Vector
from planner.workload import Retries

ARRIVES, LEAVES, WAKES = range(3)
ONCE = Retries(0.0, 1, 0.0)
DRAWN_AT_ONCE = 4096


@dataclass(frozen=True, slots=True)
class Away:
    """The provider is away from `begins` until `ends`: an attempt that starts then fails after its `holds`."""

    begins: float
    ends: float


@dataclass(slots=True)
class Story:
    """What happened, in order of time. `held_back` counts the jobs that wait for a slot or for their next attempt."""

    moments: list[float]
    held_back: list[int]
    starts: list[float]
    failed: int
    first_waits: list[float]


def run(
    arrivals: Vector,
    service: Law,
    fails_after: float | None,
    slots: int,
    retries: Retries,
    limit: RateLimit | None,
    away: Away,
    random: np.random.Generator,
) -> Story:
    """Every job to its end. `fails_after` are seconds until an attempt fails while away, its service's when None."""
    world = _World(slots, retries, limit, away, random)
    world.events = [(float(at), job, ARRIVES, 1) for job, at in enumerate(arrivals)]
    world.arrivals, world.fails_after, world.services = arrivals, fails_after, _drawn(service, random)
    while world.events:
        now, job, kind, attempt = heapq.heappop(world.events)
        world.happen(now, job, kind, attempt)
        world.start_all(now)
        world.story.moments.append(now)
        world.story.held_back.append(len(world.line) + world.delayed)
    return world.story


def _drawn(service: Law, random: np.random.Generator) -> Iterator[float]:
    """One after the other, each attempt its own."""
    while True:
        yield from service.draw(random, DRAWN_AT_ONCE).tolist()


class _World:
    """The state of the run; events are (moment, job, kind, attempt), ties in order of the job."""

    arrivals: Vector
    services: Iterator[float]
    fails_after: float | None

    def __init__(
        self, slots: int, retries: Retries, limit: RateLimit | None, away: Away, random: np.random.Generator
    ) -> None:
        self.slots, self.retries, self.limit, self.away, self.random = slots, retries, limit, away, random
        self.events: list[tuple[float, int, int, int]] = []
        self.line: deque[tuple[int, int]] = deque()
        self.busy = self.delayed = self.started = 0
        self.window_ends = -np.inf
        self.woken = False
        self.story = Story([], [], [], 0, [])

    def happen(self, now: float, job: int, kind: int, attempt: int) -> None:
        if kind == ARRIVES:
            self.delayed -= attempt > 1
            self.line.append((job, attempt))
        elif kind == WAKES:
            self.woken = False
        else:
            self.busy -= 1
            # A failed attempt is told by a negative number.
            if attempt < 0:
                self._failed(now, job, -attempt)

    def _failed(self, now: float, job: int, attempt: int) -> None:
        if attempt >= self.retries.attempts:
            self.story.failed += 1
            return
        delay = self.retries.delay_after(attempt)
        if self.retries.jitter:
            delay *= 1.0 - self.retries.jitter * self.random.random()
        self.delayed += 1
        heapq.heappush(self.events, (now + delay, job, ARRIVES, attempt + 1))

    def start_all(self, now: float) -> None:
        while self.line and self.busy < self.slots and self._allowed(now):
            job, attempt = self.line.popleft()
            self.busy += 1
            self.story.starts.append(now)
            if attempt == 1:
                self.story.first_waits.append(now - float(self.arrivals[job]))
            lost = self.away.begins <= now < self.away.ends
            fails = lost or self.random.random() < self.retries.failure_ratio
            seconds = next(self.services)
            if lost and self.fails_after is not None:
                seconds = self.fails_after
            heapq.heappush(self.events, (now + seconds, job, LEAVES, -attempt if fails else attempt))

    def _allowed(self, now: float) -> bool:
        """Whether the limiter lets one more start; else the line is looked at again when the window is over."""
        if self.limit is None:
            return True
        if now >= self.window_ends:
            self.window_ends, self.started = now + self.limit.window_seconds, 0
        if self.started < self.limit.max:
            self.started += 1
            return True
        if not self.woken:
            self.woken = True
            heapq.heappush(self.events, (self.window_ends, -1, WAKES, 0))
        return False
