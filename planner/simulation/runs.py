"""Knows how one replication is drawn and run, and which series of durations come out of it."""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from planner.fleet import Fleet
from planner.laws.arrivals import Drawn
from planner.laws.coupling import from_exponential
from planner.laws.named import IoThenCpu, Vector
from planner.simulation import bull_draws, cpu_run, fcfs, queue_run
from planner.simulation.bull_draws import Draw, Made
from planner.simulation.queue_kernel import GAVE_UP, REFUSED, SERVED
from planner.workload import Workload

# A moment is off by as many roundings as there were sums since the queue was empty; by chance they nearly cancel.
ROUNDINGS = 256


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
    return replace(drawn, arrivals=arrivals, unit=drawn.unit[:count], patience=patience)


def needs_events(workload: Workload, fleet: Fleet) -> bool:
    """Whether the order of service, a pause or the room makes the one-pass recursion wrong."""
    several = hasattr(workload.arrivals, "rates") and not hasattr(workload.arrivals, "switch_per_second")
    classes = several and not hasattr(workload.arrivals, "rate_at")
    return bool(workload.retries or workload.options or classes or fleet.places or fleet.pause)


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
    nobody = np.zeros(len(waits), dtype=bool)
    return _one_attempt(drawn.arrivals, waits, service, gave_up, nobody, warmup)


def _one_attempt(
    arrivals: Drawn,
    waits: Vector,
    service: Vector,
    gave_up: NDArray[np.bool_],
    refused: NDArray[np.bool_],
    warmup: int,
) -> Sample:
    kept, waits = np.arange(len(waits)) >= warmup, _seen_by_the_clock(waits, arrivals.times)
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


def _seen_by_the_clock(waits: Vector, times: Vector) -> Vector:
    """Where arrivals and services keep one beat a slot gets free at the moment a job comes: what is left of the
    roundings in such moments is no wait.
    """
    return np.where(waits > ROUNDINGS * np.spacing(times[-1]), waits, 0.0)


def _sharing_cores(
    service: IoThenCpu, fleet: Fleet, drawn: Draw, random: np.random.Generator, warmup: int
) -> Sample:
    times = drawn.arrivals.times
    io = from_exponential(service.io, drawn.unit)
    cpu = from_exponential(service.cpu, random.standard_exponential(len(times)))
    started, finished = cpu_run.run(times, io, cpu, fleet)
    nobody = np.zeros(len(times), dtype=bool)
    sample = _one_attempt(drawn.arrivals, started - times, finished - started, nobody, nobody, warmup)
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
    options, times = workload.options, drawn.arrivals.times
    made = bull_draws.made(workload, drawn, random)
    pauses = bull_draws.pauses(fleet.pause, float(times[-1]))
    crashing = bull_draws.crashing(options, fleet, float(made.arrivals.times[-1]), random)
    out = queue_run.run(made.jobs, fleet, pauses, options.late_due if options else False, crashing)
    if workload.retries is None and options is None:
        waits = np.nan_to_num(out.waits)
        gave_up, refused = out.outcome == GAVE_UP, out.outcome == REFUSED
        return _one_attempt(drawn.arrivals, waits, made.jobs.hold, gave_up, refused, warmup)
    begins = warmup if options is None else int(np.searchsorted(made.arrivals.times, times[warmup]))
    return _several_attempts(made, out, begins)


def _several_attempts(made: Made, out: queue_run.Outcome, warmup: int) -> Sample:
    arrivals, first, hold = made.arrivals, made.jobs.first, made.jobs.hold
    attempts = np.diff(first)
    owner = np.repeat(np.arange(len(attempts)), attempts)
    started = (owner >= warmup) & ~np.isnan(out.waits)
    firsts = first[:-1][warmup:]
    firsts = firsts[~np.isnan(out.waits[firsts])]
    done = np.flatnonzero(out.outcome == SERVED)
    done = done[done >= warmup]
    again = out.again_jobs >= warmup
    starters = np.concatenate([owner[started], out.again_jobs[again]])
    all_waits = _seen_by_the_clock(
        np.concatenate([out.waits[started], out.again_waits[again]]), arrivals.times
    )
    per_attempt = Series(all_waits, arrivals.classes[starters], arrivals.times[starters])
    completion = out.finished[done] - arrivals.times[done]
    completions = Series(completion, arrivals.classes[done], arrivals.times[done])
    kept = out.outcome[warmup:]
    return Sample(
        {
            "wait": per_attempt,
            "wait_per_attempt": per_attempt,
            "wait_first_attempt": Series(
                _seen_by_the_clock(out.waits[firsts], arrivals.times),
                arrivals.classes[owner[firsts]],
                arrivals.times[owner[firsts]],
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
