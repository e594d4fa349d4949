"""Knows Bull's lists and sets as the libraries keep them, played by SimPy; shares nothing with the planner."""

import bisect
import math
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
    crashes: int = 0


@dataclass
class Rules:
    """One library's: BullMQ 4 and later has a sorted set of its own for priorities; Bull keeps one list."""

    own_set: bool
    late: bool
    slots: int
    most: int | None = None
    window: float = 0.0
    pauses: Sequence[tuple[float, float]] = ()
    crashes: "Crashes | None" = None


@dataclass
class Crashes:
    """When which process crashes; `slots` of each. Stalled jobs are looked for at `phase` and each `check` after."""

    slots: Sequence[int]
    times: Sequence[tuple[float, int]]
    restart: float
    most: int
    lock: float
    check: float
    phase: float


@dataclass
class Lock:
    """A job at work: when its lock was first taken, when its worker was lost, and when a check last marked it."""

    taken: float
    lost: float = math.inf
    marked: float = -math.inf


@dataclass
class Twin:
    """The state of a queue. The next job to run is the last of `wait`. Parents are in the queue `above`, if given."""

    jobs: list[Job]
    rules: Rules
    env: simpy.Environment = field(default_factory=simpy.Environment)
    above: "Twin | None" = None
    wait: list[int] = field(default_factory=list)
    at_head: set[int] = field(default_factory=set)
    prioritized: list[tuple[int, int, int]] = field(default_factory=list)
    delayed: list[tuple[float, int]] = field(default_factory=list)
    waits: Waits = field(default_factory=dict)
    counter: int = 0
    started: int = 0
    window_ends: float = float("-inf")
    again: list[tuple[int, float]] = field(default_factory=list)
    locks: dict[int, Lock] = field(default_factory=dict)
    idle: list[int] = field(default_factory=list)
    left: int = 0

    def play(self) -> Waits:
        self.begin()
        self.env.run(self.all_ended if self.rules.crashes else None)
        return self.waits

    def begin(self) -> None:
        self.bell, self.all_ended, self.left = self.env.event(), self.env.event(), len(self.jobs)
        for number, job in enumerate(self.jobs):
            if not job.children:
                self.env.process(self.comes(number, job))
        for _, end in self.rules.pauses:
            self.env.process(self.rings_at(end))
        crashes = self.rules.crashes
        self.idle = list(crashes.slots) if crashes else [self.rules.slots]
        hands = [
            [self.env.process(self.hand(process)) for _ in range(slots)]
            for process, slots in enumerate(self.idle)
        ]
        self.back = [self.env.event() for _ in self.idle]
        if crashes:
            self.env.process(self.checker(crashes))
            for moment, process in crashes.times:
                self.env.process(self.crashes_at(moment, process, hands[process], crashes))

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

    def hand(self, process: int) -> Generator[simpy.Event, None, None]:
        """A slot: works until its process crashes, and again when it is back."""
        while True:
            try:
                yield from self.worker(process)
            except simpy.Interrupt:
                yield self.back[process]

    def crashes_at(
        self, moment: float, process: int, hands: Sequence[simpy.Process], crashes: Crashes
    ) -> Generator[simpy.Event, None, None]:
        yield self.env.timeout(moment)
        self.idle[process] = 0
        for hand in hands:
            hand.interrupt()
        yield self.env.timeout(crashes.restart)
        self.idle[process] = crashes.slots[process]
        back, self.back[process] = self.back[process], self.env.event()
        back.succeed()

    def checker(self, crashes: Crashes) -> Generator[simpy.Event, None, None]:
        """As moveStalledJobsToWait: what was marked, and has no lock now, goes to wait; then all at work are marked."""
        moment = crashes.phase
        while True:
            yield self.env.timeout(moment - self.env.now)
            for number, lock in sorted(self.locks.items()):
                worked = min(self.env.now, lock.lost) - lock.taken
                renewed = lock.taken + worked // (crashes.lock / 2) * (crashes.lock / 2)
                if lock.marked > renewed and self.env.now >= renewed + crashes.lock:
                    self.is_stalled(number, crashes.most)
                else:
                    lock.marked = self.env.now
            moment += crashes.check

    def is_stalled(self, number: int, most: int) -> None:
        job = self.jobs[number]
        del self.locks[number]
        job.crashes += 1
        job.done -= 1
        if job.crashes > most:
            self.ends(job)
        else:
            self.add(number, head=True)

    def is_first_choice(self, process: int) -> bool:
        """A job goes to the process with most idle slots."""
        return process == self.idle.index(max(self.idle))

    def worker(self, process: int) -> Generator[simpy.Event, None, None]:
        while True:
            self.promote()
            if self.limited():
                yield self.env.timeout(self.window_ends - self.env.now)
                continue
            paused = any(begin <= self.env.now < end for begin, end in self.rules.pauses)
            if paused or not (self.wait or self.prioritized) or not self.is_first_choice(process):
                yield self.bell
                continue
            number = self.wait.pop() if self.wait else self.prioritized.pop(0)[2]
            self.at_head.discard(number)
            self.idle[process] -= 1
            if len(self.idle) > 1:
                self.ring()  # another process may be the first choice now
            yield from self.work(number, self.jobs[number], process)

    def work(self, number: int, job: Job, process: int) -> Generator[simpy.Event, None, None]:
        if self.env.now >= self.window_ends:
            self.window_ends, self.started = self.env.now + self.rules.window, 0
        self.started += 1
        if self.limited():
            self.ring()  # an idle worker learns at once that it may not ask before the window is over
        if (number, job.done) in self.waits:
            self.again.append((number, self.env.now - job.since))
        else:
            self.waits[number, job.done] = self.env.now - job.since
        how, seconds, back = job.tries[job.done]
        job.done += 1
        if how == "stalled":
            self.env.process(self.is_found(number, job, back))
            yield self.env.timeout(seconds)
            self.idle[process] += 1
            return
        self.locks[number] = Lock(self.env.now)
        try:
            yield self.env.timeout(seconds)
        except simpy.Interrupt:
            self.locks[number].lost = self.env.now
            raise
        del self.locks[number]
        self.idle[process] += 1
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
        self.left -= 1
        if not self.left:
            self.all_ended.succeed()
        if job.parent is None:
            return
        there = self.above or self
        parent = there.jobs[job.parent]
        parent.children -= 1
        if not parent.children:
            there.add(job.parent, head=not parent.priority)
