"""Knows how many jobs one replication needs, and how many of its first are left out: long against what the queue
remembers.
"""

import math
from dataclasses import dataclass

from planner.exact.limits import clockwork, overloads_of
from planner.fleet import Fleet
from planner.laws.arrivals import Mmpp
from planner.laws.named import IoThenCpu, scv
from planner.workload import Workload

# A replication of more jobs than this takes more memory than a small machine has.
MOST_JOBS = 6_000_000
# Crashes in one replication; fewer where that takes millions of jobs.
CRASHES = 50


@dataclass(frozen=True, slots=True)
class Length:
    """Jobs of one replication, and how many of the first are left out; where rates follow the clock the seconds
    left out, and the seconds kept after them.
    """

    jobs: int
    warmup: int
    warmup_seconds: float = 0.0
    kept_seconds: float = 0.0


def length(workload: Workload, fleet: Fleet, shortest: int = 300_000) -> Length:
    """Long against the time the queue takes to forget its start."""
    rate = workload.arrivals.per_second
    service = workload.service
    variability = 1.0 if isinstance(service, IoThenCpu) else scv(service)
    held = 4.0 * fleet.slots * (1.0 + min(variability, 100.0))
    open_share = fleet.pause.open_share if fleet.pause else 1.0
    slack = max(1.0 - workload.offered_load / fleet.slots / open_share, 1e-3)
    queue = 2.0 * (1.0 + _arrival_variability(workload) + variability) / slack**2
    if workload.patience is not None:
        queue = min(queue, 10.0 * rate * workload.patience.mean)
    if fleet.places is not None:
        # From empty to full and back, also at a load at which the room fills and empties by chance alone: M/M/1 with
        # K places forgets in K²/π² jobs then.
        queue = min(queue, 4.0 * fleet.places**2)
    if fleet.rate_limit is not None:
        queue += 4.0 / max(1.0 - workload.attempts_per_second / fleet.rate_limit.per_second, 1e-3) ** 2
    forgotten = min(held + queue + rate * _clockwork(workload), 500_000)
    if clockwork(workload, fleet) is not None:
        return _whole_periods(workload, fleet, forgotten, shortest)
    # A parent brings its children, which a replication must have room for.
    each = workload.options.jobs_per_add if workload.options else 1.0
    jobs = int(min(max(shortest, 12 * forgotten, _crashes_met(workload, fleet)), 4_000_000) / each)
    return Length(jobs, int(max(forgotten / each, jobs / 20)))


def _whole_periods(workload: Workload, fleet: Fleet, forgotten: float, shortest: int) -> Length:
    """Part of a period would count some hours more often than others; a backlog carried over must be there first."""
    clock = clockwork(workload, fleet)
    assert clock is not None
    rate, period = clock.per_second, clock.period
    carried = [one.drained - period for one in overloads_of(workload, fleet)]
    warmup = max(0.0, *carried, 0.0) + forgotten / rate
    # Delayed jobs go round in the run, which is whole periods then.
    if workload.options is not None and workload.options.delayed is not None:
        warmup = math.ceil(warmup / period) * period
    most = max(1, int((MOST_JOBS / workload.jobs_per_second - warmup) / period))
    periods = min(math.ceil(max(shortest, 4 * forgotten) / rate / period), most)
    jobs = (warmup + periods * period) * rate
    # The rate may be far from its mean in the last part of a period.
    spare = clock.largest_rate * warmup + 8.0 * math.sqrt(jobs * max(1.0, _arrival_variability(workload)))
    return Length(int(jobs + spare + 50), int(warmup * rate), warmup, periods * period)


def _arrival_variability(workload: Workload) -> float:
    interval = getattr(workload.arrivals, "interval", None)
    sizes = getattr(workload.arrivals, "sizes", None)
    return scv(interval) if interval is not None else float(max(sizes)) if sizes else 1.0


def _clockwork(workload: Workload) -> float:
    """Seconds that arrivals, retries and stalls take to go round once or so."""
    arrivals, retries = workload.arrivals, workload.retries
    seconds = 0.0
    if isinstance(arrivals, Mmpp):
        seconds += 4.0 * sum(1.0 / rate for rate in arrivals.switch_per_second)
    if retries is not None:
        seconds += 2.0 * sum(retries.delay_after(k) for k in range(1, retries.attempts))
    options = workload.options
    for lost in (options.stalls, options.crashes) if options else ():
        if lost is not None:
            seconds += 2.0 * (lost.lock_seconds + lost.check_seconds + lost.restart_seconds)
    return seconds


def _crashes_met(workload: Workload, fleet: Fleet) -> float:
    """Jobs that come while so many processes crash that one replication is like another."""
    crashes = workload.options.crashes if workload.options else None
    if crashes is None:
        return 0.0
    return CRASHES * workload.arrivals.per_second * crashes.every_seconds / fleet.processes
