"""Knows what a queue is asked to do: how jobs arrive, how long they take, how they fail, how long they
wait.
"""

from dataclasses import dataclass
from typing import Literal

from planner.arrivals import Arrivals
from planner.laws import IoThenCpu, Law


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

    def delay_after(self, failure: int) -> float:
        """Seconds before the next attempt after failure number `failure` (from 1), without jitter."""
        if self.backoff == "fixed":
            return self.delay_seconds
        # BullMQ doubles the delay; Bull 3 and 4 take delay·(2**k - 1).
        factor = 2.0 ** (failure - 1) if self.backoff == "exponential" else 2.0**failure - 1.0
        return self.delay_seconds * factor


@dataclass(frozen=True, slots=True)
class Workload:
    """What arrives. `patience` is the time after which a waiting job (or a caller of a pool) gives up."""

    arrivals: Arrivals
    service: Law | IoThenCpu
    retries: Retries | None = None
    patience: Law | None = None
    sample_size: int | None = None

    @property
    def attempts_per_second(self) -> float:
        """Arrival rate of first attempts and retries together."""
        return self.arrivals.per_second * (self.retries.mean_attempts if self.retries else 1.0)

    @property
    def offered_load(self) -> float:
        """Slots that would be busy on average if there were always a free one (Erlangs)."""
        return self.attempts_per_second * self.service.mean
