"""Knows Bull's lists and sets as the libraries keep them, played by SimPy; shares nothing with the planner."""

import bisect
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field

import simpy

Waits = dict[tuple[int, int], float]


@dataclass
class Job:
    """`tries` are (how it ends, seconds of work, seconds until it comes back), where it ends well, badly or stalled."""

    ready: float
    tries: Sequence[tuple[str, float, float]]
    priority: int = 0
    lifo: bool = False
    delayed: bool = False
    parent: int | None = None
    children: int = 0
    done: int = 0
    since: float = 0.0


@dataclass
class Rules:
    """One library's: BullMQ 4 and later has a sorted set of its own for priorities; Bull keeps one list."""

    own_set: bool
    late: bool
    slots: int
    most: int | None = None
    window: float = 0.0
    pauses: Sequence[tuple[float, float]] = ()


@dataclass
class Twin:
    """The state of a queue. The next job to run is the last of `wait`."""

    jobs: list[Job]
    rules: Rules
    env: simpy.Environment = field(default_factory=simpy.Environment)
    wait: list[int] = field(default_factory=list)
    at_head: set[int] = field(default_factory=set)
    prioritized: list[tuple[int, int, int]] = field(default_factory=list)
    delayed: list[tuple[float, int]] = field(default_factory=list)
    waits: Waits = field(default_factory=dict)
    counter: int = 0
    started: int = 0
    window_ends: float = float("-inf")

    def play(self) -> Waits:
        self.bell = self.env.event()
        for number, job in enumerate(self.jobs):
            if not job.children:
                self.env.process(self.comes(number, job))
        for _, end in self.rules.pauses:
            self.env.process(self.rings_at(end))
        for _ in range(self.rules.slots):
            self.env.process(self.worker())
        self.env.run()
        return self.waits

    def ring(self) -> None:
        bell, self.bell = self.bell, self.env.event()
        bell.succeed()

    def rings_at(self, moment: float) -> Generator[simpy.Event, None, None]:
        yield self.env.timeout(max(0.0, moment - self.env.now))
        self.ring()

    def comes(self, number: int, job: Job) -> Generator[simpy.Event, None, None]:
        if job.delayed:
            self.delay(number, job.ready)
            return
        yield self.env.timeout(job.ready)
        self.add(number, head=job.lifo)

    def delay(self, number: int, due: float) -> None:
        bisect.insort(self.delayed, (due, number))
        self.env.process(self.falls_due(due))

    def falls_due(self, due: float) -> Generator[simpy.Event, None, None]:
        yield self.env.timeout(due - self.env.now)
        if not self.rules.late:
            self.promote()
        if not self.limited():
            self.ring()

    def promote(self) -> None:
        while self.delayed and self.delayed[0][0] <= self.env.now:
            due, number = self.delayed.pop(0)
            self.add(number, head=False, since=due, ring=False)

    def add(self, number: int, head: bool, since: float | None = None, ring: bool = True) -> None:
        job = self.jobs[number]
        job.since = self.env.now if since is None else since
        self.counter += 1
        if head:
            self.wait.append(number)
            self.at_head.add(number)
        elif not job.priority:
            self.wait.insert(0, number)
        elif self.rules.own_set:
            bisect.insort(self.prioritized, (job.priority, self.counter, number))
        else:
            self.wait.insert(self.place_of(job.priority), number)
        if ring:
            self.ring()

    def place_of(self, priority: int) -> int:
        """To the left of all that are at the head or have as small a number."""
        place = len(self.wait)
        while place and (
            self.wait[place - 1] in self.at_head or 0 < self.jobs[self.wait[place - 1]].priority <= priority
        ):
            place -= 1
        return place

    def limited(self) -> bool:
        full = self.rules.most is not None and self.started >= self.rules.most
        return full and self.env.now < self.window_ends

    def worker(self) -> Generator[simpy.Event, None, None]:
        while True:
            self.promote()
            if self.limited():
                yield self.env.timeout(self.window_ends - self.env.now)
                continue
            paused = any(begin <= self.env.now < end for begin, end in self.rules.pauses)
            if paused or not (self.wait or self.prioritized):
                yield self.bell
                continue
            number = self.wait.pop() if self.wait else self.prioritized.pop(0)[2]
            self.at_head.discard(number)
            yield from self.work(number, self.jobs[number])

    def work(self, number: int, job: Job) -> Generator[simpy.Event, None, None]:
        if self.env.now >= self.window_ends:
            self.window_ends, self.started = self.env.now + self.rules.window, 0
        self.started += 1
        if self.limited():
            self.ring()  # an idle worker learns at once that it may not ask before the window is over
        self.waits[number, job.done] = self.env.now - job.since
        how, seconds, back = job.tries[job.done]
        job.done += 1
        if how == "stalled":
            self.env.process(self.is_found(number, job, back))
            yield self.env.timeout(seconds)
            return
        yield self.env.timeout(seconds)
        if job.done == len(job.tries):
            self.ends(job)
        elif back:
            self.delay(number, self.env.now + back)
        else:
            self.promote()
            self.add(number, head=job.lifo and not job.priority)

    def is_found(self, number: int, job: Job, after: float) -> Generator[simpy.Event, None, None]:
        yield self.env.timeout(after)
        if job.done == len(job.tries):
            self.ends(job)
        else:
            self.add(number, head=True)

    def ends(self, job: Job) -> None:
        if job.parent is None:
            return
        parent = self.jobs[job.parent]
        parent.children -= 1
        if not parent.children:
            self.add(job.parent, head=not parent.priority)
