"""Whether the planner's answers come true in real BullMQ: replay, replay on other slots, the band of a fitted workload.

    python -m tests.bench.planner_bullmq [JOBS]

A real Redis, real BullMQ 5 workers in one or two processes, Poisson and bursty arrivals, lognormal and two-speed work
done by timers; each run is recorded by `bullgauge-exporter record`. Runs come one after another, before other programs
of the machine where the system allows it.

  same    a run replayed on its own slots: mean and 95th percentile of the wait within 5 % or 2 ms
  other   its trace replayed on half to double of its slots, below 90 % load: those of a real run there, with the same
          arrivals and services, within 7 % or 3 ms
  band    a workload fitted to one run: its 90 % band holds at least 8 of 10 runs of other chance, each figure

Exits 1 when one is missed. Misses stay in the table, also those of runs during which the machine was late.
"""

import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.bullmq_answers import Figures, band, replayed
from tests.bench.bullmq_runs import Machine, Run, Timetable, timetable

FIGURES = ("mean", "p95")
# About 6.9 slots are busy.
PER_SECOND, SERVICE_SECONDS = 46.0, 0.15
MOST_LOAD = 0.89
SAME, OTHER = (0.05, 0.002), (0.07, 0.003)
BANDS_HELD = 8
# Times in a trace are whole milliseconds: a wait, the difference of two, is off by as much at most.
CLOCK_SECONDS = 0.001
# An idle program that was later than this says that the machine had no time for the run.
LATE_MS = 15.0


@dataclass(frozen=True, slots=True)
class Setup:
    """One timetable, recorded on `slots` in `processes`, and worked off again on `others`."""

    seed: int
    kind: str
    slots: int
    processes: int
    others: tuple[int, ...]


SETUPS = (
    Setup(1, "poisson lognormal", 16, 1, (8,)),
    Setup(2, "poisson two-speed", 12, 2, (9,)),
    Setup(3, "bursty lognormal", 16, 2, (8,)),
    Setup(4, "bursty two-speed", 14, 1, (9, 20)),
    Setup(5, "poisson lognormal", 8, 2, (12,)),
    Setup(6, "poisson two-speed", 9, 1, (18,)),
    Setup(7, "bursty lognormal", 10, 1, (8,)),
    Setup(8, "bursty two-speed", 10, 2, (8,)),
    Setup(9, "poisson lognormal", 10, 1, (8,)),
    Setup(10, "bursty two-speed", 12, 2, (9,)),
)


@dataclass(frozen=True, slots=True)
class Done:
    """A run of a setup on `slots`."""

    setup: Setup
    slots: int
    jobs: Timetable
    run: Run

    @property
    def title(self) -> str:
        late = f" (idle program {self.run.late_ms:.0f} ms late)" if self.run.late_ms > LATE_MS else ""
        return f"{self.setup.seed:>2} {self.setup.kind} {self.setup.processes}p{late}"


def load(jobs: Timetable, slots: int) -> float:
    """Work of the timetable over its span."""
    return sum(milliseconds for _, milliseconds in jobs) / 1000 / jobs[-1][0] / slots


def main(count: int = 700) -> int:
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        with Machine(Path(folder)) as machine:
            runs = [_done(machine, setup, setup.slots, count) for setup in SETUPS]
            others = [(done, _done(machine, done.setup, n, count)) for done in runs for n in _others(done)]
        first = "before other programs" if machine.preferred else "at the same priority as other programs"
        everything = [*runs, *(there for _, there in others)]
        spent = time.monotonic() - began
        print(f"{len(everything)} runs of {count} jobs, {first}, in {spent:.0f} s")
        missed = _same(everything) + _other(others) + _bands(runs)
    print(f"{missed} missed, {time.monotonic() - began:.0f} s in all")
    return 1 if missed else 0


