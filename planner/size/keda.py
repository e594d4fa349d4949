"""Knows KEDA ScaledObjects: replicas by what arrives and what waits, as the exporter tells it, and by the clock.

keda.sh, Scaling Deployments; Prometheus and Cron scalers: replicas are the value of the query divided by `threshold`,
and the largest of all triggers counts.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from exporter.catalogue import ADDED, SIZE
from planner.file.budget_words import KedaWords
from planner.size.schedule import Shift

# Seconds between two looks, and seconds of calm before the last replica may go.
POLLING, COOLDOWN = 15, 300
_STATES = "waiting|prioritized"
DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Scaled:
    """What one queue's workers scale by: replicas of `concurrency` slots, each good for `jobs_per_second`."""

    queue: str
    concurrency: int
    jobs_per_second: float
    fewest: int
    most: int
    shifts: Sequence[Shift] = ()


def scaled_object(one: Scaled, words: KedaWords) -> dict[str, Any]:
    """The object, as Kubernetes takes it."""
    deployment = words.deployment.replace("{queue}", one.queue)
    metadata: dict[str, Any] = {"name": deployment}
    if words.namespace is not None:
        metadata["namespace"] = words.namespace
    return {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledObject",
        "metadata": metadata,
        "spec": {
            "scaleTargetRef": {"name": deployment},
            "minReplicaCount": one.fewest,
            "maxReplicaCount": one.most,
            "pollingInterval": POLLING,
            "cooldownPeriod": COOLDOWN,
            "triggers": [_by_load(one, words), *_by_clock(one, words)],
        },
    }


def query(queue: str, words: KedaWords) -> str:
    """Jobs a second to be done: what arrives, and what waits spread over the drain time.

    Several exporters on one Redis count the same jobs, so the largest of them counts.
    """
    labels = {"job": words.job, "prefix": words.prefix, "queue": queue}
    chosen = ", ".join(f"{name}={json.dumps(value)}" for name, value in labels.items())
    arriving = f"sum(max without (instance, pod) (rate({ADDED.name}{{{chosen}}}[2m])))"
    waiting = f'sum(max without (instance, pod) ({SIZE.name}{{{chosen}, state=~"{_STATES}"}}))'
    return f"{arriving} + {waiting} / {words.drain:g}"


def _by_load(one: Scaled, words: KedaWords) -> dict[str, Any]:
    metadata = {
        "serverAddress": words.prometheus,
        "query": query(one.queue, words),
        "threshold": f"{one.jobs_per_second:.4g}",
        # Without the exporter the load is not known; it is not 0.
        "ignoreNullValues": "false",
    }
    return {"type": "prometheus", "metadata": metadata}


def _by_clock(one: Scaled, words: KedaWords) -> Iterator[dict[str, Any]]:
    """The busier shifts, begun in time, neighbours with as many replicas in one; the rate is that of a day."""
    for replicas, alike in groupby(one.shifts, key=lambda shift: -(-shift.slots // one.concurrency)):
        shifts = list(alike)
        if replicas > one.fewest:
            metadata = {
                "timezone": words.timezone,
                "start": _cron(shifts[0].begins),
                "end": _cron(shifts[-1].ends),
                "desiredReplicas": str(replicas),
            }
            yield {"type": "cron", "metadata": metadata}


def _cron(seconds: float) -> str:
    minutes = round(seconds % DAY / 60)
    return f"{minutes % 60} {minutes // 60} * * *"
