"""Knows what an outage of the provider does to a queue: the backlog and its peak, the drain, the storm of retries.

Simulated, since the peak of one outage is no mean: each run is one outage as it may come, and the band holds 9 of 10.
An attempt that starts while the provider is away fails; one that has started before ends as it would have.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from planner.errors import BadInput
from planner.exact.limits import ceiling
from planner.fleet import Fleet
from planner.laws.named import IoThenCpu, Vector
from planner.whatif.outage_run import ONCE, Away, Story, run
from planner.workload import Retries, Workload

SEED = 1
BAND = (0.05, 0.95)
RUNS = (8, 40)
# Jobs of all runs together: some ten seconds.
MOST_JOBS = 2_000_000
# The storm is the busiest so many seconds.
STORM_SECONDS = 10.0
# Drained: no more jobs held back than in 95 of 100 moments before.
USUAL = 0.95
# Longer than this many times the outage is not looked at.
LONGEST = 64


@dataclass(frozen=True, slots=True)
class Outage:
    """How long the provider is away; `fails_after` are seconds until an attempt fails then, the service's when None."""

    seconds: float
    fails_after: float | None = None


@dataclass(frozen=True, slots=True)
class Ends:
    """The mean over runs, and the two ends between which 9 of 10 lie."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Aftermath:
    """`drained_seconds` count from the end of the outage; None where the queue does not drain in `looked_seconds`."""

    runs: int
    looked_seconds: float
    usual_backlog: Ends
    peak_backlog: Ends
    peak_seconds: Ends
    drained_seconds: Ends | None
    usual_starts_per_second: Ends
    storm_starts_per_second: Ends
    attempts_wasted: Ends
    failed_for_good: Ends
    wait_p95_seconds: Ends


def aftermath(workload: Workload, fleet: Fleet, outage: Outage, where: str, seed: int = SEED) -> Aftermath:
    """Raises BadInput for a queue that this can't tell."""
    fleet = fleet.at_work
    _check(workload, fleet, where)
    retries = workload.retries or ONCE
    slack = ceiling(workload, fleet).per_second - workload.attempts_per_second
    after = _first_guess(workload, outage, retries, slack)
    longest = LONGEST * outage.seconds
    while True:
        # A few runs tell whether it is long enough, before all are made.
        for most in RUNS:
            found = _runs(workload, fleet, outage, retries, after, where, most, seed)
            if any(one["drained"] is None for one in found):
                break
        if all(one["drained"] is not None for one in found) or after >= longest:
            return _summed(found, after)
        after = min(2.0 * after, longest)


def _check(workload: Workload, fleet: Fleet, where: str) -> None:
    if isinstance(workload.service, IoThenCpu) or fleet.places or workload.patience:
        raise BadInput(f"{where}: told for queues without io_then_cpu, places and patience; leave them out")
    if workload.options is not None or fleet.pause is not None:
        raise BadInput(
            f"{where}: told for jobs first come first served; leave out library, priorities, lifo, delayed, children, "
            "stalls and pause"
        )
    if ceiling(workload, fleet).per_second <= workload.attempts_per_second:
        raise BadInput(f"{where}: the queue is unstable without an outage; give it more slots first")


def _first_guess(workload: Workload, outage: Outage, retries: Retries, slack: float) -> float:
    """Seconds to look beyond the outage: what flows in while it lasts, drained by what is left of the ceiling."""
    drain = workload.arrivals.per_second * outage.seconds / slack
    last = sum(retries.delay_after(k) for k in range(1, min(retries.attempts, 20)))
    return min(
        LONGEST * outage.seconds, 2.0 * drain + min(last, 4.0 * outage.seconds) + 0.25 * outage.seconds
    )