def _done(machine: Machine, setup: Setup, slots: int, count: int) -> Done:
    jobs = timetable(setup.seed, count, PER_SECOND, SERVICE_SECONDS, setup.kind)
    run = machine.run(f"run-{setup.seed}-{slots}", jobs, slots, setup.processes)
    print(
        f"run {setup.seed} on {slots} slots: machine load {run.machine_load:.1f}", file=sys.stderr, flush=True
    )
    return Done(setup, slots, jobs, run)


def _others(done: Done) -> Iterator[int]:
    """The wanted slots, or the fewest above them that the timetable loads little enough."""
    for wanted in done.setup.others:
        slots = wanted
        while load(done.jobs, slots) > MOST_LOAD:
            slots += 1
        if slots != done.slots:
            yield slots


def _same(runs: Sequence[Done]) -> int:
    print("\nsame: replayed on its own slots, within 5 % or 2 ms")
    rows = [(done, done.slots, *replayed(done.run.trace, done.slots)) for done in runs]
    return _compared(rows, SAME)


def _other(pairs: Sequence[tuple[Done, Done]]) -> int:
    print("\nother: a trace replayed on other slots, beside a real run there, within 7 % or 3 ms")
    rows = []
    for done, there in pairs:
        observed, _ = replayed(there.run.trace, there.slots)
        rows.append((there, done.slots, observed, replayed(done.run.trace, there.slots)[1]))
    return _compared(rows, OTHER)


def _compared(rows: Sequence[tuple[Done, int, Figures, Figures]], allowed: tuple[float, float]) -> int:
    missed = 0
    print(
        f"{'recorded':>8}{'slots':>6}{'load':>6}" + "".join(f"{f'{f} seen':>11}{'said':>9}" for f in FIGURES)
    )
    for done, recorded, seen, said in rows:
        wrong = [f for f in FIGURES if abs(said[f] - seen[f]) > max(allowed[0] * seen[f], allowed[1])]
        missed += len(wrong)
        cells = "".join(f"{1000 * seen[f]:>8.1f} ms{1000 * said[f]:>9.1f}" for f in FIGURES)
        verdict = f"MISSED {', '.join(wrong)}" if wrong else "ok"
        share = load(done.jobs, done.slots)
        print(f"{recorded:>8}{done.slots:>6}{share:>6.0%}{cells}  {verdict:<8}  {done.title}")
    return missed


def _bands(runs: Sequence[Done]) -> int:
    """Each run is held against the workload fitted to another run of the same kind."""
    print("\nband: 9 of 10 runs, said by predict of a workload that fit made of another run of its kind")
    print(f"{'fitted to':>9}{'slots':>6}" + "".join(f"{f'{f} seen':>11}{'band':>21}" for f in FIGURES))
    held = dict.fromkeys(FIGURES, 0)
    for done in runs:
        kin = [other for other in runs if other.setup.kind == done.setup.kind]
        source = kin[kin.index(done) - 1]
        seen, _ = replayed(done.run.trace, done.slots)
        ends = band(source.run.trace, source.slots, done.slots, len(done.jobs))
        out = [f for f in FIGURES if not _inside(ends[f], seen[f])]
        held = {f: held[f] + (f not in out) for f in FIGURES}
        cells = "".join(_cell(seen[f], *ends[f]) for f in FIGURES)
        verdict = f"OUT {', '.join(out)}" if out else "in"
        print(f"{source.setup.seed:>9}{done.slots:>6}{cells}  {verdict:<8}  {done.title}")
    print(", ".join(f"{f}: {n} of {len(runs)} held" for f, n in held.items()))
    return sum(n < BANDS_HELD for n in held.values())


def _inside(ends: tuple[float, float], seen: float) -> bool:
    return ends[0] - CLOCK_SECONDS <= seen <= ends[1] + CLOCK_SECONDS


def _cell(seen: float, low: float, high: float) -> str:
    return f"{1000 * seen:>8.1f} ms{f'{1000 * low:.1f} to {1000 * high:.1f}':>21}"


if __name__ == "__main__":
    sys.exit(main(*(int(argument) for argument in sys.argv[1:])))
