"""Knows what a queue is asked to do: how jobs arrive, how long they take, how they fail, how long they
wait.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from planner.bull_options import JobOptions, Stalls
from planner.laws.arrivals import Arrivals
from planner.laws.named import IoThenCpu, Law
from planner.simulation.crashes import CrashedLife, crashed_life


@dataclass(frozen=True, slots=True)
class Retries:
    """Each attempt fails with `failure_ratio`; the job comes back to the tail after a delay, `attempts`
    times in all.

    `jitter` takes up to that share off the delay at random, as BullMQ's back-off does.
    """

    failure_ratio: float
    attempts: int
    delay_seconds: float
    backoff: Literal["fixed", "exponential", "bull_exponential"] = "fixed"
    jitter: float = 0.0

    @property
    def mean_attempts(self) -> float:
        """Attempts a job takes on average."""
        if self.failure_ratio == 1.0:
            return float(self.attempts)
        return (1.0 - self.failure_ratio**self.attempts) / (1.0 - self.failure_ratio)

    @property
    def final_failure_ratio(self) -> float:
        return self.failure_ratio**self.attempts

    @property
    def mean_delays(self) -> float:
        """Seconds that a job waits for its next attempts on average, all of them together."""
        return sum(
            self.failure_ratio**failure * self.delay_after(failure) * (1.0 - self.jitter / 2.0)
            for failure in range(1, self.attempts)
        )

    def of_bull(self) -> "Retries":
        """The same as Bull 3 and 4 take it."""
        return replace(self, backoff="bull_exponential") if self.backoff == "exponential" else self

    def delay_after(self, failure: int) -> float:
        """Seconds before the next attempt after failure number `failure` (from 1), without jitter."""
        if self.backoff == "fixed":
            return self.delay_seconds
        # BullMQ doubles the delay; Bull 3 and 4 take delay·(2**k - 1).
        factor = 2.0 ** (failure - 1) if self.backoff == "exponential" else 2.0**failure - 1.0
        return self.delay_seconds * factor


@dataclass(frozen=True, slots=True)
class Life:
    """What becomes of a job on average: its starts, those that stall, and the chance that it fails in the end."""

    starts: float
    stalls: float
    failed: float


@lru_cache(maxsize=256)
def life(retries: Retries | None, stalls: Stalls | None) -> Life:
    """A stall is no attempt: it counts against `maxStalledCount`, a failure against `attempts`."""
    fails, attempts = (retries.failure_ratio, retries.attempts) if retries else (0.0, 1)
    if stalls is None:
        return (
            Life(retries.mean_attempts, 0.0, retries.final_failure_ratio) if retries else Life(1.0, 0.0, 0.0)
        )
    coming = [1.0] + [0.0] * stalls.most  # by the stalls so far
    starts = ended_by_stall = 0.0
    for _ in range(attempts):
        tried: list[float] = []
        for chance in coming:
            tried.append(chance + (stalls.ratio * tried[-1] if tried else 0.0))
        starts += sum(tried)
        ended_by_stall += stalls.ratio * tried[-1]
        coming = [fails * (1.0 - stalls.ratio) * chance for chance in tried]
        if sum(coming) < 1e-15:
            break
    return Life(starts, stalls.ratio * starts, ended_by_stall + sum(coming))


@dataclass(frozen=True, slots=True)
class Workload:
    """What arrives. `patience` is the time after which a waiting job (or a caller of a pool) gives up."""

    arrivals: Arrivals
    service: Law | IoThenCpu
    retries: Retries | None = None
    patience: Law | None = None
    sample_size: int | None = None
    options: JobOptions | None = None

    @property
    def crashed(self) -> CrashedLife | None:
        """What becomes of a job where processes crash."""
        crashes = self.options.crashes if self.options else None
        if crashes is None or isinstance(self.service, IoThenCpu):
            return None
        fails, attempts = (self.retries.failure_ratio, self.retries.attempts) if self.retries else (0.0, 1)
        return crashed_life(self.service, crashes, fails, attempts)  # type: ignore[arg-type]  # laws are frozen

    @property
    def life(self) -> Life:
        if (crashed := self.crashed) is not None:
            return Life(crashed.starts, crashed.stalls, crashed.failed)
        return life(self.retries, self.options.stalls if self.options else None)

    @property
    def jobs_per_second(self) -> float:
        """Jobs that come, the children of those that arrive as parents included."""
        return self.arrivals.per_second * (self.options.jobs_per_add if self.options else 1.0)

    @property
    def attempts_per_second(self) -> float:
        """Starts a second: first attempts, retries and those after a stall together."""
        return self.jobs_per_second * self.life.starts

    @property
    def hold_seconds(self) -> float:
        """How long a start takes a slot away on average; one that stalls is half way through its work. Where processes
        crash it takes it from those that are there.
        """
        if self.options and self.options.crashes and (crashed := self.crashed) is not None:
            return crashed.held_seconds / crashed.starts / self.options.crashes.up_share
        stalls = self.options.stalls if self.options else None
        if stalls is None:
            return self.service.mean
        return (1.0 - stalls.ratio / 2.0) * self.service.mean + stalls.ratio * stalls.restart_seconds

    @property
    def offered_load(self) -> float:
        """Slots that would be busy on average if there were always a free one (Erlangs)."""
        return self.attempts_per_second * self.hold_seconds
