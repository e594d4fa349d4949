"""Knows how a queue is run through the chance that trials share, stretch after stretch, compiled or not."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from planner.acceleration import COMPILED
from planner.laws.named import Exponential, Gamma, Ints, Law, Matrix, Mixture, Vector, is_continuous
from planner.size import trial_kernel
from planner.size.trial_chance import LANES, Chance

# Cells of the table of services, over unit exponentials up to 40: straight lines between err by less than 1e-4.
CELLS = 4_000
CELLS_PER_UNIT = CELLS / 40.0
# Rows whose late jobs are counted together.
BLOCK = 125


class Run:
    """One queue; each stretch goes on where the one before ended."""

    def __init__(self, arrival_rate: float, service: Law, slots: int, chance: Chance) -> None:
        self.seconds_per_tick, self.chance = 1.0 / arrival_rate, chance
        self.table = _table(service)  # type: ignore[arg-type]  # laws are frozen
        self.free = np.zeros((slots, LANES))

    def stretch(self, number: int) -> tuple[Matrix, Matrix]:
        """Waits and services in seconds, a row the next job of each lane."""
        clock, unit = self.chance.stretch(number)
        waits, services = np.empty_like(clock), np.empty_like(clock)
        walk = trial_kernel.run if COMPILED else _walk
        walk(clock, unit, self.seconds_per_tick, self.table, CELLS_PER_UNIT, self.free, waits, services)
        return waits, services

    def late(self, number: int, seconds: float) -> Matrix:
        """How many of a stretch wait longer, a row for each BLOCK of its rows."""
        if not COMPILED:
            waits, _ = self.stretch(number)
            return np.asarray((waits > seconds).reshape(-1, BLOCK, LANES).sum(axis=1), dtype=float)
        clock, unit = self.chance.stretch(number)
        counts = np.empty((len(clock) // BLOCK, LANES))
        waits, services = np.empty((2, BLOCK, LANES))
        trial_kernel.late(
            clock, unit, self.seconds_per_tick, self.table, CELLS_PER_UNIT, self.free, waits, services, seconds, counts
        )  # fmt: skip
        return counts

    def tallied(self, clock: Matrix, unit: Matrix, bins: "Bins", stays: bool = True) -> "Counts":
        """Run on over as many whole blocks as there are of `clock`; stays are only counted where they are wanted."""
        counts = np.zeros((2, LANES, bins.count), dtype=np.int64)
        found = Counts(counts[0], counts[1, : LANES if stays else 0], np.zeros(LANES))
        waits, services = np.empty((2, BLOCK, LANES))
        if COMPILED:
            trial_kernel.tally(
                clock, unit, self.seconds_per_tick, self.table, CELLS_PER_UNIT, self.free, waits, services,
                waits.view(np.int64), services.view(np.int64), bins.shift, bins.first,
                found.waits, found.stays, found.wait_seconds,
            )  # fmt: skip
            return found
        waits, services = np.empty_like(clock), np.empty_like(clock)
        _walk(clock, unit, self.seconds_per_tick, self.table, CELLS_PER_UNIT, self.free, waits, services)
        for values, bin_counts in ((waits, found.waits), (waits + services, found.stays)):
            place = np.clip((values.view(np.int64) >> bins.shift) - bins.first, 0, bins.count - 1)
            for lane in range(len(bin_counts)):
                bin_counts[lane] = np.bincount(place[:, lane], minlength=bins.count)
        found.wait_seconds[:] = waits.sum(axis=0)
        return found


@dataclass(frozen=True)
class Bins:
    """A bin is the exponent and the first bits of the mantissa: 3 % wide at most. Bin 0 holds all below a millionth of
    `middle`, the last all above 4,000 times that.
    """

    middle: float
    bits: int = 5
    octaves_below: int = 20
    octaves_above: int = 12

    @property
    def shift(self) -> int:
        return 52 - self.bits

    @property
    def first(self) -> int:
        return (
            int((np.array([self.middle]).view(np.int64)[0] >> self.shift) - (self.octaves_below << self.bits))
            - 1
        )

    @property
    def count(self) -> int:
        return (self.octaves_below + self.octaves_above << self.bits) + 2

    @property
    def edges(self) -> Vector:
        """Lower edge of each bin; of bin 0 it is 0."""
        upper = ((np.arange(1, self.count) + self.first) << self.shift).view(np.float64)
        return np.append(0.0, upper)


@dataclass(frozen=True)
class Counts:
    """Waits, and waits with services, by lane and bin; and the sum of waits by lane."""

    waits: Ints
    stays: Ints
    wait_seconds: Vector


def _walk(
    clock: Matrix,
    unit: Matrix,
    seconds_per_tick: float,
    table: Vector,
    cells_per_unit: float,
    free: Matrix,
    waits: Matrix,
    services: Matrix,
) -> None:
    """As the kernel, a row at a time."""
    services[:] = np.interp(unit * cells_per_unit, np.arange(len(table)), table)
    for arrived, held, waited in zip(clock * seconds_per_tick, services, waits, strict=True):
        starts = np.maximum(arrived, free[0])
        np.subtract(starts, arrived, out=waited)
        pushed = np.maximum(free, starts + held)
        np.minimum(free[1:], pushed[:-1], out=free[:-1])
        free[-1] = pushed[-1]


@lru_cache(maxsize=256)
def _table(law: Law) -> Vector:
    """Services of the unit exponentials 0, 1/CELLS_PER_UNIT, …"""
    units = np.arange(CELLS + 1) / CELLS_PER_UNIT
    if isinstance(law, Exponential):
        return np.asarray(law.mean * units)
    if isinstance(law, Mixture | Gamma) and is_continuous(law):
        # The tail is quick to tell, the quantile is not.
        times = np.concatenate([[0.0], law.mean * np.geomspace(1e-4, 1e4, 6000)])
        with np.errstate(divide="ignore"):
            return np.asarray(np.interp(units, np.minimum(-np.log(law.tail(times)), 1e3), times))
    return law.upper_quantile(np.exp(-units))
