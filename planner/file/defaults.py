"""Knows what is taken where a file of queues is silent; every default taken is named in the answer."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AssumedQueue:
    """The part of all jobs that a queue of the report gets, and the mean of its service time."""

    share: float
    service_seconds: float


# The report's target, and its assumed mix; what the mix leaves goes to the three queues it does not tell of.
JOBS_PER_HOUR = 10_000.0
_REST = AssumedQueue(0.1 / 3, 1.0)
MIX = {
    "email": AssumedQueue(0.30, 0.8),
    "notifications": AssumedQueue(0.40, 0.25),
    "external-api-coordination": AssumedQueue(0.15, 2.0),
    "reports": AssumedQueue(0.03, 20.0),
    "route-optimization": AssumedQueue(0.02, 12.0),
    "data-sync": _REST,
    "cleanup": _REST,
    "analytics": _REST,
}
SERVICE_SECONDS = 1.0
OBJECTIVE = {"p95_wait": "750ms"}

# Redis commands: a job's scripts and the application's own reads; the report's target for one command.
COMMANDS_PER_JOB = 10.0
COMMAND_SECONDS = 0.005
