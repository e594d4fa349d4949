"""Knows what serves a queue: slots, the processes they live in, and the limits around them."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from planner.bull_options import Pause


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most `max` starts in a window; a window opens at the first start after the last one expired."""

    max: int
    window_seconds: float

    @property
    def per_second(self) -> float:
        return self.max / self.window_seconds


@dataclass(frozen=True, slots=True)
class Fleet:
    """`slots` jobs at a time in all, evenly over `processes`; each process has one event loop of `cores`
    cores.

    `places` is the room in the system, slots included; a job that finds it full is lost. `global_concurrency` is how
    many may work at a time over all processes. `cpu_seconds` are those of a core that one attempt takes: they bound
    what a process does. Slots that share cores have them in the law of their service instead.
    """

    slots: int
    processes: int = 1
    cores: float = 1.0
    places: int | None = None
    rate_limit: RateLimit | None = None
    pause: Pause | None = None
    global_concurrency: int | None = None
    cpu_seconds: float | None = None

    @property
    def at_work(self) -> "Fleet":
        """The fleet with no more slots than may work at a time."""
        most = self.global_concurrency
        return self if most is None or most >= self.slots else replace(self, slots=most)

    @property
    def seats(self) -> NDArray[np.int64]:
        """The first slot of each process, and one more; the first processes are the larger ones."""
        share, extra = divmod(self.slots, self.processes)
        return share * np.arange(self.processes + 1) + np.minimum(np.arange(self.processes + 1), extra)

    @property
    def concurrency(self) -> int:
        """Slots of the largest process."""
        return -(-self.slots // self.processes)
