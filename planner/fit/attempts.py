"""Knows what a list of attempts says of a queue: its arrivals, services, failures, delays and most jobs at once."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from exporter import catalogue
from planner.fit.observed import Buckets, Observed, Steps, Sums
from planner.laws.named import Vector
from planner.replay.slots_used import slots_used
from planner.replay.trace import Attempt

# Steps that divide an hour; the smallest is taken that leaves at most so many.
STEP_SECONDS = (1.0, 5.0, 10.0, 60.0, 300.0, 900.0, 3600.0)
MOST_STEPS = 20_000
# Attempts of half a trace at least, standard errors, and part of the mean, before its halves are told apart.
FEW_TO_DRIFT, SURE_OF_DRIFT, DRIFT = 50, 5.0, 0.1
NOT_IN_TRACE = {
    "payload": "a trace holds no sizes: the exporter samples them",
    "workers": "a trace does not tell the workers: the exporter counts them",
}

_ABSENT = {
    "arrivals": "no first attempt of a job is in the trace",
    "failed": "the trace has no outcome: what `bullgauge-exporter record` writes has it, and the exporter counts it",
}


def observe_attempts(
    queue: str,
    attempts: Sequence[Attempt],
    source: str = "trace",
    prefix: str = "",
    absent: Mapping[str, str] | None = None,
) -> Observed:
    """What the attempts of one queue tell; they are in order of their starts."""
    first = [attempt for attempt in attempts if attempt.number == 1]
    arrived = arrivals_of(attempts)
    begin, end = _span(attempts, arrived)
    services = np.array([attempt.ended - attempt.started for attempt in attempts])
    waits = np.array([a.started - a.ready for a in first if a.ready is not None])
    outcomes = Counter(attempt.outcome for attempt in attempts if attempt.outcome)
    intervals = np.diff(arrived)
    return Observed(
        prefix,
        queue,
        source,
        begin,
        end - begin,
        # The first arrival opens the span: what arrived within it are the others.
        arrivals=float(len(intervals)) if len(arrived) else None,
        steps=steps_of(arrived, begin, end),
        intervals=_sums(intervals),
        interval_sample=intervals,
        service=_sums(services),
        service_sample=services,
        durations=buckets_of(services),
        waits=buckets_of(waits),
        completed=float(outcomes["completed"]) if outcomes else None,
        failed=float(outcomes["failed"]) if outcomes else None,
        requeued={"delayed": float(outcomes["requeued"])} if outcomes else None,
        attempts_most=_attempts_most(attempts),
        retry_delays=retry_delays(attempts),
        active=float(services.sum() / (end - begin)) if end > begin else None,
        active_most=float(slots_used(attempts)),
        absent={**_ABSENT, **(absent or NOT_IN_TRACE)},
        doubts=_doubts(attempts, first),
    )


def arrivals_of(attempts: Sequence[Attempt]) -> Vector:
    """When each job became ready for its first attempt, in order; its start where that is unknown."""
    moments = [a.started if a.ready is None else a.ready for a in attempts if a.number == 1]
    return np.sort(np.array(moments, dtype=float))


def _span(attempts: Sequence[Attempt], arrived: Vector) -> tuple[float, float]:
    """From the first arrival to the last: before and after it nobody knows whether more came."""
    if len(arrived):
        return float(arrived[0]), float(arrived[-1])
    return attempts[0].started, max(attempt.ended for attempt in attempts)


def steps_of(arrived: Vector, begin: float, end: float) -> Steps | None:
    """Counts of whole steps, aligned to the hour; the parts at both ends are left out."""
    step = next((s for s in STEP_SECONDS if (end - begin) / s <= MOST_STEPS), STEP_SECONDS[-1])
    start, stop = np.ceil(begin / step) * step, np.floor(end / step) * step
    if stop <= start:
        return None
    number = round((stop - start) / step)
    inside = arrived[(arrived >= start) & (arrived < stop)]
    counts = np.bincount(((inside - start) // step).astype(int), minlength=number)[:number]
    return Steps(float(start), step, counts.astype(float))


def _sums(values: Vector) -> Sums:
    return Sums(len(values), float(values.sum()), float((values**2).sum()))


def buckets_of(values: Vector) -> Buckets:
    """In the exporter's buckets."""
    edges = (*catalogue.JOB_WAIT.buckets, float("inf"))
    place = np.searchsorted(edges, values, side="left")
    return Buckets(edges, tuple(map(float, np.bincount(place, minlength=len(edges)))))


def _attempts_most(attempts: Sequence[Attempt]) -> int:
    """Of jobs that failed for good, else of any job."""
    failed = [attempt.number for attempt in attempts if attempt.outcome == "failed"]
    return max(failed or [attempt.number for attempt in attempts])


def retry_delays(attempts: Sequence[Attempt]) -> tuple[Vector, ...]:
    """Seconds from the end of an attempt to when the next was ready, by the number of the failure (from 0)."""
    ended: dict[tuple[str, int], float] = {(a.job, a.number): a.ended for a in attempts}
    found: dict[int, list[float]] = {}
    for attempt in attempts:
        before = ended.get((attempt.job, attempt.number - 1))
        if attempt.number > 1 and before is not None and attempt.ready is not None:
            found.setdefault(attempt.number - 2, []).append(max(0.0, attempt.ready - before))
    return tuple(np.array(found.get(number, ())) for number in range(max(found, default=-1) + 1))


def _doubts(attempts: Sequence[Attempt], first: Sequence[Attempt]) -> tuple[str, ...]:
    found = []
    unready = sum(attempt.ready is None for attempt in first)
    if unready:
        found.append(
            f"{unready:,} of {len(first):,} jobs have no ready time: taken to arrive when they started"
        )
    jobs = len({attempt.job for attempt in attempts})
    if jobs > len(first):
        found.append(
            f"{jobs - len(first):,} of {jobs:,} jobs were met in a later attempt: no arrival of theirs"
        )
    unended = sum(not attempt.outcome for attempt in attempts)
    if 0 < unended < len(attempts):
        found.append(
            f"{unended:,} of {len(attempts):,} attempts have no outcome: the ratios of failures are of the others"
        )
    return (*found, *_about_drift(attempts))


def _about_drift(attempts: Sequence[Attempt]) -> list[str]:
    """Whether work took longer in one half of the trace: one law for both foretells neither."""
    services = np.array([attempt.ended - attempt.started for attempt in attempts])
    before, after = np.array_split(services, 2)
    if len(after) < FEW_TO_DRIFT:
        return []
    spread = np.sqrt(before.var() / len(before) + after.var() / len(after))
    first, second = float(before.mean()), float(after.mean())
    if abs(second - first) <= max(SURE_OF_DRIFT * spread, DRIFT * min(first, second)):
        return []
    return [
        f"work took {first:.3g} s on average in the first half of the trace and {second:.3g} s in the second: one law "
        "for both foretells neither; fit the part that is like what will come, or replay"
    ]
