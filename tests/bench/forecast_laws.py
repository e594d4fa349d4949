"""Knows laws of history that the forecast was not made on: other shapes, growth, days, holes and clocks.

They share no code with the planner, nor with the histories of `planner_forecast`. Each starts at any hour of any
weekday, at any level. SEALED were first looked at when the method was done; nothing was changed after it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

import numpy as np

HOUR, DAY, WEEK = 3600.0, 24, 168
BERLIN = ZoneInfo("Europe/Berlin")
# Sunday 2025-10-26 01:00 UTC and 2026-03-29 01:00 UTC: Berlin's clocks go back, and on.
CHANGES = (1_761_440_400.0, 1_774_746_000.0)
Random = np.random.Generator


@dataclass(frozen=True, slots=True)
class Made:
    """Counts from `start` on, NaN where unknown; `open_hours` are those in which jobs can come at all."""

    start: float
    counts: np.ndarray
    open_hours: np.ndarray
    zone: tzinfo = UTC


@dataclass(frozen=True, slots=True)
class Clock:
    """Hour of the day, weekday (Monday 0) and hours since the first, as the law sees them."""

    hour: np.ndarray
    weekday: np.ndarray
    since: np.ndarray

    @classmethod
    def of(cls, start: float, hours: int, zone: tzinfo) -> Clock:
        at = [datetime.fromtimestamp(start + n * HOUR, zone) for n in range(hours)]
        return cls(
            np.array([one.hour for one in at]), np.array([one.weekday() for one in at]), np.arange(hours)
        )

    @property
    def day(self) -> np.ndarray:
        """Number of the day, from midnight to midnight."""
        return np.cumsum(np.diff(self.hour, prepend=self.hour[0]) < 0)


Rates = Callable[[Random, Clock], np.ndarray]
Law = Callable[[Random, int], Made]


def _start(random: Random) -> float:
    return 1_735_689_600.0 + HOUR * float(random.integers(0, 52 * WEEK))


def _level(random: Random, low: float, high: float) -> float:
    return float(np.exp(random.uniform(np.log(low), np.log(high))))


def _drawn(random: Random, rates: np.ndarray, dispersion: float = 0.004) -> np.ndarray:
    """Counts of a Poisson whose rate is itself of a gamma law: variance = rate + dispersion × rate²."""
    return random.poisson(rates * random.gamma(1 / dispersion, dispersion, len(rates))).astype(float)


def _bump(hour: np.ndarray, at: float, width: float) -> np.ndarray:
    away = (hour - at + 12) % 24 - 12
    return np.asarray(np.exp(-0.5 * (away / width) ** 2))


def _office(clock: Clock) -> np.ndarray:
    """Two humps a day; Friday afternoon is short, Saturday a fifth, Sunday a tenth."""
    humps = 0.05 + _bump(clock.hour, 10, 1.6) + 0.8 * _bump(clock.hour, 15, 1.9)
    short = (clock.weekday == 4) & (clock.hour >= 13)
    return humps * np.array([1.1, 1, 1, 0.95, 0.9, 0.2, 0.1])[clock.weekday] * np.where(short, 0.4, 1.0)


def _evenings(clock: Clock) -> np.ndarray:
    """People at home: most at nine in the evening, Saturday and Sunday more and earlier."""
    weekend = clock.weekday >= 5
    work, free = _bump(clock.hour, 21, 2.5), 1.5 * _bump(clock.hour, 17, 4.5)
    return 0.15 + np.where(weekend, free, work)


def _made(random: Random, hours: int, rates: Rates, dispersion: float = 0.004) -> Made:
    start = _start(random)
    expected = rates(random, Clock.of(start, hours, UTC))
    return Made(start, _drawn(random, expected, dispersion), expected > 0)


def holidays(random: Random, hours: int) -> Made:
    """One weekday in 25 is a Sunday, and no calendar says which."""

    def rates(random: Random, clock: Clock) -> np.ndarray:
        off = (random.random(clock.day[-1] + 1) < 1 / 25)[clock.day]
        return _level(random, 100, 3000) * _office(
            Clock(clock.hour, np.where(off, 6, clock.weekday), clock.since)
        )

    return _made(random, hours, rates)


def slopes(random: Random, hours: int) -> Made:
    """Growth of some per cent a week that becomes another now and then."""

    def rates(random: Random, clock: Clock) -> np.ndarray:
        weeks = hours // WEEK + 1
        slope = random.normal(0, 0.03)
        steps = []
        for _ in range(weeks):
            slope = random.normal(0, 0.03) if random.random() < 0.25 else slope
            steps.append(slope)
        grown = np.cumsum(np.repeat(steps, WEEK)[:hours]) / WEEK
        return _level(random, 50, 5000) * _evenings(clock) * np.exp(grown)

    return _made(random, hours, rates, dispersion=0.01)


def heavy_days(random: Random, hours: int) -> Made:
    """Days are off by factors of Student's law with three degrees: mostly a tenth, now and then by half."""

    def rates(random: Random, clock: Clock) -> np.ndarray:
        off = np.exp(np.clip(0.08 * random.standard_t(3, clock.day[-1] + 1), -1.5, 1.5))
        return _level(random, 100, 3000) * _evenings(clock) * off[clock.day]

    return _made(random, hours, rates)


