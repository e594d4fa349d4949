"""Knows how jobs that the planner drew are given to the SimPy twin, and how its waits are listed as ours are."""

from collections.abc import Sequence

import numpy as np

from planner.simulation.queue_run import Crashing, Jobs
from tests.planner.bull_twin import Crashes, Job, Waits


def twin_jobs(jobs: Jobs, values: Sequence[int]) -> list[Job]:
    """`values` are those of Bull's `priority`, in order of start."""
    parent = np.full(len(jobs.ready), -1) if jobs.parent is None else jobs.parent
    lifo = np.zeros(len(jobs.ready)) if jobs.lifo is None else jobs.lifo
    delayed = np.zeros(len(jobs.ready)) if jobs.delayed is None else jobs.delayed

    def attempt(a: int, is_last: bool) -> tuple[str, float, float]:
        if jobs.back[a] < 0:
            return "stalled", float(jobs.hold[a]), float(-jobs.back[a])
        return "well" if is_last else "badly", float(jobs.hold[a]), float(jobs.back[a])

    found = []
    for i, ready in enumerate(jobs.ready.tolist()):
        ends, above = int(jobs.first[i + 1]), int(parent[i])
        found.append(
            Job(
                ready,
                [attempt(a, a == ends - 1) for a in range(int(jobs.first[i]), ends)],
                values[jobs.rank[i]],
                bool(lifo[i]),
                bool(delayed[i]),
                None if above < 0 else above,
                int((parent == i).sum()),
            )
        )
    return found


def per_attempt(jobs: Jobs, waits: Waits) -> np.ndarray:
    """Waits of all attempts as the planner lists them."""
    found = np.full(len(jobs.hold), np.nan)
    for (job, number), wait in waits.items():
        found[int(jobs.first[job]) + number] = wait
    return found


def twin_crashes(crashing: Crashing, slots: Sequence[int]) -> Crashes:
    rules = crashing.rules
    times = list(zip(crashing.times.tolist(), crashing.processes.tolist(), strict=True))
    return Crashes(
        slots,
        times,
        rules.restart_seconds,
        rules.most,
        rules.lock_seconds,
        rules.check_seconds,
        crashing.phase,
    )
