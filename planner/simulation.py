"""Knows how to simulate a queue until its figures are sure enough: independent replications, warm-up removed.

Nothing here depends on the number of processors or on the clock: one seed gives one run.
"""

import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from planner import tally
from planner.acceleration import COMPILED
from planner.arrivals import Mmpp
from planner.bull_draws import Draw
from planner.controls import controls_for
from planner.estimates import Regression, Tail, regression
from planner.figures import Name, read_name
from planner.fleet import Fleet
from planner.laws import Deterministic, IoThenCpu, Vector, scv
from planner.limits import clockwork, overloads_of
from planner.prediction import Figure
from planner.runs import Sample, Series, draw, first_jobs, replicate
from planner.simulation_budget import jobs_within
from planner.simulation_effort import Effort
from planner.workload import Workload

BINS = 24
# Durations by subject, priority class and part of the period; None is all.
Slice = tuple[str, int | None, int | None]
# Without a compiler replications are this many times shorter, so that there are enough of them in the time.
UNCOMPILED = 20


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


@dataclass(frozen=True, slots=True)
class Replication:
    """What is kept of one run."""

    tallies: dict[Slice, tally.Tally]
    scalars: dict[str, float]
    controls: Vector


class Simulation:
    """Replications of one queue, made round by round."""

    def __init__(self, workload: Workload, fleet: Fleet, wanted: tuple[str, ...], effort: Effort) -> None:
        self.workload, self.fleet, self.effort = workload, fleet.at_work, effort
        self.names = {text: read_name(text) for text in wanted}
        shortest = effort.shortest if COMPILED else effort.shortest // UNCOMPILED
        self.length = length(workload, self.fleet, shortest)
        self.controls = controls_for(workload, self.fleet)
        self.seeds = np.random.SeedSequence(effort.seed)
        self.done: list[Replication] = []

    def run(self) -> dict[str, Figure]:
        """Rounds until sure enough or out of jobs."""
        with ThreadPoolExecutor(self.effort.threads) as pool:
            for rounds in range(1, 10_000):
                self.done += pool.map(self._replicate, self.seeds.spawn(self.effort.round_size))
                if rounds < self._rounds_at_least:
                    continue
                figures = self.figures()
                if self._sure(figures) or self.jobs >= self.most_jobs:
                    break
        return figures

    @property
    def most_jobs(self) -> int:
        """After so many no further round is begun."""
        given = self.effort.most_jobs
        if given is None:
            return jobs_within(self.effort.seconds, self.workload.service, self.controls, self.names.values())
        return given if COMPILED else given // UNCOMPILED

    @property
    def _rounds_at_least(self) -> int:
        """One round of days is enough to know how much they differ."""
        return self.effort.rounds_at_least if self.length.kept_seconds == 0.0 else 1

    def doubts(self, figures: dict[str, Figure]) -> tuple[str, ...]:
        """Figures that so many jobs did not make sure."""
        wide = [n for n, f in figures.items() if self.effort.seen(self.names[n], f) > 2.5]
        found = [f"{n}: band of ±{figures[n].half_width:.3g} after {self.jobs:,} jobs" for n in wide]
        if not COMPILED:
            found.append("numba is not installed: simulation runs about fifty times slower (extra: fast)")
        return tuple(found)

    @property
    def jobs(self) -> int:
        return len(self.done) * self.length.jobs

    def _sure(self, figures: dict[str, Figure]) -> bool:
        """Every figure is narrow, or lies clear of the bound it is held against."""
        return all(
            self.effort.seen(self.names[n], f) <= 1.0
            or (n in self.effort.bounds and abs(f.value - self.effort.bounds[n]) > 2.0 * f.half_width)
            for n, f in figures.items()
        )

    def figures(self) -> dict[str, Figure]:
        controls = np.array([run.controls for run in self.done])
        fit, tails = regression(controls), dict[Slice, Tail]()
        return {text: self._figure(name, fit, tails) for text, name in self.names.items()}

    def _figure(self, name: Name, fit: Regression, tails: dict[Slice, Tail]) -> Figure:
        """`tails` are those that other figures have asked for."""
        if name.statistic == "scalar":
            return self._scalar(name.subject, fit)
        part = self._worst_bin() if name.worst_bin else None
        key = (_subject(name), name.priority_class, part)
        tallies = [run.tallies[key] for run in self.done]
        if name.statistic == "mean":
            return fit.figure(np.array([one.mean for one in tallies]))
        if name.statistic == "prob":
            positive = np.array([one.shares[0] for one in tallies])
            # None of n seen is less than 3/n with 95 % confidence.
            return (
                fit.figure(positive) if positive.any() else Figure(0.0, 3.0 / sum(t.count for t in tallies))
            )
        if name.statistic == "share_within":
            return fit.figure(np.array([1.0 - tally.share_above(t.shares, name.level) for t in tallies]))
        if key not in tails:
            tails[key] = fit.tail([one.shares for one in tallies])
        found = fit.quantile(tails[key], name.level)
        return Figure(min(found.value, self._longest(name)), found.half_width)

    def _longest(self, name: Name) -> float:
        """Nobody waits longer than a fixed patience: its bin in the tally is 0.3 % wide, the value is not."""
        fixed = isinstance(self.workload.patience, Deterministic) and name.subject.startswith("wait")
        return self.workload.patience.mean if fixed and self.workload.patience else np.inf

    def _scalar(self, name: str, fit: Regression) -> Figure:
        if name == "worst_bin":
            return Figure(float(self._worst_bin()))
        if name == "mean_attempts":
            return Figure(self.workload.life.starts)
        if name == "final_failure_ratio":
            return Figure(self.workload.life.failed)
        if name in ("util", "throughput") and not isinstance(self.workload.service, IoThenCpu):
            lost = fit.figure(np.array([r.scalars["p_timeout"] + r.scalars["p_block"] for r in self.done]))
            full = self.workload.jobs_per_second
            if name == "util":
                full = self.workload.offered_load / self.fleet.slots
            most = 1.0 if name == "util" else full
            return Figure(min(full * (1.0 - lost.value), most), full * lost.half_width)
        if name == "mean_slot_occupancy" or (name == "util" and isinstance(self.workload.service, IoThenCpu)):
            held = fit.figure(np.array([r.scalars["mean_service_stretched"] for r in self.done]))
            rate = self.workload.arrivals.per_second / self.fleet.slots
            return Figure(held.value * rate, held.half_width * rate)
        return fit.figure(np.array([r.scalars[name] for r in self.done]))

    def _worst_bin(self) -> int:
        means = [np.mean([r.tallies["wait", None, part].mean for r in self.done]) for part in range(BINS)]
        return int(np.nanargmax(means))  # no mean where nobody comes

    def _replicate(self, seed: np.random.SeedSequence) -> Replication:
        random = np.random.default_rng(seed)
        drawn, warmup = self._drawn(random)
        sample = replicate(self.workload, self.fleet, drawn, random, warmup)
        excess = [control.run(drawn, warmup) for control in self.controls]
        return Replication(
            {key: tally.tally(values) for key, values in self._selected(sample)},
            sample.scalars,
            np.concatenate(excess) if excess else np.zeros(0),
        )

    def _drawn(self, random: np.random.Generator) -> tuple[Draw, int]:
        """The chance of one replication, and how many of its first jobs are left out."""
        drawn, length = draw(self.workload, random, self.length.jobs), self.length
        if length.kept_seconds == 0.0:
            return drawn, length.warmup
        begins = length.warmup_seconds
        first, last = np.searchsorted(drawn.arrivals.times, [begins, begins + length.kept_seconds])
        return replace(first_jobs(drawn, int(last)), span=begins + length.kept_seconds), int(first)

    def _selected(self, sample: Sample) -> Iterator[tuple[Slice, Vector]]:
        """The durations each wanted figure is read from, once each."""
        seen = set()
        for name in self.names.values():
            bins = range(BINS) if name.worst_bin or name.subject == "worst_bin" else [None]
            if name.statistic == "scalar" and name.subject != "worst_bin":
                continue
            subject = "wait" if name.subject == "worst_bin" else _subject(name)
            for part in bins:
                key = (subject, name.priority_class, part)
                if key not in seen:
                    seen.add(key)
                    yield key, self._slice(sample.series[subject], name.priority_class, part)

    def _slice(self, series: Series, priority_class: int | None, part: int | None) -> Vector:
        chosen = np.ones(len(series.seconds), dtype=bool)
        if priority_class is not None:
            chosen &= series.classes == priority_class
        if part is not None:
            period = self.workload.arrivals.period  # type: ignore[attr-defined]
            chosen &= (series.arrivals % period / period * BINS).astype(int) == part
        return series.seconds[chosen]


def _subject(name: Name) -> str:
    return "wait" if name.subject == "wait_offered_capped" else name.subject