def _runs(
    workload: Workload,
    fleet: Fleet,
    outage: Outage,
    retries: Retries,
    after: float,
    where: str,
    most: int,
    seed: int,
) -> list[dict[str, Any]]:
    before = max(outage.seconds, 100.0 * workload.service.mean)
    jobs = math.ceil(workload.arrivals.per_second * (before + outage.seconds + after))
    if jobs * RUNS[0] > MOST_JOBS:
        most = MOST_JOBS // RUNS[0]
        raise BadInput(
            f"{where}: {jobs:,} jobs until it is over; at most {most:,} are simulated, take a shorter one"
        )
    away = Away(before, before + outage.seconds)
    count = int(min(most, max(RUNS[0], MOST_JOBS // max(jobs, 1))))
    seeds = np.random.SeedSequence(seed).spawn(count)
    return [_one(workload, fleet, outage, retries, away, away.ends + after, chance) for chance in seeds]


def _one(
    workload: Workload,
    fleet: Fleet,
    outage: Outage,
    retries: Retries,
    away: Away,
    until: float,
    chance: np.random.SeedSequence,
) -> dict[str, Any]:
    random = np.random.default_rng(chance)
    arrivals = _until(workload, until, random)
    assert not isinstance(workload.service, IoThenCpu)
    fails = outage.fails_after
    story = run(arrivals, workload.service, fails, fleet.slots, retries, fleet.rate_limit, away, random)
    return _told(story, arrivals, away, until)


def _until(workload: Workload, until: float, random: np.random.Generator) -> Vector:
    count = int(workload.arrivals.per_second * until * 1.1) + 50
    while True:
        times = workload.arrivals.draw(random, count).times
        if times[-1] >= until:
            return np.asarray(times[times < until])
        count = 2 * count


def _told(story: Story, arrivals: Vector, away: Away, until: float) -> dict[str, Any]:
    moments, held = np.array(story.moments), np.array(story.held_back)
    starts, waits = np.array(story.starts), np.array(story.first_waits)
    # The first part is the queue filling from empty.
    steady = (moments >= away.begins / 4) & (moments < away.begins)
    usual = float(np.quantile(held[steady], USUAL)) if steady.any() else 0.0
    peak = int(np.argmax(np.where(moments >= away.begins, held, -1)))
    drained = _drained(moments, held, away, usual, until)
    during = (arrivals >= away.begins) & (arrivals < away.ends + (drained or until - away.ends))
    lost = (starts >= away.begins) & (starts < away.ends)
    return {
        "usual_backlog": float(held[steady].mean()) if steady.any() else 0.0,
        "peak_backlog": float(held[peak]),
        "peak_seconds": float(moments[peak] - away.begins),
        "drained": drained,
        "usual_starts_per_second": float((starts < away.begins).sum() / away.begins),
        "storm_starts_per_second": _busiest(starts[starts >= away.begins]),
        "attempts_wasted": float(lost.sum()),
        "failed_for_good": float(story.failed),
        "wait_p95_seconds": float(np.quantile(waits[during], 0.95)) if during.any() else 0.0,
    }


def _drained(moments: Vector, held: Vector, away: Away, usual: float, until: float) -> float | None:
    """Seconds from the end of the outage until no more jobs are held back than usual."""
    well = (moments >= away.ends) & (held <= usual)
    if not well.any():
        return None
    moment = float(moments[np.argmax(well)])
    # The arrivals end there, so that a queue drains then in any case.
    return moment - away.ends if moment < until else None


def _busiest(starts: Vector) -> float:
    """Starts a second in the busiest STORM_SECONDS."""
    inside = np.searchsorted(starts, starts + STORM_SECONDS) - np.arange(len(starts))
    return float(inside.max(initial=0)) / STORM_SECONDS


def _summed(found: list[dict[str, Any]], looked: float) -> Aftermath:
    ends = {name: _ends([one[name] for one in found]) for name in found[0] if name != "drained"}
    drained = [one["drained"] for one in found]
    known = None if None in drained else _ends(drained)
    return Aftermath(runs=len(found), looked_seconds=looked, drained_seconds=known, **ends)


def _ends(values: list[float]) -> Ends:
    low, high = np.quantile(values, BAND)
    return Ends(float(np.mean(values)), float(low), float(high))
