"""Knows how to simulate a queue until its figures are sure enough: independent replications, warm-up removed.

Nothing here depends on the number of processors or on the clock: one seed gives one run.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from planner.acceleration import COMPILED
from planner.figures import Name, read_name
from planner.fleet import Fleet
from planner.laws.named import Deterministic, IoThenCpu, Vector
from planner.prediction import Figure, Tail
from planner.simulation import tally
from planner.simulation.budget import jobs_within
from planner.simulation.bull_draws import Draw
from planner.simulation.controls import controls_for
from planner.simulation.effort import Effort
from planner.simulation.estimates import ControlledTail, Regression, regression
from planner.simulation.known_durations import Known, known_beside_waits
from planner.simulation.run_length import length
from planner.simulation.runs import Sample, Series, draw, first_jobs, replicate
from planner.workload import Workload

BINS = 24
# Durations by subject, priority class and part of the period; None is all.
Slice = tuple[str, int | None, int | None]
# Without a compiler replications are this many times shorter, so that there are enough of them in the time.
UNCOMPILED = 20


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
            starts = self.workload.life.starts
            service, names = self.workload.service, self.names.values()
            return jobs_within(self.effort.seconds, service, self.controls, names, starts)
        return given if COMPILED else given // UNCOMPILED

    @property
    def _rounds_at_least(self) -> int:
        """One round of days is enough to know how much they differ."""
        return self.effort.rounds_at_least if self.length.kept_seconds == 0.0 else 1

    def doubts(self, figures: dict[str, Figure]) -> tuple[str, ...]:
        """Figures that so many jobs did not make sure."""
        wide = [n for n, f in figures.items() if self.effort.seen(self.names[n], f) > 2.5]
        found = [
            f"{n}: band of ±{figures[n].half_width:.3g}{self.names[n].unit} after {self.jobs:,} jobs"
            for n in wide
        ]
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
        fit, tails = regression(controls), dict[Slice, ControlledTail]()
        return {text: self._figure(name, fit, tails) for text, name in self.names.items()}

    def tail(self, subject: str) -> Tail:
        """The share of durations longer than so many seconds, of a subject of which a quantile was wanted."""
        rows = [run.tallies[subject, None, None].shares for run in self.done]
        fit = regression(np.array([run.controls for run in self.done]))
        return fit.seen_tail(rows)

    def _figure(self, name: Name, fit: Regression, tails: dict[Slice, ControlledTail]) -> Figure:
        """`tails` are those that other figures have asked for."""
        if name.statistic == "scalar":
            return self._scalar(name.subject, fit)
        if (known := self._known_beside_waits(name)) is not None:
            waits = self._figure(replace(name, subject=known.subject), fit, tails)
            return Figure(known.times * waits.value + known.seconds, known.times * waits.half_width)
        part = self._worst_bin() if name.worst_bin else None
        key = (self._subject(name), name.priority_class, part)
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

    def _known_beside_waits(self, name: Name) -> Known | None:
        workload = self.workload
        loses = workload.patience is not None or self.fleet.places is not None
        if name.statistic != "mean" or loses or workload.options is not None:
            return None
        return known_beside_waits(name.subject, workload)

    def _subject(self, name: Name) -> str:
        """The durations that a figure is read from."""
        known = self._known_beside_waits(name)
        subject = name.subject if known is None else known.subject
        return "wait" if subject == "wait_offered_capped" else subject

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
            subject = "wait" if name.subject == "worst_bin" else self._subject(name)
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
