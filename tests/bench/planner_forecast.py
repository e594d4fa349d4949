"""Prints how often hours and peaks lie in the bands of a forecast, and its error beside two peers; 1 when it misses.

python -m tests.bench.planner_forecast [HISTORIES]

Histories are made: weekly shapes of four kinds, growth, days and hours off by some per cent, Poisson counts. The peers
are the last week repeated (of one week its last day), and the mean of the same hour over all weeks.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from planner.forecast.hours import WEEK_HOURS, Hourly
from planner.forecast.hours_ahead import forecast, naive, relative_error

MONDAY = 1_761_523_200.0
# A 90 % band must hold this share of the hours, and of the peaks; more is too wide. From one week nobody can tell a
# weekend from chance, so its bands may be wider. The error must be below this part of the last week's.
LEAST, MOST, MOST_OF_ONE_WEEK, ERROR = 0.85, 0.98, 1.0, 1.0


@dataclass(frozen=True, slots=True)
class Kind:
    """How a history is made."""

    name: str
    weeks: int
    level: float = 500.0
    growth: float = 0.0
    day_noise: float = 0.06
    hour_noise: float = 0.08
    weekend: float = 0.4


KINDS = (
    Kind("office hours, 1 week", 1),
    Kind("office hours, 2 weeks", 2),
    Kind("office hours, 3 weeks", 3),
    Kind("office hours, 4 weeks", 4),
    Kind("office hours, 8 weeks", 8),
    Kind("growing 3 % a week, 8 weeks", 8, growth=0.03),
    Kind("growing 3 % a week, 20 weeks", 20, growth=0.03),
    Kind("small (5 an hour), 1 week", 1, level=5.0),
    Kind("small (5 an hour), 2 weeks", 2, level=5.0),
    Kind("small (5 an hour), 8 weeks", 8, level=5.0),
    Kind("wild days, 1 week", 1, day_noise=0.25),
    Kind("wild days, 2 weeks", 2, day_noise=0.25),
    Kind("wild days, 8 weeks", 8, day_noise=0.25),
    Kind("all days alike, 1 week", 1, weekend=1.0),
    Kind("all days alike, 2 weeks", 2, weekend=1.0),
    Kind("all days alike, 8 weeks", 8, weekend=1.0),
)


def made(kind: Kind, seed: int) -> np.ndarray:
    """One week more than the history."""
    random, hours = np.random.default_rng(seed), np.arange((kind.weeks + 1) * WEEK_HOURS)
    shape = 1 + 0.8 * np.sin((hours % 24 - 9) / 24 * 2 * np.pi)
    shape *= np.where((hours // 24) % 7 < 5, 1.0, kind.weekend) * (1 + kind.growth) ** (hours / WEEK_HOURS)
    days = np.exp(random.normal(0, kind.day_noise, len(hours) // 24)).repeat(24)
    each = np.exp(random.normal(0, kind.hour_noise, len(hours)))
    return random.poisson(kind.level * shape * days * each).astype(float)


def same_hour_mean(past: Hourly) -> np.ndarray:
    return past.counts.reshape(-1, WEEK_HOURS).mean(axis=0)


def tried(kind: Kind, histories: int) -> tuple[float, float, float, float, float, float]:
    """Coverage of hours, of peaks, errors of the forecast and the two peers, seconds a forecast."""
    inside, peaks, errors = [], [], []
    began = time.perf_counter()
    for seed in range(histories):
        counts = made(kind, seed)
        past, truth = Hourly(MONDAY, counts[:-WEEK_HOURS]), counts[-WEEK_HOURS:]
        ahead = forecast(past).ahead
        inside.append(np.mean((truth >= ahead.low - 0.5) & (truth <= ahead.high + 0.5)))
        peaks.append(ahead.peak.low - 0.5 <= truth.max() <= ahead.peak.high + 0.5)
        peers: tuple[Callable[[], np.ndarray], ...] = (
            lambda past=past: naive(past, WEEK_HOURS),
            lambda past=past: same_hour_mean(past),
        )
        foretold = [ahead.expected, *(peer() for peer in peers)]
        errors.append([relative_error(truth, one) for one in foretold])
    seconds = (time.perf_counter() - began) / histories
    ours, last, mean = np.mean(errors, axis=0)
    return float(np.mean(inside)), float(np.mean(peaks)), float(ours), float(last), float(mean), seconds


def main(histories: int = 100) -> int:
    print(f"{histories} histories of each kind, one week ahead")
    print(f"{'kind':<32}{'hours':>7}{'peaks':>7}{'error':>8}{'last week':>11}{'mean hour':>11}{'ms':>6}")
    missed = 0
    for kind in KINDS:
        hours, peaks, ours, last, mean, seconds = tried(kind, histories)
        most = MOST_OF_ONE_WEEK if kind.weeks == 1 else MOST
        misses = not LEAST <= hours <= most or not LEAST <= peaks <= most or ours > ERROR * last
        missed += misses
        cells = f"{hours:>7.0%}{peaks:>7.0%}{ours:>8.1%}{last:>11.1%}{mean:>11.1%}{seconds * 1000:>6.0f}"
        print(f"{kind.name:<32}{cells}{'  missed' if misses else ''}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
