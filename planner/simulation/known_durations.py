"""Knows which mean durations of a job are its waits and what the workload tells: only the waits are left to chance."""

from dataclasses import dataclass

from planner.laws.named import IoThenCpu
from planner.workload import Workload


@dataclass(frozen=True, slots=True)
class Known:
    """The mean is `times` that of the waits named `subject`, and `seconds`."""

    subject: str
    times: float
    seconds: float


def known_beside_waits(subject: str, workload: Workload) -> Known | None:
    """How the mean of `subject` is made up; None where the work itself is left to chance. All jobs must be served."""
    service, retries = workload.service, workload.retries
    if isinstance(service, IoThenCpu):
        return None
    if retries is None:
        return Known("wait", 1.0, service.mean) if subject in ("sojourn", "completion_time") else None
    if subject != "completion_time":
        return None
    attempts = retries.mean_attempts
    return Known("wait_per_attempt", attempts, attempts * service.mean + retries.mean_delays)
