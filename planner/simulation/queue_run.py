"""Knows how to hand a drawn run of jobs to the queue kernel, and what comes back."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.bull_options import Crashes
from planner.fleet import Fleet
from planner.laws.named import Vector
from planner.simulation import queue_kernel as kernel
from planner.simulation.queue_world import AGAIN, World

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Jobs:
    """Jobs in order of the moment they are ready; job i has the attempts first[i] .. first[i+1] - 1.

    `delayed` is 1 for a job whose `ready` is a due time. A job that is the `parent` of others starts after them.
    `plain` is 0 for a job with a priority; absent, all are plain. queue_kernel.py says what `back` means.
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
class Crashing:
    """When which process crashes, in order of time; a moment at which stalled jobs are looked for; and the rules."""

    times: Vector
    processes: Ints
    phase: float
    rules: Crashes


@dataclass(frozen=True, slots=True)
class Outcome:
    """Waits per attempt (NaN: never started), end per job (NaN: never), and SERVED, REFUSED or GAVE_UP per
    job. An attempt that a crash began anew has more waits than its first: `again_waits`, of `again_jobs`.
    """

    waits: Vector
    finished: Vector
    outcome: Ints
    again_waits: Vector
    again_jobs: Ints


NOTHING_CRASHES = Crashing(np.zeros(0), np.zeros(0, dtype=np.int64), 0.0, Crashes(np.inf))


def run(
    jobs: Jobs,
    fleet: Fleet,
    pauses: tuple[tuple[float, float], ...] = (),
    late_due: bool = False,
    crashing: Crashing | None = None,
) -> Outcome:
    """Every job, to its end. `late_due`: planner/simulation/bull_rules.py knows which library does so."""
    count, attempts = len(jobs.ready), len(jobs.hold)
    crashing = crashing if crashing is not None and len(crashing.times) else NOTHING_CRASHES
    seats = fleet.seats if len(crashing.times) else np.zeros(1, dtype=np.int64)
    lost = len(crashing.times) * int(np.diff(seats).max(initial=0))
    events = 2 * count + fleet.slots + 8 + lost + len(seats)
    parent = np.full(count, -1, dtype=np.int64) if jobs.parent is None else jobs.parent
    ranks = int(jobs.rank.max()) + 1 if count else 1
    limit = fleet.rate_limit
    world = World(
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
        crash_times=crashing.times,
        crashed=crashing.processes,
        seats=seats,
        restart=crashing.rules.restart_seconds,
        most_stalls=crashing.rules.most,
        lock=crashing.rules.lock_seconds,
        check=crashing.rules.check_seconds,
        phase=crashing.phase,
        slots=fleet.slots,
        places=fleet.places or count + 1,
        most=limit.max if limit else attempts + 1,
        window=limit.window_seconds if limit else 0.0,
        waits=np.full(attempts, np.nan),
        finished=np.full(count, np.nan),
        outcome=np.full(count, kernel.UNFINISHED, dtype=np.int64),
        again_waits=np.zeros(lost),
        again_jobs=np.zeros(lost, dtype=np.int64),
        attempt=jobs.first[:-1].copy(),
        since=np.zeros(count),
        head=np.full(ranks, -1, dtype=np.int64),
        tail=np.full(ranks, -1, dtype=np.int64),
        after=np.full(count, -1, dtype=np.int64),
        due=np.full(2, -1, dtype=np.int64),
        holder=np.full(int(seats[-1]), -1, dtype=np.int64),
        idle=np.diff(seats),
        seat=np.zeros(2 * count if lost else 0, dtype=np.int64),
        leaves=np.full(count if lost else 0, np.inf),
        stalls=np.zeros(count, dtype=np.int64),
        times=np.zeros(events),
        whats=np.zeros(events, dtype=np.int64),
        counts=np.zeros(8, dtype=np.int64),
        clock=np.full(1, -np.inf),
    )
    kernel.run(world)
    again = int(world.counts[AGAIN])
    return Outcome(
        world.waits, world.finished, world.outcome, world.again_waits[:again], world.again_jobs[:again]
    )
