"""Knows how one replication is drawn and run, and which series of durations come out of it."""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from planner import cpu_run, fcfs, queue_run
from planner.arrivals import Drawn
from planner.coupling import from_exponential
from planner.fleet import Fleet
from planner.laws import IoThenCpu, Vector
from planner.queue_kernel import GAVE_UP, REFUSED, SERVED
from planner.workload import Retries, Workload


@dataclass(frozen=True, slots=True)
class Series:
    """Durations of one kind, with the priority class and the arrival time of the job of each."""

    seconds: Vector
    classes: NDArray[np.int64]
    arrivals: Vector


@dataclass(frozen=True, slots=True)
class Sample:
    """One replication without its warm-up: durations by subject (planner/figures.py) and plain figures."""

    series: dict[str, Series]
    scalars: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Draw:
    """The chance of one replication: arrivals, and a unit exponential a job for the length of its service."""

    arrivals: Drawn
    unit: Vector
    patience: Vector | None


def draw(workload: Workload, random: np.random.Generator, count: int) -> Draw:
    """About `count` jobs."""
    arrivals = workload.arrivals.draw(random, count)
    jobs = len(arrivals.times)
    unit = random.standard_exponential(jobs)
    patience = workload.patience.draw(random, jobs) if workload.patience else None
    return Draw(arrivals, unit, patience)


def first_jobs(drawn: Draw, count: int) -> Draw:
    """The draw without the jobs after the first `count`."""
    arrivals = replace(
        drawn.arrivals, times=drawn.arrivals.times[:count], classes=drawn.arrivals.classes[:count]
    )
    patience = None if drawn.patience is None else drawn.patience[:count]
    return Draw(arrivals, drawn.unit[:count], patience)


def needs_events(workload: Workload, fleet: Fleet) -> bool:
    """Whether the order of service or the room makes the one-pass recursion wrong."""
    several = hasattr(workload.arrivals, "rates") and not hasattr(workload.arrivals, "switch_per_second")
    classes = several and not hasattr(workload.arrivals, "rate_at")
    return bool(workload.retries or classes or fleet.places)


def replicate(
    workload: Workload, fleet: Fleet, drawn: Draw, random: np.random.Generator, warmup: int
) -> Sample:
    """Run the draw and leave out the first `warmup` jobs."""
    if isinstance(workload.service, IoThenCpu):
        return _sharing_cores(workload.service, fleet, drawn, random, warmup)
    if needs_events(workload, fleet):
        return _with_events(workload, fleet, drawn, random, warmup)
    service = from_exponential(workload.service, drawn.unit)
    waits = fcfs.waits(drawn.arrivals.times, service, fleet.slots, drawn.patience, fleet.rate_limit)
    gave_up = np.zeros(len(waits), dtype=bool) if drawn.patience is None else waits >= drawn.patience
    return _one_attempt(drawn, waits, service, gave_up, np.zeros(len(waits), dtype=bool), warmup)


def _one_attempt(
    drawn: Draw,
    waits: Vector,
    service: Vector,
    gave_up: NDArray[np.bool_],
    refused: NDArray[np.bool_],
    warmup: int,
) -> Sample:
    arrivals = drawn.arrivals
    kept = np.arange(len(waits)) >= warmup
    inside, served = kept & ~refused, kept & ~refused & ~gave_up
    series = {
        "wait": Series(waits[inside], arrivals.classes[inside], arrivals.times[inside]),
        "sojourn": Series((waits + service)[served], arrivals.classes[served], arrivals.times[served]),
    }
    # Without retries the first attempt is the only one.
    series |= {"wait_per_attempt": series["wait"], "wait_first_attempt": series["wait"]}
    series["completion_time"] = series["sojourn"]
    if arrivals.batches is not None:
        series["batch_makespan"] = _makespans(arrivals, waits + service, warmup)
    count = int(kept.sum())
    scalars = {
        "p_timeout": float((kept & gave_up).sum() / count),
        "p_block": float((kept & refused).sum() / count),
    }
    return Sample(series, scalars)


