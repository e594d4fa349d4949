"""Knows what Bull lets an application ask for each job and each queue, beside retries and the rate limit."""

from dataclasses import dataclass, replace

import numpy as np

from planner.laws import Law, Vector

# The libraries' own defaults (lockDuration, stalledInterval, maxStalledCount): Bull 3 and 4, BullMQ 1 to 6.
LOCK_SECONDS, CHECK_SECONDS, MOST_STALLS = 30.0, 30.0, 1


@dataclass(frozen=True, slots=True)
class Delayed:
    """The `share` of the jobs that are added with a delay; their wait begins when they are due."""

    share: float
    delay: Law


@dataclass(frozen=True, slots=True)
class Children:
    """The `share` of what is added that are parents, each with `count` children in the same queue."""

    share: float
    count: int


@dataclass(frozen=True, slots=True)
class Stalls:
    """Each start loses its worker with chance `ratio`, at any moment of its work alike.

    Its slot is back `restart_seconds` later. The job is found when its lock is over and a check for stalled jobs comes;
    after `most` times the next one is the end of it.
    """

    ratio: float
    most: int = MOST_STALLS
    lock_seconds: float = LOCK_SECONDS
    check_seconds: float = CHECK_SECONDS
    restart_seconds: float = 0.0

    def found_after(self, worked: Vector, until_check: Vector) -> Vector:
        """Seconds from the loss of the worker until the job is found.

        A lock is renewed each half of its duration. `until_check` is how long after the last renewal the first check
        came: it only marks the job, and a later one that finds it marked and without a lock moves it.
        """
        held = worked % (self.lock_seconds / 2.0)
        checks = np.maximum(1.0, np.ceil((self.lock_seconds - until_check) / self.check_seconds))
        return np.asarray(until_check + checks * self.check_seconds - held)


@dataclass(frozen=True, slots=True)
class Pause:
    """Nothing starts from `begins` on for `seconds`, again in every `period`."""

    period: float
    begins: float
    seconds: float

    @property
    def open_share(self) -> float:
        """Part of the time in which jobs may start."""
        return 1.0 - self.seconds / self.period


@dataclass(frozen=True, slots=True)
class JobOptions:
    """What the jobs of a queue are added with, and what befalls them.

    `priorities` are pairs of a value of Bull's `priority` and its share, in order of start; none: all plain. `lifo` is
    the share of plain jobs added with `lifo: true`. `late_due`: planner/bull_rules.py knows which library does so.
    """

    priorities: tuple[tuple[int, float], ...] = ()
    lifo: float = 0.0
    delayed: Delayed | None = None
    children: Children | None = None
    stalls: Stalls | None = None
    late_due: bool = False

    @property
    def only_priorities(self) -> bool:
        """Whether nothing else is asked for that changes when a job of one attempt starts."""
        return not self.lifo and self.delayed is None and self.children is None and self.stalls is None

    @property
    def jobs_per_add(self) -> float:
        """Jobs for each that arrives: a parent brings its children."""
        return 1.0 + self.children.share * self.children.count if self.children else 1.0

    def on_clock(self, longer_by: float) -> "JobOptions":
        """The same on a clock whose second is `longer_by` seconds."""
        if self.stalls is None:
            return self
        times = {
            name: getattr(self.stalls, name) / longer_by
            for name in ("lock_seconds", "check_seconds", "restart_seconds")
        }
        return replace(self, stalls=replace(self.stalls, **times))
