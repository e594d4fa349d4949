"""This file knows the planner's file of the demo's queues: slots, load and work in the demo's own time."""

import json

from exporter.demo.load import MEAN_JOBS_PER_HOUR, QUEUES, SERVICE_SCV, SPEED, DemoQueue

# The report's block of thresholds, as it stands. The demo's waits are a tenth of life's, the bounds are not.
THRESHOLDS = """\
queue_processing_latency:
  warning: 750ms
  critical: 1500ms

queue_throughput:
  warning: <8000 jobs/hour
  critical: <5000 jobs/hour

redis_connection_utilization:
  warning: >85%
  critical: >95%

job_failure_rate:
  warning: >2%
  critical: >5%
"""

DEMO_NOTE = (
    f"Demo: real jobs that run {SPEED:g} times as fast as life. Rates are {SPEED:g} times life's; waits and work a "
    f"{SPEED:g}th."
)


def plan_text() -> str:
    """The file; the load is the mean of the day, schedulers included."""
    lines = [f"# The demo's queues, in its own time, which runs {SPEED:g} times as fast as life.", "queues:"]
    return "\n".join([*lines, *(_entry(queue) for queue in QUEUES), "", THRESHOLDS])


def _entry(queue: DemoQueue) -> str:
    weights = [job_type.share for job_type in queue.job_types]
    means = [job_type.service_seconds for job_type in queue.job_types]
    total = sum(weights)
    mean = sum(weight * one for weight, one in zip(weights, means, strict=True)) / total
    square = sum(weight * one**2 for weight, one in zip(weights, means, strict=True)) / total
    scv = square * (1 + SERVICE_SCV) / mean**2 - 1
    scheduled = 3600 / queue.every_seconds if queue.every_seconds else 0.0
    fields = {
        "name": queue.name,
        "slots": queue.slots,
        "jobs_per_hour": round((MEAN_JOBS_PER_HOUR * total + scheduled) * SPEED, 1),
        "service": {"law": "lognormal", "mean": round(mean / SPEED, 6), "scv": round(scv, 4)},
    }
    return f"  - {json.dumps(fields)}"
