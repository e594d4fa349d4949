"""Knows how a recorded queue would have run on any number of slots: the same jobs, by the rules that the trace shows.

Arrivals, service times and the delays before retries are those of the trace, and so are the types that go before others
and a rate limit. How quickly a slot takes a job up is what it took for that job, or drawn from what the trace shows of
others where the job met no such slot, idle or busy. Nothing is fitted to a law.
"""

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from planner.answers import duration
from planner.fleet import RateLimit
from planner.laws.named import Vector
from planner.replay.limit import HELD_SECONDS, limit_seen
from planner.replay.order import passed_unexplained, ranks_seen, retries_join_late
from planner.replay.slots_used import Reaction, reaction, slots_used, without_holds
from planner.replay.trace import Attempt

SEED = 1
# Fewer jobs than this leave the 95th percentile to a handful.
FEW_JOBS = 200
# An idle slot takes milliseconds; more than this is a pause, a rate limit, or fewer slots than thought.
IDLE_SECONDS = 0.25
# Milliseconds of two clocks let some jobs seem to pass others.
FEW_PASSED = 0.02


@dataclass(frozen=True, slots=True)
class Job:
    """The attempts of one job: when the first is ready, the delay before each further one, how long each takes, and how
    long an idle slot took to pick each up, or a busy one to hand over to it; None where it met none.
    """

    ready: float
    delays: tuple[float, ...]
    services: tuple[float, ...]
    pickups: tuple[float | None, ...]
    handovers: tuple[float | None, ...]
    observed_wait: float | None
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Rules:
    """What a trace shows of a queue beside its jobs: how slots react, the rank of each type, the limit of starts.

    Where there is one, `begins` is the first start of all: a window may have been open before. `late_retries`: those
    that are due while all slots are busy join when one gets free.
    """

    reacts: Reaction
    ranks: Mapping[str, int]
    limit: RateLimit | None
    begins: float
    late_retries: bool


def jobs_of(attempts: Sequence[Attempt], seen: Reaction) -> list[Job]:
    """Jobs in order of the moment they became ready. A ready that is unknown is taken to be the start."""
    by_job: dict[str, list[Attempt]] = {}
    for attempt in attempts:
        by_job.setdefault(attempt.job, []).append(attempt)
    in_order = [sorted(those, key=lambda a: a.started) for those in by_job.values()]
    return sorted((_job(those, seen) for those in in_order), key=_ready)


def _ready(job: Job) -> float:
    return job.ready


def _job(attempts: Sequence[Attempt], seen: Reaction) -> Job:
    first = attempts[0]
    known = first.number == 1 and first.ready is not None
    readies = [one.started if one.ready is None else one.ready for one in attempts]
    return Job(
        readies[0],
        tuple(
            max(0.0, ready - before.ended) for ready, before in zip(readies[1:], attempts[:-1], strict=True)
        ),
        tuple(one.ended - one.started for one in attempts),
        tuple(seen.own_pickups.get((one.job, one.number)) for one in attempts),
        tuple(seen.own_handovers.get((one.job, one.number)) for one in attempts),
        first.started - readies[0] if known else None,
        first.kind,
    )


def waits(jobs: Sequence[Job], slots: int, rules: Rules, random: np.random.Generator) -> Vector:
    """Seconds each job waits for its first start on `slots`. A retry joins the tail when its delay is over, and it is
    seen: beside an idle slot a moment later, else when a slot gets free.
    """
    draws, seen = sum(len(job.services) for job in jobs), rules.reacts
    pickups, handovers, retries = (
        _drawn(one, draws, random) for one in (seen.pickups, seen.handovers, seen.retries)
    )
    first, window = np.zeros(len(jobs)), Window(rules.limit, rules.begins)
    # When it may be seen, the job, its attempt, and how much later than that a retry is seen beside an idle slot.
    coming = [(job.ready, number, 0, 0.0) for number, job in enumerate(jobs)]
    heapq.heapify(coming)
    lines: list[tuple[int, float, int, int]] = []
    free = [-np.inf] * slots
    for pickup, handover, seen_after in zip(pickups, handovers, retries, strict=True):
        while True:
            now = max(free[0], window.opens)
            now = now if lines else max(now, coming[0][0])
            while coming and coming[0][0] <= now:
                due, number, attempt, later = heapq.heappop(coming)
                if later and free[0] <= due:
                    heapq.heappush(coming, (due + later, number, attempt, 0.0))
                    continue
                joined = now if attempt and rules.late_retries else due
                heapq.heappush(lines, (rules.ranks.get(jobs[number].kind, 0), joined, number, attempt))
            if lines:
                break
        _, ready, number, attempt = heapq.heappop(lines)
        job = jobs[number]
        if now > ready:
            start = max(now + _either(job.handovers[attempt], handover), ready)
        else:
            start = ready + (_either(job.pickups[0], pickup) if attempt == 0 else 0.0)
        window.count(start)
        end = start + job.services[attempt]
        heapq.heapreplace(free, end)
        if attempt == 0:
            first[number] = start - ready
        if attempt + 1 < len(job.services):
            later = _either(job.pickups[attempt + 1], seen_after)
            heapq.heappush(coming, (end + job.delays[attempt], number, attempt + 1, later))
    return first


