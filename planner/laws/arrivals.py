"""Knows the ways jobs arrive: their mean rate, and how to draw arrival times.

Every process draws from unit exponentials where it can, so that one seed gives comparable runs of two
processes.
"""

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from planner.laws.coupling import from_exponential
from planner.laws.named import Law, Vector


@dataclass(frozen=True, slots=True)
class Drawn:
    """Arrivals of one run, in order of time: seconds, priority class (0 first) and batch of each job.

    `intervals` are the unit exponentials behind renewal arrivals, so that a twin can be driven by them.
    """

    times: Vector
    classes: NDArray[np.int64]
    batches: NDArray[np.int64] | None = None
    intervals: Vector | None = None


class Arrivals(Protocol):
    """A stationary or periodic stream of jobs."""

    @property
    def per_second(self) -> float:
        """Mean arrival rate of jobs."""
        ...

    def draw(self, random: np.random.Generator, count: int) -> Drawn:
        """About `count` jobs from time 0 on (whole batches)."""
        ...


def _one_class(times: Vector) -> Drawn:
    return Drawn(times, np.zeros(len(times), dtype=np.int64))


@dataclass(frozen=True, slots=True)
class Poisson:
    """Independent of the past at every moment."""

    per_second: float

    def draw(self, random: np.random.Generator, count: int) -> Drawn:
        return _one_class(np.cumsum(random.standard_exponential(count)) / self.per_second)


@dataclass(frozen=True, slots=True)
class Renewal:
    """Independent intervals of one law."""

    interval: Law

    @property
    def per_second(self) -> float:
        return 1.0 / self.interval.mean

    def draw(self, random: np.random.Generator, count: int) -> Drawn:
        unit = random.standard_exponential(count)
        times = np.cumsum(from_exponential(self.interval, unit))
        return Drawn(times, np.zeros(count, dtype=np.int64), intervals=unit)


@dataclass(frozen=True, slots=True)
class PoissonClasses:
    """One Poisson stream a priority class; the first is served first."""

    rates: tuple[float, ...]

    @property
    def per_second(self) -> float:
        return sum(self.rates)

    def draw(self, random: np.random.Generator, count: int) -> Drawn:
        times = np.cumsum(random.standard_exponential(count)) / self.per_second
        shares = np.cumsum(self.rates)[:-1] / self.per_second
        return Drawn(times, np.searchsorted(shares, random.random(count), side="right"))


@dataclass(frozen=True, slots=True)
class BatchPoisson:
    """Batches at Poisson moments; all jobs of a batch arrive together."""

    batches_per_second: float
    sizes: tuple[int, ...]
    p: tuple[float, ...]

    @property
    def mean_size(self) -> float:
        return float(np.dot(self.sizes, self.p))

    @property
    def per_second(self) -> float:
        return self.batches_per_second * self.mean_size

    def draw(self, random: np.random.Generator, count: int) -> Drawn:
        batches = max(1, round(count / self.mean_size))
        times = np.cumsum(random.standard_exponential(batches)) / self.batches_per_second
        sizes = random.choice(self.sizes, size=batches, p=self.p)
        jobs = int(sizes.sum())
        return Drawn(
            np.repeat(times, sizes), np.zeros(jobs, dtype=np.int64), np.repeat(np.arange(batches), sizes)
        )


@dataclass(frozen=True, slots=True)
class Mmpp:
    """Poisson arrivals whose rate jumps between two values at exponential times."""

    rates: tuple[float, float]
    switch_per_second: tuple[float, float]

    @property
    def shares(self) -> tuple[float, float]:
        """Share of time in each phase."""
        first, second = self.switch_per_second
        return second / (first + second), first / (first + second)

    @property
    def per_second(self) -> float:
        return float(np.dot(self.rates, self.shares))

    def draw(self, random: np.random.Generator, count: int) -> Drawn:
        """The clock runs at the current rate: arrivals are unit Poisson on that clock, read back in
        seconds.
        """
        clock = np.cumsum(random.standard_exponential(count))
        first = int(random.random() > self.shares[0])
        cycle_seconds = sum(1.0 / rate for rate in self.switch_per_second)
        pairs = int(2 * clock[-1] / self.per_second / cycle_seconds) + 50
        phases = (first + np.arange(2 * pairs)) % 2
        stays = random.standard_exponential(2 * pairs) / np.take(self.switch_per_second, phases)
        seconds = np.append(0.0, np.cumsum(stays))
        ticks = np.append(0.0, np.cumsum(stays * np.take(self.rates, phases)))
        inside = clock[clock < ticks[-1]]
        return _one_class(np.interp(inside, ticks, seconds))


class Periodic(Arrivals, Protocol):
    """A Poisson stream whose rate follows the clock."""

    @property
    def period(self) -> float:
        """Seconds after which the rate repeats."""
        ...

    @property
    def steps(self) -> tuple[float, ...]:
        """Moments within the period at which the rate jumps."""
        ...

    @property
    def largest_rate(self) -> float: ...

    def rate_at(self, seconds: float) -> float:
        """Jobs a second; to the right of a step."""
        ...


@dataclass(frozen=True, slots=True)
class Sinusoid:
    """per_second·(1 + amplitude·sin(2πt/period))."""

    per_second: float
    amplitude: float
    period: float

    @property
    def steps(self) -> tuple[float, ...]:
        return ()

    @property
    def largest_rate(self) -> float:
        return self.per_second * (1.0 + abs(self.amplitude))

    def rate_at(self, seconds: float) -> float:
        return self.per_second * (1.0 + self.amplitude * math.sin(2 * math.pi * seconds / self.period))

    def draw(self, random: np.random.Generator, count: int) -> Drawn:
        fine = np.linspace(0.0, self.period, 20_001)
        wave = (1.0 - np.cos(2 * np.pi * fine / self.period)) * self.amplitude * self.period / (2 * np.pi)
        return _one_class(_on_clock(random, count, fine, self.per_second * (fine + wave)))


@dataclass(frozen=True, slots=True)
class Profile:
    """Constant in each of len(weights) equal parts of the period, scaled to the mean."""

    weights: tuple[float, ...]
    per_second: float
    period: float

    @property
    def rates(self) -> Vector:
        return np.asarray(np.array(self.weights) / np.mean(self.weights) * self.per_second)

    @property
    def steps(self) -> tuple[float, ...]:
        return tuple(self.period * part / len(self.weights) for part in range(len(self.weights)))

    @property
    def largest_rate(self) -> float:
        return float(self.rates.max())

    def rate_at(self, seconds: float) -> float:
        part = int(seconds % self.period / self.period * len(self.weights))
        return (
            self.weights[min(part, len(self.weights) - 1)]
            / (sum(self.weights) / len(self.weights))
            * self.per_second
        )

    def draw(self, random: np.random.Generator, count: int) -> Drawn:
        edges = np.linspace(0.0, self.period, len(self.weights) + 1)
        return _one_class(
            _on_clock(random, count, edges, np.append(0.0, np.cumsum(self.rates * np.diff(edges))))
        )


def _on_clock(random: np.random.Generator, count: int, seconds: Vector, ticks: Vector) -> Vector:
    """Arrivals are unit Poisson on a clock that makes `ticks` jobs by `seconds`, again in every period."""
    periods, rest = np.divmod(np.cumsum(random.standard_exponential(count)), ticks[-1])
    return np.asarray(periods * seconds[-1] + np.interp(rest, ticks, seconds))
