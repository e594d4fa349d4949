"""Knows what the exporter's counters and gauges say of a queue, however they were read: from pages or a Prometheus."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from exporter import catalogue as c
from planner.fit.observed import Buckets, Crowded, Observed, Payload, Steps, Sums
from planner.laws.named import Vector

READY_STATES = ("waiting", "paused", "prioritized")
# Calls that added a job may exceed the jobs that became ready by this before it is worth a word.
ADDED_SHARE = 0.05

Labels = tuple[tuple[str, str], ...]
Whose = tuple[Labels, str, str]
"""Target, prefix and queue."""


@dataclass(frozen=True, slots=True, eq=False)
class Gauges:
    """A queue's gauges at moments, NaN where they are absent; all of one length, or empty where never seen."""

    ready: Vector
    active: Vector
    unlocked: Vector
    workers: Vector
    saturated: Vector


@dataclass(slots=True, eq=False)
class Counted:
    """One queue over a span: how much each counter grew in all, what arrived in steps, and gauges at moments."""

    whose: Whose
    source: str
    start: float
    seconds: float
    grown: dict[tuple[str, Labels], float] = field(default_factory=dict)
    steps: Steps | None = None
    gauges: Gauges | None = None
    crowded: tuple[Crowded, ...] | None = None
    """Saturated moments where they are known better than from the gauges."""
    doubts: list[str] = field(default_factory=list)

    def sum(self, name: str, **labels: str) -> float | None:
        """How much a counter grew over all its labels, or those with the given ones; None where it is absent."""
        wanted = set(labels.items())
        found = [
            value
            for (sample, having), value in self.grown.items()
            if sample == name and wanted <= set(having)
        ]
        return float(np.sum(found)) if found else None

    def by(self, name: str, label: str) -> dict[str, float]:
        """How much a counter grew for each value of a label."""
        found: dict[str, float] = {}
        for (sample, having), value in self.grown.items():
            if sample == name and label in dict(having):
                key = dict(having)[label]
                found[key] = found.get(key, 0.0) + value
        return found


def observe(counted: Counted) -> Observed:
    """What the counters of one queue say."""
    target, prefix, queue = counted.whose
    service = _sums(counted, c.JOB_DURATION.name, c.JOB_DURATION_SQUARE.name)
    arrivals, doubts = _arrivals(counted)
    square = counted.sum(c.ARRIVAL_SQUARE.name)
    intervals = Sums(arrivals, counted.seconds, square) if arrivals and square is not None else None
    gauges = counted.gauges
    return Observed(
        prefix,
        queue,
        counted.source,
        counted.start,
        counted.seconds,
        arrivals=arrivals,
        steps=counted.steps,
        intervals=intervals,
        service=service,
        durations=_buckets(counted, c.JOB_DURATION.name),
        waits=_buckets(counted, c.JOB_WAIT.name),
        completed=counted.sum(c.PROCESSED.name, status="completed"),
        failed=counted.sum(c.PROCESSED.name, status="failed"),
        requeued=counted.by(c.REQUEUED.name, "reason") or None,
        workers=_mean(gauges.workers) if gauges else None,
        saturated=_mean(gauges.saturated) if gauges else None,
        active=_mean(gauges.active) if gauges else None,
        active_most=_most(gauges.active) if gauges else None,
        crowded=_crowded(counted),
        payload=_payload(counted),
        lost=counted.sum(c.EVENTS_LOST.name),
        target=dict(target),
        absent=_absent(),
        doubts=(*counted.doubts, *doubts, *_gaps(counted)),
    )


def _arrivals(counted: Counted) -> tuple[float | None, list[str]]:
    """Jobs that became ready: first starts, and by how much the ready ones grew; else the calls that added."""
    started, added = counted.sum(f"{c.JOB_WAIT.name}_count"), counted.sum(c.ADDED.name)
    if started is None:
        doubt = "first starts unknown: arrivals are the calls that added, duplicates included"
        return added, [doubt] if added is not None else []
    arrived = max(0.0, started + _ready_growth(counted))
    if added is not None and added > arrived * (1 + ADDED_SHARE) + 3 * np.sqrt(arrived):
        return arrived, [
            f"{added:,.0f} calls added jobs and {arrived:,.0f} became ready: duplicates, delayed or not seen"
        ]
    return arrived, []


