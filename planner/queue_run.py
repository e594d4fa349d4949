"""Knows how to hand a drawn run of jobs to the queue kernel, and what comes back."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner import queue_kernel as kernel
from planner.fleet import Fleet
from planner.laws import Vector

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Jobs:
    """Jobs in order of the moment they are ready; job i has the attempts first[i] .. first[i+1] - 1.

    `delayed` is 1 for a job whose `ready` is a due time. A job that is the `parent` of others starts after them.
    `plain` is 0 for a job with a priority; absent, all are plain. planner/queue_kernel.py says what `back` means.
    """

    ready: Vector
    rank: Ints
    first: Ints
    hold: Vector
    back: Vector
    patience: Vector | None = None
    lifo: Ints | None = None
    parent: Ints | None = None
    delayed: Ints | None = None
    plain: Ints | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """Waits per attempt (NaN: never started), end per job (NaN: never), and SERVED, REFUSED or GAVE_UP per
    job.
    """

    waits: Vector
    finished: Vector
    outcome: Ints


def run(
    jobs: Jobs, fleet: Fleet, pauses: tuple[tuple[float, float], ...] = (), late_due: bool = False
) -> Outcome:
    """Every job, to its end. `late_due`: planner/bull_rules.py knows which library does so."""
    count, attempts = len(jobs.ready), len(jobs.hold)
    parent = np.full(count, -1, dtype=np.int64) if jobs.parent is None else jobs.parent
    ranks = int(jobs.rank.max()) + 1 if count else 1
    limit = fleet.rate_limit
    world = kernel.World(
        ready=jobs.ready,
        rank=jobs.rank,
        lifo=np.zeros(count, dtype=np.int64) if jobs.lifo is None else jobs.lifo,
        plain=np.ones(count, dtype=np.int64) if jobs.plain is None else jobs.plain,
        first=jobs.first,
        hold=jobs.hold,
        back=jobs.back,
        patience=np.full(count, np.inf) if jobs.patience is None else jobs.patience,
        delayed=np.zeros(count, dtype=np.int64) if jobs.delayed is None else jobs.delayed,
        late_due=int(late_due),
        parent=parent,
        pending=np.bincount(parent[parent >= 0], minlength=count).astype(np.int64),
        pauses=np.array(pauses, dtype=float).ravel(),
        slots=fleet.slots,
        places=fleet.places or count + 1,
        most=limit.max if limit else attempts + 1,
        window=limit.window_seconds if limit else 0.0,
        waits=np.full(attempts, np.nan),
        finished=np.full(count, np.nan),
        outcome=np.full(count, kernel.UNFINISHED, dtype=np.int64),
        attempt=jobs.first[:-1].copy(),
        since=np.zeros(count),
        head=np.full(ranks, -1, dtype=np.int64),
        tail=np.full(ranks, -1, dtype=np.int64),
        after=np.full(count, -1, dtype=np.int64),
        due=np.full(2, -1, dtype=np.int64),
        times=np.zeros(2 * count + fleet.slots + 8),
        whats=np.zeros(2 * count + fleet.slots + 8, dtype=np.int64),
        counts=np.zeros(6, dtype=np.int64),
        clock=np.full(1, -np.inf),
    )
    kernel.run(world)
    return Outcome(world.waits, world.finished, world.outcome)
