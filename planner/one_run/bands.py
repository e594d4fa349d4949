"""Knows in which band the waits of one run of so many jobs fall: chance of the run, and of what the workload rests on.

A steady-state figure says where long runs end. A run of some hundred jobs strays far from it, and a workload that was
fitted to some hundred jobs strays again. Both are drawn here; shapes of laws are taken as they are.
"""

from dataclasses import dataclass, replace

import numpy as np

from planner.fleet import Fleet
from planner.laws.named import IoThenCpu, Vector
from planner.laws.scaling import longer
from planner.simulation.runs import draw, replicate
from planner.workload import Workload

FIGURES = {"mean": None, "p50": 0.5, "p95": 0.95, "p99": 0.99}
LEVEL = 0.9
RUNS = 1000
# Beyond this many jobs in all, fewer runs are made.
MOST_JOBS = 50_000_000
FEWEST_RUNS = 100


@dataclass(frozen=True, slots=True)
class RunBand:
    """Low and high end by figure, seconds; `level` of the runs lie between them."""

    jobs: int
    level: float
    runs: int
    wait_seconds: dict[str, tuple[float, float]]


def run_band(
    workload: Workload, fleet: Fleet, jobs: int, seed: int = 1, pickup_seconds: float = 0.0
) -> RunBand:
    """The band of the waits (first attempts) in a run of `jobs` jobs, children among them, that starts empty.

    With `workload.sample_size` its rate and its service time are as unsure as a fit to so many jobs leaves them.
    A job that finds an idle slot waits `pickup_seconds`.
    """
    runs = max(FEWEST_RUNS, min(RUNS, MOST_JOBS // jobs))
    added = max(1, round(jobs / (workload.options.jobs_per_add if workload.options else 1.0)))
    found = []
    for chance in np.random.SeedSequence(seed).spawn(runs):
        random = np.random.default_rng(chance)
        waits = np.maximum(_waits(workload, fleet, added, random), pickup_seconds)
        found.append([waits.mean() if q is None else np.quantile(waits, q) for q in FIGURES.values()])
    low, high = np.quantile(found, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    ends = zip(FIGURES, low, high, strict=True)
    return RunBand(jobs, LEVEL, runs, {name: (float(a), float(b)) for name, a, b in ends})


def _waits(workload: Workload, fleet: Fleet, added: int, random: np.random.Generator) -> Vector:
    """First waits of one run of a workload that a fit could as well have meant.

    Services `longer` times as long are the same run on a clock that ticks as much slower: the laws stay as they are.
    """
    rate, longer_by = _strayed(workload, random)
    drawn = draw(workload, random, added)
    times = drawn.arrivals.times / (rate * longer_by)
    on_clock = replace(drawn, arrivals=replace(drawn.arrivals, times=times))
    sample = replicate(*_on_clock(workload, fleet, longer_by), on_clock, random, 0)
    return sample.series.get("wait_first_attempt", sample.series["wait"]).seconds * longer_by


def _strayed(workload: Workload, random: np.random.Generator) -> tuple[float, float]:
    """Factors of the rate and of the service time that undo what a fit to a new draw of `sample_size` jobs errs by."""
    size = workload.sample_size
    if size is None:
        return 1.0, 1.0
    if hasattr(
        workload.arrivals, "period"
    ):  # part of a period has another rate; within it arrivals are Poisson
        rate = float(random.gamma(size)) / size
    else:
        times = workload.arrivals.draw(random, size).times
        rate = float(times[-1]) * workload.arrivals.per_second / len(times)
    if isinstance(workload.service, IoThenCpu):
        return rate, 1.0
    return rate, workload.service.mean / float(workload.service.draw(random, size).mean())


def _on_clock(workload: Workload, fleet: Fleet, longer_by: float) -> tuple[Workload, Fleet]:
    """What else takes its time, on a clock whose second is `longer_by` seconds."""
    retries, patience, limit = workload.retries, workload.patience, fleet.rate_limit
    if retries is not None:
        retries = replace(retries, delay_seconds=retries.delay_seconds / longer_by)
    if patience is not None:
        patience = longer(patience, 1.0 / longer_by)
    if limit is not None:
        limit = replace(limit, window_seconds=limit.window_seconds / longer_by)
    options = workload.options.on_clock(longer_by) if workload.options else None
    on_clock = replace(workload, retries=retries, patience=patience, options=options)
    return on_clock, replace(fleet.at_work, rate_limit=limit)
