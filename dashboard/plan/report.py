"""This file knows the two fleets of the report, today's and the proposed one, as words of the planner's file."""

from collections.abc import Mapping
from typing import Any

# The literals are the report's own (queues, pool, thresholds); the load is its target. Queues that it names without
# a size have Bull's default concurrency of 1. Mix and service times are the planner's assumed ones.
PROPOSED: Mapping[str, Any] = {
    "jobs_per_hour": 10000,
    "queues": [
        {"name": "email", "concurrency": 25, "priority": True, "maxMemoryMB": 512},
        {"name": "reports", "concurrency": 15, "priority": True, "maxMemoryMB": 1024},
        {"name": "notifications", "concurrency": 50, "priority": True, "maxMemoryMB": 256},
        {"name": "route-optimization", "concurrency": 8, "priority": False, "maxMemoryMB": 2048},
        {"name": "external-api-coordination", "concurrency": 30, "priority": True, "maxMemoryMB": 512},
        {"name": "data-sync", "concurrency": 1},
        {"name": "cleanup", "concurrency": 1},
        {"name": "analytics", "concurrency": 1},
    ],
    "today": [
        {"name": "email", "concurrency": 5, "priority": True},
        {"name": "reports", "concurrency": 2, "priority": True},
        {"name": "notifications", "concurrency": 10, "priority": True},
        {"name": "route-optimization", "concurrency": 1, "priority": False},
    ],
    "pool": {
        "queue": {
            "minConnections": 5,
            "maxConnections": 25,
            "acquireTimeoutMs": 10000,
            "idleTimeoutMs": 30000,
        }
    },
    "queue_processing_latency": {"warning": "750ms", "critical": "1500ms"},
    "queue_throughput": {"warning": "<8000 jobs/hour", "critical": "<5000 jobs/hour"},
    "redis_connection_utilization": {"warning": ">85%", "critical": ">95%"},
    "job_failure_rate": {"warning": ">2%", "critical": ">5%"},
}
