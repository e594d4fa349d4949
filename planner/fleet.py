"""Knows what serves a queue: slots, the processes they live in, and the limits around them."""

from dataclasses import dataclass


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

    `places` is the room in the system, slots included; a job that finds it full is lost.
    """

    slots: int
    processes: int = 1
    cores: float = 1.0
    places: int | None = None
    rate_limit: RateLimit | None = None

    @property
    def concurrency(self) -> int:
        """Slots of the largest process."""
        return -(-self.slots // self.processes)