def _either(own: float | None, drawn: float) -> float:
    """How long a slot took for this job, else for another."""
    return drawn if own is None else own


@dataclass(slots=True)
class Window:
    """Starts since the first one after the last window; `opens` is the moment before which none may be."""

    limit: RateLimit | None
    begins: float
    starts: int = 0

    @property
    def opens(self) -> float:
        full = self.limit is not None and self.starts >= self.limit.max
        return self.begins + self.limit.window_seconds if full and self.limit else self.begins

    def count(self, start: float) -> None:
        if self.limit is None:
            return
        if start >= self.begins + self.limit.window_seconds:
            self.begins, self.starts = start, 0
        self.starts += 1


def _drawn(seen: Vector, count: int, random: np.random.Generator) -> list[float]:
    return list(random.choice(seen, count)) if len(seen) else [0.0] * count


def replayed(name: str, attempts: Sequence[Attempt], slots: int | None) -> dict[str, Any]:
    """What was seen and what the replay on `slots` (as many as were used, when None) gives, as plain values."""
    used = slots_used(attempts)
    taken = slots or used
    rules = rules_seen(attempts, used)
    seen = rules.reacts
    jobs = jobs_of(attempts, seen)
    known = np.array([job.observed_wait is not None for job in jobs])
    played = replace(rules, reacts=_complete(seen))
    found = waits(jobs, taken, played, np.random.default_rng(SEED))
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
        "types_in_order": _in_order(rules.ranks),
        "rate_limit": None if rules.limit is None else asdict(rules.limit),
        "method": f"replay of the trace, {_method(rules)}",
        "doubts": [*_doubts(jobs, observed, seen, slots, used), *_about_order(attempts, rules)],
    }


def rules_seen(attempts: Sequence[Attempt], used: int) -> Rules:
    """What a limit holds back tells nothing of how slots react."""
    seen, limit = reaction(attempts, used), limit_seen(attempts, used)
    if limit is not None:
        seen = without_holds(seen, HELD_SECONDS)
    begins = -np.inf if limit is None else attempts[0].started
    return Rules(seen, ranks_seen(attempts), limit, begins, retries_join_late(attempts, used))


def _in_order(ranks: Mapping[str, int]) -> list[list[str]]:
    """Types by rank, those that start first before the others; empty where none goes before another."""
    return [sorted(k for k, rank in ranks.items() if rank == one) for one in sorted(set(ranks.values()))]


def _method(rules: Rules) -> str:
    order = ", then ".join(" and ".join(kinds) for kinds in _in_order(rules.ranks))
    told = f"{order}, each first come first served" if order else "first come first served"
    limit = rules.limit
    return (
        told if limit is None else f"{told}, at most {limit.max} starts in {duration(limit.window_seconds)}"
    )


def _about_order(attempts: Sequence[Attempt], rules: Rules) -> list[str]:
    passed = passed_unexplained(attempts, rules.ranks)
    if passed <= FEW_PASSED:
        return []
    return [
        f"{passed:.0%} of the starts passed a job that was ready earlier, and not by its type: priorities of single "
        "jobs, LIFO or delays; the mean is right, quantiles may not be"
    ]


def _complete(seen: Reaction) -> Reaction:
    """Where the trace never shows the one, the other stands for it."""
    pickups = seen.pickups if len(seen.pickups) else seen.handovers
    handovers = seen.handovers if len(seen.handovers) else seen.pickups
    retries = seen.retries if len(seen.retries) else pickups
    return replace(seen, pickups=pickups, handovers=handovers, retries=retries)


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
    for answer in answers:
        ruled = [answer["method"]] if answer["types_in_order"] or answer["rate_limit"] else []
        lines += [f"  {answer['name']}: {text}" for text in (*ruled, *answer["doubts"])]
    return lines
