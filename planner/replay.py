"""Knows how a recorded queue would have run on any number of slots: the same jobs, first come first served.

Arrivals, service times and the delays before retries are those of the trace; how quickly slots take jobs up is
drawn from what the trace shows. Nothing is fitted to a law.
"""

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from planner.answers import duration
from planner.laws import Vector
from planner.slots_used import Reaction, reaction, slots_used
from planner.trace import Attempt

SEED = 1
# Fewer jobs than this leave the 95th percentile to a handful.
FEW_JOBS = 200
# An idle slot takes milliseconds; more than this is a pause, a rate limit, or fewer slots than thought.
IDLE_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Job:
    """The attempts of one job: when the first is ready, the delay before each further one, how long each takes."""

    ready: float
    delays: tuple[float, ...]
    services: tuple[float, ...]
    observed_wait: float | None


def jobs_of(attempts: Sequence[Attempt]) -> list[Job]:
    """Jobs in order of the moment they became ready. A ready that is unknown is taken to be the start."""
    by_job: dict[str, list[Attempt]] = {}
    for attempt in attempts:
        by_job.setdefault(attempt.job, []).append(attempt)
    return sorted((_job(sorted(own, key=lambda a: a.started)) for own in by_job.values()), key=_ready)


def _ready(job: Job) -> float:
    return job.ready


def _job(own: list[Attempt]) -> Job:
    first = own[0]
    known = first.number == 1 and first.ready is not None
    readies = [attempt.started if attempt.ready is None else attempt.ready for attempt in own]
    delays = [max(0.0, ready - before.ended) for ready, before in zip(readies[1:], own[:-1], strict=True)]
    services = tuple(attempt.ended - attempt.started for attempt in own)
    return Job(readies[0], tuple(delays), services, first.started - readies[0] if known else None)


def waits(jobs: Sequence[Job], slots: int, reacts: Reaction, random: np.random.Generator) -> Vector:
    """Seconds each job waits for its first start on `slots`. A retry joins the tail when its delay is over."""
    draws = sum(len(job.services) for job in jobs)
    pickups, handovers = _drawn(reacts.pickups, draws, random), _drawn(reacts.handovers, draws, random)
    first = np.zeros(len(jobs))
    line = [(job.ready, number, 0) for number, job in enumerate(jobs)]
    heapq.heapify(line)
    free = [-np.inf] * slots
    for pickup, handover in zip(pickups, handovers, strict=True):
        ready, number, attempt = heapq.heappop(line)
        job = jobs[number]
        start = ready + pickup if free[0] <= ready else max(free[0] + handover, ready)
        end = start + job.services[attempt]
        heapq.heapreplace(free, end)
        if attempt == 0:
            first[number] = start - ready
        if attempt + 1 < len(job.services):
            heapq.heappush(line, (end + job.delays[attempt], number, attempt + 1))
    return first


def _drawn(seen: Vector, count: int, random: np.random.Generator) -> list[float]:
    return list(random.choice(seen, count)) if len(seen) else [0.0] * count


def replayed(name: str, attempts: Sequence[Attempt], slots: int | None) -> dict[str, Any]:
    """What was seen and what the replay on `slots` (as many as were used, when None) gives, as plain values."""
    used = slots_used(attempts)
    taken = slots or used
    seen = reaction(attempts, used)
    jobs = jobs_of(attempts)
    known = np.array([job.observed_wait is not None for job in jobs])
    found = waits(jobs, taken, _complete(seen), np.random.default_rng(SEED))
    observed = np.array([job.observed_wait for job in jobs if job.observed_wait is not None])
    span = max(attempt.ended for attempt in attempts) - jobs[0].ready
    work = sum(attempt.ended - attempt.started for attempt in attempts)
    return {
        "name": name,
        "slots": taken,
        "slots_used": used,
        "jobs": len(jobs),
        "attempts": len(attempts),
        "utilisation": work / (taken * span) if span > 0 else None,
        "observed": {"wait_seconds": _figures(observed)},
        "predicted": {"wait_seconds": _figures(found[known])},
        "pickup_seconds": _mean(seen.pickups),
        "handover_seconds": _mean(seen.handovers),
        "method": "replay of the trace, first come first served",
        "doubts": _doubts(jobs, observed, seen, slots, used),
    }


def _complete(seen: Reaction) -> Reaction:
    """Where the trace never shows the one, the other stands for it."""
    pickups = seen.pickups if len(seen.pickups) else seen.handovers
    return Reaction(pickups, seen.handovers if len(seen.handovers) else seen.pickups)


def _figures(waits: Vector) -> dict[str, float | None]:
    if not len(waits):
        return dict.fromkeys(("mean", "p50", "p95", "p99"))
    p50, p95, p99 = np.quantile(waits, (0.5, 0.95, 0.99))
    return {"mean": float(waits.mean()), "p50": float(p50), "p95": float(p95), "p99": float(p99)}


def _mean(seconds: Vector) -> float | None:
    return float(seconds.mean()) if len(seconds) else None


def _doubts(jobs: Sequence[Job], observed: Vector, seen: Reaction, slots: int | None, used: int) -> list[str]:
    found = []
    if len(observed) < FEW_JOBS:
        found.append(f"only {len(observed)} jobs with a known wait: p95 and p99 rest on a handful")
    if len(observed) < len(jobs):
        found.append(
            f"{len(jobs) - len(observed)} of {len(jobs)} jobs have no known wait and are left out of it"
        )
    if not len(seen.handovers):
        text = f"no job waited for a slot: there may have been more than {used}"
        found.append(
            text if slots is None else f"{text}, and how long a busy slot takes to hand over is not seen"
        )
    slow = float((seen.pickups > IDLE_SECONDS).mean()) if len(seen.pickups) else 0.0
    if slow > 0.01:
        found.append(
            f"{slow:.0%} of jobs waited while a slot was idle: a pause, a rate limit or delayed starts"
        )
    return found


def as_lines(answers: Sequence[Mapping[str, Any]]) -> list[str]:
    """For people: observed and predicted side by side."""
    lines = [
        f"{'queue':<28}{'slots':>6}{'jobs':>9}{'':>11}{'mean wait':>11}{'p50':>10}{'p95':>10}{'p99':>10}"
    ]
    for answer in answers:
        start = f"{answer['name']:<28}{answer['slots']:>6}{answer['jobs']:>9,}"
        for kind in ("observed", "predicted"):
            figures = answer[kind]["wait_seconds"]
            cells = [duration(figures[q]) for q in ("mean", "p50", "p95", "p99")]
            lines.append(f"{start:<43}{kind:>11}{cells[0]:>11}{cells[1]:>10}{cells[2]:>10}{cells[3]:>10}")
            start = ""
    return lines + [f"  {answer['name']}: {text}" for answer in answers for text in answer["doubts"]]
