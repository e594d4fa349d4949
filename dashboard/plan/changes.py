"""This file knows what can be turned in a plan, and how the turned plan is written in the planner's words."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from dashboard.plan.document import Document, read
from dashboard.plan.words import faster, longer
from planner.file.defaults import JOBS_PER_HOUR
from planner.file.queue_file import AskedFile, AskedQueue

Entry = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Facts:
    """What can be turned on one queue; as a change, None leaves it as it is."""

    concurrency: int | None = None
    workers: int | None = None
    jobs_per_hour: float | None = None
    service_seconds: float | None = None
    failure_ratio: float | None = None
    attempts: int | None = None

    def other_than(self, given: "Facts") -> "Facts":
        """What differs from `given`."""
        pairs = ((one.name, getattr(self, one.name), getattr(given, one.name)) for one in fields(self))
        return Facts(**{name: mine for name, mine, theirs in pairs if mine != theirs})


NOTHING = Facts()


@dataclass(frozen=True, slots=True)
class Changes:
    """The load of all queues times `load`, single queues by name, the pools, the objective."""

    load: float = 1.0
    queues: tuple[tuple[str, Facts], ...] = ()
    pool_connections: int | None = None
    p95_wait_seconds: float | None = None

    def of(self, name: str) -> Facts:
        return dict(self.queues).get(name, NOTHING)


def facts(queue: AskedQueue, entry: Entry) -> Facts:
    """What a queue of the file has now, defaults included."""
    question = queue.question
    workers = entry.get("workers", 1)
    retries = question.workload.retries
    return Facts(
        concurrency=-(-question.fleet.slots // workers),
        workers=workers,
        jobs_per_hour=question.workload.arrivals.per_second * 3600,
        service_seconds=question.workload.service.mean,
        failure_ratio=retries.failure_ratio if retries else 0.0,
        attempts=retries.attempts if retries else 1,
    )


def changed(document: Document, changes: Changes, before: AskedFile | None = None) -> Document:
    """The file with the changes in it; `before` is it as it was read. Raises BadInput for one that can't be read."""
    if changes == Changes():
        return document
    asked = {queue.name: queue for queue in (before or read(document, "plan")).queues}
    made: dict[str, Any] = copy.deepcopy(dict(document))
    made["queues"] = [
        _changed_queue(entry, facts(asked[entry["name"]], entry), changes.of(entry["name"]))
        for entry in made["queues"]
    ]
    if changes.load != 1.0:
        made = _busier(made, changes.load)
    if changes.pool_connections is not None and made.get("pool"):
        made["pool"] = _with_connections(made["pool"], changes.pool_connections)
    if changes.p95_wait_seconds is not None:
        made["queues"] = [_without(entry, "objectives") for entry in made["queues"]]
        made["objectives"] = {"p95_wait": changes.p95_wait_seconds}
    return made


def _changed_queue(entry: Entry, now: Facts, change: Facts) -> Entry:
    made = dict(entry)
    if change.concurrency is not None or change.workers is not None:
        made = _without(made, "slots", "processes")
        made["concurrency"] = change.concurrency or now.concurrency
        made["workers"] = change.workers or now.workers
    if change.jobs_per_hour is not None:
        made = _with_load(made, change.jobs_per_hour, now.jobs_per_hour or change.jobs_per_hour)
    if change.service_seconds is not None:
        made["service"] = _service(entry, change.service_seconds, now.service_seconds or 1.0)
    if change.failure_ratio is not None or change.attempts is not None:
        made = _with_failures(made, change, now)
    return made


def _with_load(entry: Entry, wanted: float, now: float) -> dict[str, Any]:
    if "arrivals" in entry:
        return {**entry, "arrivals": faster(entry["arrivals"], wanted / now)}
    return {**_without(entry, "share"), "jobs_per_hour": wanted}


def _service(entry: Entry, wanted: float, now: float) -> dict[str, Any]:
    """The queue's own law made longer; where it has none, the exponential one that the planner assumes."""
    if "service" not in entry:
        return {"law": "exponential", "mean": wanted}
    return longer(entry["service"], wanted / now)


def _with_failures(entry: Entry, change: Facts, now: Facts) -> dict[str, Any]:
    ratio = now.failure_ratio if change.failure_ratio is None else change.failure_ratio
    if not ratio:
        return _without(entry, "retries")
    attempts = now.attempts if change.attempts is None else change.attempts
    return {
        **entry,
        "retries": {**entry.get("retries", {}), "failure_ratio": ratio, "attempts": attempts},
    }


def _busier(document: dict[str, Any], load: float) -> dict[str, Any]:
    """Every load of the file times `load`: its total, which queues share, and those that queues have of their own."""
    if "jobs_per_hour" in document or any(
        not {"jobs_per_hour", "arrivals"} & set(entry) for entry in document["queues"]
    ):
        document["jobs_per_hour"] = document.get("jobs_per_hour", JOBS_PER_HOUR) * load
    for which in ("queues", "today"):
        if document.get(which):
            document[which] = [_busier_queue(entry, load) for entry in document[which]]
    return document


def _busier_queue(entry: Entry, load: float) -> Entry:
    if "arrivals" in entry:
        return {**entry, "arrivals": faster(entry["arrivals"], load)}
    return {**entry, "jobs_per_hour": entry["jobs_per_hour"] * load} if "jobs_per_hour" in entry else entry


def _with_connections(pool: Mapping[str, Any], connections: int) -> dict[str, Any]:
    if not all(isinstance(one, Mapping) for one in pool.values()):
        return _one_pool(pool, connections)
    return {name: _one_pool(one, connections) for name, one in pool.items()}


def _one_pool(pool: Mapping[str, Any], connections: int) -> dict[str, Any]:
    least = pool.get("minConnections")
    smaller = {} if least is None else {"minConnections": min(least, connections)}
    return {**pool, "maxConnections": connections, **smaller}


def _without(entry: Entry, *words: str) -> dict[str, Any]:
    return {word: value for word, value in entry.items() if word not in words}
