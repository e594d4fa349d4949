"""Knows in which band the waits of one run of so many jobs fall: chance of the run, and of what the workload rests on.

A steady-state figure says where long runs end. A run of some hundred jobs strays far from it, and a workload that was
fitted to some hundred jobs strays again. Both are drawn here; shapes of laws are taken as they are.
"""

from dataclasses import dataclass, replace

import numpy as np

from planner.arrivals import Arrivals
from planner.fleet import Fleet
from planner.laws import IoThenCpu, Law, Vector, scv
from planner.runs import Sample, draw, replicate
from planner.scaling import faster, longer, varied
from planner.workload import Workload

FIGURES = {"mean": None, "p50": 0.5, "p95": 0.95, "p99": 0.99}
LEVEL = 0.9
RUNS = 1000
# Beyond this many jobs in all, fewer runs are made.
MOST_JOBS = 50_000_000
FEWEST_RUNS = 100
FEWEST_TO_STRAY = 2


@dataclass(frozen=True, slots=True)
class RunBand:
    """Low and high end by figure, seconds; `level` of the runs lie between them."""

    jobs: int
    level: float
    runs: int
    wait_seconds: dict[str, tuple[float, float]]


def run_band(
    workload: Workload, fleet: Fleet, jobs: int, seed: int = 1, pickups: Vector | None = None
) -> RunBand:
    """The band of the waits (first attempts) in a run of `jobs` jobs that starts empty.

    With `workload.sample_size` its rate and its service time are as unsure as a fit to so many jobs leaves them.
    `pickups` are seconds that idle slots took to pick a job up; none when absent.
    """
    runs = max(FEWEST_RUNS, min(RUNS, MOST_JOBS // jobs))
    found = []
    for chance in np.random.SeedSequence(seed).spawn(runs):
        random = np.random.default_rng(chance)
        likely = _as_unsure(workload, random)
        waits = _waits(replicate(likely, fleet, draw(likely, random, jobs), random, 0))
        if pickups is not None and len(pickups):
            waits = np.where(waits > 0, waits, random.choice(pickups, len(waits)))
        found.append([waits.mean() if q is None else np.quantile(waits, q) for q in FIGURES.values()])
    low, high = np.quantile(found, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    ends = zip(FIGURES, low, high, strict=True)
    return RunBand(jobs, LEVEL, runs, {name: (float(a), float(b)) for name, a, b in ends})


def _waits(sample: Sample) -> Vector:
    return sample.series.get("wait_first_attempt", sample.series["wait"]).seconds


def _as_unsure(workload: Workload, random: np.random.Generator) -> Workload:
    """A workload that a fit to `sample_size` jobs could as well have come from: strayed as a new draw does."""
    size = workload.sample_size
    if size is None or size < FEWEST_TO_STRAY:
        return workload
    arrivals = faster(workload.arrivals, 1.0 / _rate_strays(workload.arrivals, size, random))
    if isinstance(workload.service, IoThenCpu):
        return replace(workload, arrivals=arrivals)
    return replace(workload, arrivals=arrivals, service=_law_strays(workload.service, size, random))


def _rate_strays(arrivals: Arrivals, size: int, random: np.random.Generator) -> float:
    """A rate measured over `size` jobs, over the true one."""
    if hasattr(arrivals, "period"):  # part of a period has another rate; within it arrivals are Poisson
        return size / float(random.gamma(size))
    times = arrivals.draw(random, size).times
    return len(times) / float(times[-1]) / arrivals.per_second


def _law_strays(law: Law, size: int, random: np.random.Generator) -> Law:
    """The law with the mean and the variability that a sample could as well have shown."""
    drawn = law.draw(random, size)
    mean = float(drawn.mean()) / law.mean
    spread = scv(law)
    if spread > 0.0 and drawn.var() > 0.0:
        ratio = float(drawn.var() / drawn.mean() ** 2) / spread
        law = varied(law, 1.0 / min(max(ratio, 0.25), 4.0)) or law
    changed: Law = longer(law, 1.0 / mean)
    return changed