def zero_nights(random: Random, hours: int) -> Made:
    """Eight to six on weekdays, and nothing at all outside of it."""

    def rates(random: Random, clock: Clock) -> np.ndarray:
        is_open = (clock.weekday < 5) & (clock.hour >= 8) & (clock.hour < 18)
        return _level(random, 20, 500) * np.where(is_open, 1 + 0.5 * _bump(clock.hour, 9, 1.5), 0.0)

    return _made(random, hours, rates, dispersion=0.02)


def release(random: Random, hours: int) -> Made:
    """From some hour of the past on there are more jobs, or fewer, by a factor."""

    def rates(random: Random, clock: Clock) -> np.ndarray:
        when = random.uniform(0, hours - WEEK)
        return (
            _level(random, 50, 3000)
            * _office(clock)
            * np.where(clock.since >= when, np.exp(random.normal(0, 0.3)), 1)
        )

    return _made(random, hours, rates, dispersion=0.01)


def slow_memory(random: Random, hours: int) -> Made:
    """What is off by a quarter is still off some thirty hours later."""

    def rates(random: Random, clock: Clock) -> np.ndarray:
        keep = np.exp(-1 / 30)
        shocks = random.normal(0, 0.2 * np.sqrt(1 - keep**2), hours)
        off = np.empty(hours)
        last = random.normal(0, 0.2)
        for n in range(hours):
            last = off[n] = keep * last + shocks[n]
        return _level(random, 100, 3000) * (0.4 + _bump(clock.hour, 13, 4)) * np.exp(off)

    return _made(random, hours, rates)


def holes(random: Random, hours: int) -> Made:
    """A twentieth of the past hours is unknown, and spells of up to two days."""
    made = _made(random, hours, lambda random, clock: _level(random, 50, 3000) * _office(clock), 0.02)
    unknown = random.random(hours) < 0.05
    for _ in range(random.poisson(hours / (10 * DAY))):
        begin = int(random.integers(hours))
        unknown[begin : begin + int(random.integers(3, 2 * DAY))] = True
    unknown[-WEEK:] = False
    return Made(made.start, np.where(unknown, np.nan, made.counts), made.open_hours)


def outages(random: Random, hours: int) -> Made:
    """About each eighth day nothing comes for one to six hours, and all of it in half of that time afterwards."""
    made = _made(random, hours, lambda random, clock: _level(random, 100, 3000) * _evenings(clock), 0.01)
    counts = made.counts.copy()
    for _ in range(random.poisson(hours / (8 * DAY))):
        length = int(random.integers(1, 7))
        begin = int(random.integers(hours))
        after = counts[begin + length : begin + length + (length + 1) // 2]
        if len(after):
            after += counts[begin : begin + length].sum() / len(after)
        counts[begin : begin + length] = 0.0
    return Made(made.start, np.round(counts), made.open_hours)


def summer_time(random: Random, hours: int) -> Made:
    """Berlin's offices, with a sharp peak at nine; the clocks change somewhere in the history or the week after."""
    start = CHANGES[int(random.integers(2))] - HOUR * float(random.integers(0, hours))
    clock = Clock.of(start, hours, BERLIN)
    rates = _level(random, 100, 3000) * (_office(clock) + 1.5 * _bump(clock.hour, 9, 0.7))
    return Made(start, _drawn(random, rates, 0.01), rates > 0, BERLIN)


def campaigns(random: Random, hours: int) -> Made:
    """Beside what comes by itself two or three times a week a crowd comes at once and goes over hours."""

    def rates(random: Random, clock: Clock) -> np.ndarray:
        crowd = np.zeros(hours)
        for _ in range(random.poisson(2.5 * hours / WEEK)):
            begin = int(random.integers(hours))
            crowd[begin:] += np.exp(random.normal(-0.3, 0.5)) * np.exp(-np.arange(hours - begin) / 4.0)
        return _level(random, 100, 3000) * (_evenings(clock) + crowd)

    return _made(random, hours, rates)


def wandering(random: Random, hours: int) -> Made:
    """A level that walks by a tenth a week, and a batch at two in the night of a size that nobody knows before."""

    def rates(random: Random, clock: Clock) -> np.ndarray:
        walk = np.cumsum(random.normal(0, 0.1 / np.sqrt(WEEK), hours))
        size = random.gamma(9.0, 1 / 9.0, clock.day[-1] + 1)[clock.day]
        batch = 3.0 * size * (clock.hour == 2)
        return _level(random, 50, 2000) * (0.5 + _bump(clock.hour, 14, 3.5) + batch) * np.exp(walk)

    return _made(random, hours, rates, dispersion=0.01)


SEEN: dict[str, Law] = {
    "holidays that no calendar tells": holidays,
    "growth that changes": slopes,
    "heavy-tailed days": heavy_days,
    "zero nights": zero_nights,
    "a release changes the level": release,
    "slow memory": slow_memory,
    "holes": holes,
    "outages and catching up": outages,
    "summer time": summer_time,
}
SEALED: dict[str, Law] = {"campaigns": campaigns, "wandering level, nightly batch": wandering}