def _sharing_cores(
    service: IoThenCpu, fleet: Fleet, drawn: Draw, random: np.random.Generator, warmup: int
) -> Sample:
    times = drawn.arrivals.times
    io = from_exponential(service.io, drawn.unit)
    cpu = from_exponential(service.cpu, random.standard_exponential(len(times)))
    started, finished = cpu_run.run(times, io, cpu, fleet)
    nobody = np.zeros(len(times), dtype=bool)
    sample = _one_attempt(drawn, started - times, finished - started, nobody, nobody, warmup)
    held = finished[warmup:] - started[warmup:]
    return Sample(sample.series, sample.scalars | {"mean_service_stretched": float(held.mean())})


def _makespans(arrivals: Drawn, sojourns: Vector, warmup: int) -> Series:
    if arrivals.batches is None:
        raise ValueError("arrivals without batches have no batch makespan")
    firsts = np.flatnonzero(np.diff(arrivals.batches, prepend=-1))
    longest = np.maximum.reduceat(sojourns, firsts)
    kept = firsts >= warmup
    return Series(longest[kept], arrivals.classes[firsts[kept]], arrivals.times[firsts[kept]])


def _with_events(
    workload: Workload, fleet: Fleet, drawn: Draw, random: np.random.Generator, warmup: int
) -> Sample:
    arrivals = drawn.arrivals
    count = len(arrivals.times)
    attempts = _attempts(workload.retries, random, count)
    first = np.append(0, np.cumsum(attempts))
    unit = random.standard_exponential(int(first[-1]))
    unit[first[:-1]] = drawn.unit
    assert not isinstance(workload.service, IoThenCpu)
    hold = from_exponential(workload.service, unit)
    back = _delays(workload.retries, random, first)
    jobs = queue_run.Jobs(arrivals.times, arrivals.classes, first, hold, back, drawn.patience)
    out = queue_run.run(jobs, fleet)
    if workload.retries is None:
        waits = np.nan_to_num(out.waits)
        return _one_attempt(drawn, waits, hold, out.outcome == GAVE_UP, out.outcome == REFUSED, warmup)
    return _several_attempts(drawn, out, first, hold, warmup)


def _attempts(retries: Retries | None, random: np.random.Generator, count: int) -> NDArray[np.int64]:
    """Attempts each job takes until it succeeds or has had them all."""
    if retries is None or retries.failure_ratio == 0.0:
        return np.ones(count, dtype=np.int64)
    if retries.failure_ratio >= 1.0:
        return np.full(count, retries.attempts, dtype=np.int64)
    needed = random.geometric(1.0 - retries.failure_ratio, count)
    return np.minimum(needed, retries.attempts).astype(np.int64)


def _delays(retries: Retries | None, random: np.random.Generator, first: NDArray[np.int64]) -> Vector:
    total = int(first[-1])
    if retries is None:
        return np.zeros(total)
    number = np.arange(total) - np.repeat(first[:-1], np.diff(first))
    delays = np.array([retries.delay_after(k + 1) for k in range(retries.attempts)])[number]
    return np.asarray(delays * (1.0 - retries.jitter * random.random(total)) if retries.jitter else delays)


def _several_attempts(
    drawn: Draw, out: queue_run.Outcome, first: NDArray[np.int64], hold: Vector, warmup: int
) -> Sample:
    arrivals = drawn.arrivals
    attempts = np.diff(first)
    owner = np.repeat(np.arange(len(attempts)), attempts)
    started = (owner >= warmup) & ~np.isnan(out.waits)
    firsts = first[:-1][warmup:]
    firsts = firsts[~np.isnan(out.waits[firsts])]
    done = np.flatnonzero(out.outcome == SERVED)
    done = done[done >= warmup]
    per_attempt = Series(out.waits[started], arrivals.classes[owner[started]], arrivals.times[owner[started]])
    completion = out.finished[done] - arrivals.times[done]
    completions = Series(completion, arrivals.classes[done], arrivals.times[done])
    kept = out.outcome[warmup:]
    return Sample(
        {
            "wait": per_attempt,
            "wait_per_attempt": per_attempt,
            "wait_first_attempt": Series(
                out.waits[firsts], arrivals.classes[owner[firsts]], arrivals.times[owner[firsts]]
            ),
            "sojourn": Series(
                (out.waits + hold)[started], arrivals.classes[owner[started]], arrivals.times[owner[started]]
            ),
            "completion_time": completions,
        },
        {
            "p_timeout": float((kept == GAVE_UP).mean()),
            "p_block": float((kept == REFUSED).mean()),
        },
    )