def _ready_growth(counted: Counted) -> float:
    """By how much the ready jobs grew over the steps that are known, as their first starts are of these alone."""
    ready = counted.gauges.ready if counted.gauges else None
    if ready is None or not np.isfinite(ready).any():
        return 0.0
    grown = _grown_in_steps(ready)
    known = np.isfinite(counted.steps.counts) if counted.steps else np.ones(len(grown), dtype=bool)
    return float(grown[known].sum())


def arrived_in_steps(started: Vector, ready: Vector) -> Vector:
    """First starts in each step and by how much the ready jobs grew; `ready` has one moment more than the steps."""
    if not np.isfinite(ready).any():
        return started
    return np.asarray(np.maximum(started + _grown_in_steps(ready), 0.0))


def _grown_in_steps(ready: Vector) -> Vector:
    """Where the ready jobs are unknown for a moment they are taken to change evenly, so that no growth is lost."""
    moments, known = np.arange(len(ready)), np.isfinite(ready)
    return np.asarray(np.diff(np.interp(moments, moments[known], ready[known])))


def _sums(counted: Counted, histogram: str, square: str) -> Sums | None:
    count, seconds = counted.sum(f"{histogram}_count"), counted.sum(f"{histogram}_sum")
    if count is None or seconds is None:
        return None
    return Sums(count, seconds, counted.sum(square))


def _buckets(counted: Counted, histogram: str) -> Buckets | None:
    cumulative = {float(edge): count for edge, count in counted.by(f"{histogram}_bucket", "le").items()}
    edges = sorted(cumulative)
    if not np.isfinite(edges).any():
        return None
    counts = np.diff([0.0, *(cumulative[edge] for edge in edges)])
    return Buckets(tuple(edges), tuple(float(max(count, 0.0)) for count in counts))


def _payload(counted: Counted) -> Payload | None:
    count, total = counted.sum(f"{c.PAYLOAD.name}_count"), counted.sum(f"{c.PAYLOAD.name}_sum")
    if not count or total is None:
        return None
    return Payload(count, total, _buckets(counted, c.PAYLOAD.name))


def _mean(gauge: Vector) -> float | None:
    known = gauge[np.isfinite(gauge)]
    return float(known.mean()) if len(known) else None


def _most(gauge: Vector) -> float | None:
    known = gauge[np.isfinite(gauge)]
    return float(known.max()) if len(known) else None


def _crowded(counted: Counted) -> tuple[Crowded, ...]:
    if counted.crowded is not None:
        return counted.crowded
    return tuple(crowded(counted.gauges)) if counted.gauges else ()


def crowded(gauges: Gauges) -> Iterable[Crowded]:
    """The moments at which every worker was saturated; jobs whose worker is gone hold no slot."""
    for active, unlocked, workers, saturated in zip(
        gauges.active, gauges.unlocked, gauges.workers, gauges.saturated, strict=True
    ):
        held = active - (unlocked if np.isfinite(unlocked) else 0.0)
        if workers > 0 and saturated >= workers and held > 0:
            yield Crowded(float(held), float(workers))


def _gaps(counted: Counted) -> list[str]:
    gaps = counted.sum(c.EVENTS_GAPS.name)
    return [f"events may have been missed {gaps:,.0f} times, how many can't be told"] if gaps else []


def _absent() -> Mapping[str, str]:
    trace = "a trace (bullgauge-exporter record) would tell it"
    return {
        "arrivals": f"no arrival is counted: {c.JOB_WAIT.name} and {c.ADDED.name} are absent",
        "intervals": f"{c.ARRIVAL_SQUARE.name} is absent; {trace}",
        "service": f"no attempt ended: {c.JOB_DURATION.name} is absent or stands still",
        "failed": f"{c.PROCESSED.name} is absent",
        "requeued": f"{c.REQUEUED.name} is absent",
        "payload": f"{c.PAYLOAD.name} is absent or stands still",
    }
