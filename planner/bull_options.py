"""Knows what Bull lets an application ask for each job and each queue, beside retries and the rate limit."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from planner.laws.named import Law, Vector

if TYPE_CHECKING:  # they hold these options
    from planner.fleet import Fleet
    from planner.workload import Workload

# The libraries' own defaults (lockDuration, stalledInterval, maxStalledCount): Bull 3 and 4, BullMQ 1 to 6.
LOCK_SECONDS, CHECK_SECONDS, MOST_STALLS = 30.0, 30.0, 1


@dataclass(frozen=True, slots=True)
class Delayed:
    """The `share` of the jobs that are added with a delay; their wait begins when they are due."""

    share: float
    delay: Law


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Another queue that works on the children: its own jobs, and what serves it."""

    workload: "Workload"
    fleet: "Fleet"


@dataclass(frozen=True, slots=True)
class Children:
    """The `share` of what is added that are parents, each with `count` children in the same queue, or in `queue`.

    `elsewhere` is that other queue, once the file was read (planner/file/flows.py).
    """

    share: float
    count: int
    queue: str | None = None
    elsewhere: Elsewhere | None = None


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
class Crashes:
    """Each process crashes `every_seconds` of its running on average, at any moment alike, with all jobs that it works
    on, and runs again `restart_seconds` later. What befalls the jobs is what befalls a stalled one.
    """

    every_seconds: float
    most: int = MOST_STALLS
    lock_seconds: float = LOCK_SECONDS
    check_seconds: float = CHECK_SECONDS
    restart_seconds: float = 0.0

    @property
    def up_share(self) -> float:
        """Part of the time in which a process runs."""
        return self.every_seconds / (self.every_seconds + self.restart_seconds)


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
    the share of plain jobs added with `lifo: true`. `late_due`: simulation/bull_rules.py knows which library does so.
    """

    priorities: tuple[tuple[int, float], ...] = ()
    lifo: float = 0.0
    delayed: Delayed | None = None
    children: Children | None = None
    stalls: Stalls | None = None
    crashes: Crashes | None = None
    late_due: bool = False

    @property
    def only_priorities(self) -> bool:
        """Whether nothing else is asked for that changes when a job of one attempt starts."""
        rest = (self.delayed, self.children, self.stalls, self.crashes)
        return not self.lifo and all(one is None for one in rest)

    @property
    def jobs_per_add(self) -> float:
        """Jobs for each that arrives: a parent brings its children, unless they are in another queue."""
        here = self.children if self.children and self.children.queue is None else None
        return 1.0 + here.share * here.count if here else 1.0

    def on_clock(self, longer_by: float) -> "JobOptions":
        """The same on a clock whose second is `longer_by` seconds."""
        stalls, crashes = self.stalls, self.crashes
        if stalls is not None:
            stalls = replace(stalls, **_shorter(stalls, longer_by))
        if crashes is not None:
            every = crashes.every_seconds / longer_by
            crashes = replace(crashes, every_seconds=every, **_shorter(crashes, longer_by))
        return replace(self, stalls=stalls, crashes=crashes)


def _shorter(lost: Stalls | Crashes, by: float) -> dict[str, Any]:
    return {name: getattr(lost, name) / by for name in ("lock_seconds", "check_seconds", "restart_seconds")}
