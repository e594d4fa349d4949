"""Knows the figures of a queue from one short run beside its likeness, each with the band that the run itself shows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from planner.acceleration import COMPILED
from planner.figures import Name, read_name
from planner.laws.named import Law, Matrix, Vector
from planner.prediction import Figure
from planner.simulation.estimates import Regression, regression
from planner.size.screening import Screen
from planner.size.trial import SEGMENTS
from planner.size.trial_chance import FIRST, STRETCHES, Chance
from planner.size.trial_run import BLOCK, Bins, Run

# Stretches of a survey at least: 160,000 jobs. Without a compiler there is one, 40,000.
LEAST = 3 if COMPILED else 1
# Where the tail is held against that of the likeness, the most wanted first; 1 is the chance to wait.
_MARKS = (0.05, 1.0, 0.5, 0.01, 0.1)


def survey(
    screen: Screen, slots: int, wanted: Sequence[str], chance: Chance
) -> tuple[dict[str, Figure], int]:
    """The figures of waits and sojourns (names: planner/figures.py), and how many jobs were run."""
    stretches = stretches_needed(screen.forgotten_after(slots))
    clock, unit = chance.until(stretches)
    warmup = min(max(screen.forgotten_after(slots), len(clock) / 20), len(clock) / 2)
    each = int(len(clock) - warmup) // (SEGMENTS * BLOCK) * BLOCK
    bins = Bins(screen.service.mean)

    def ran(law: Law, with_stays: bool = False) -> _Seen:
        run, begin = Run(screen.arrival_rate, law, slots, chance), len(clock) - each * SEGMENTS
        run.tallied(clock[:begin], unit[:begin], bins, stays=False)
        parts = [
            run.tallied(clock[at : at + each], unit[at : at + each], bins, with_stays)
            for at in range(begin, len(clock), each)
        ]
        waits, stays = (
            _above(np.concatenate(some), each)
            for some in ([p.waits for p in parts], [p.stays for p in parts])
        )
        return _Seen(waits, stays, np.concatenate([p.wait_seconds for p in parts]) / each)

    likenesses, edges = screen.likenesses(slots), bins.edges
    real = ran(screen.service, with_stays=True)
    mean = real.waits.mean(axis=0)
    # At edges of bins, where counts are exact; the first is where waiting begins.
    marks = list(dict.fromkeys(0 if rest == 1.0 else int(np.argmin(np.abs(mean - rest))) for rest in _MARKS))
    excess = []
    for likeness in likenesses:
        other = ran(likeness.law)
        truth = likeness.solved(edges[marks])
        excess.append(np.vstack([other.mean, other.waits[:, marks].T]) - truth[:, None])
    # Interleaved: where there are too many, the last of each are left out.
    fit = regression(np.array([row for rows in zip(*excess, strict=True) for row in rows]).T)
    told = _Told(fit, edges, real, screen.service.mean)
    return {text: told.figure(read_name(text)) for text in wanted}, clock.size


def stretches_needed(forgotten: float) -> int:
    """For a run that is long against the time the queue remembers its start."""
    rows, stretches = FIRST << (LEAST - 1), LEAST
    while COMPILED and rows < 10.0 * forgotten and stretches < STRETCHES:
        rows, stretches = 2 * rows, stretches + 1
    return stretches


@dataclass(frozen=True)
class _Seen:
    """In each part of a run, a row a part: P(X > edge) for waits and stays, and the mean wait."""

    waits: Matrix
    stays: Matrix
    mean: Vector


def _above(counts: Matrix, each: int) -> Matrix:
    """P(X > lower edge of a bin), from counts a bin; what lies in bin 0 waits (almost) not."""
    longer = np.cumsum(counts[:, ::-1], axis=1)[:, ::-1] / each
    longer[:, 0] = longer[:, 1]
    return longer


@dataclass(frozen=True)
class _Told:
    """One run, ready to be asked."""

    fit: Regression
    edges: Vector
    real: _Seen
    service_mean: float

    def figure(self, name: Name) -> Figure:
        stays = name.subject == "sojourn"
        if name.statistic == "mean":
            wait = self.fit.figure(self.real.mean)
            return Figure(wait.value + self.service_mean, wait.half_width) if stays else wait
        shares = self.real.stays if stays else self.real.waits
        if name.statistic == "quantile":
            return self._quantile(shares, name.level)
        if name.statistic == "prob":
            return self.fit.figure(shares[:, 0])
        assert name.statistic == "share_within"
        return self.fit.figure(np.array([1.0 - np.interp(name.level, self.edges, row) for row in shares]))

    def _quantile(self, shares: Matrix, level: float) -> Figure:
        tail, rest = np.minimum.accumulate(self.fit.weights @ shares), 1.0 - level
        band = self.fit.figure(shares[:, int(np.argmin(np.abs(tail - rest)))]).half_width
        ends = (self._crossing(tail, min(rest + band, 1.0)), self._crossing(tail, max(rest - band, 1e-12)))
        return Figure(self._crossing(tail, rest), (ends[1] - ends[0]) / 2)

    def _crossing(self, tail: Vector, rest: float) -> float:
        """Where the tail falls to `rest`: straight lines between the edges."""
        return 0.0 if tail[0] <= rest else float(np.interp(rest, tail[::-1], self.edges[::-1]))
