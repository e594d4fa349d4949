"""Prints how often hours and peaks lie in the bands of a forecast on laws it was not made on; 1 when a row misses.

python -m tests.bench.planner_forecast_laws [HISTORIES]

Only hours in which jobs can come at all are counted. `width` is the band's over the jobs that came: a band that holds
everything because it is wide shows there. The peer is the last week repeated (of one week its last day).
"""

from __future__ import annotations

import sys
import zlib

import numpy as np

from planner.forecast.hours import Hourly
from planner.forecast.hours_ahead import look_ahead, naive, relative_error
from tests.bench.forecast_laws import SEALED, SEEN, WEEK, Law

WEEKS = (1, 2, 3, 4, 8)
# As in `planner_forecast`: of the hours, and of the peaks; a band of the hours that holds more is of no use. From one
# week nobody can tell a weekend from chance.
LEAST, MOST, MOST_OF_ONE_WEEK = 0.85, 0.99, 1.0


def tried(name: str, law: Law, weeks: int, histories: int) -> np.ndarray:
    """Coverage of hours, of peaks, width, errors of the forecast and of the peer."""
    rows = []
    for seed in range(histories):
        random = np.random.default_rng([zlib.crc32(name.encode()), weeks, seed])
        made = law(random, (weeks + 1) * WEEK)
        past, truth = Hourly(made.start, made.counts[:-WEEK]), made.counts[-WEEK:]
        counted = made.open_hours[-WEEK:]
        ahead = look_ahead(past, WEEK, made.zone)
        inside = (truth >= ahead.low - 0.5) & (truth <= ahead.high + 0.5)
        rows.append(
            (
                inside[counted].mean(),
                ahead.peak.low - 0.5 <= truth.max() <= ahead.peak.high + 0.5,
                (ahead.high - ahead.low)[counted].mean() / truth[counted].mean(),
                relative_error(truth, ahead.expected),
                relative_error(truth, naive(past, WEEK)),
            )
        )
    return np.asarray(np.mean(rows, axis=0))


def main(histories: int = 40) -> int:
    print(f"{histories} histories of each law, one week ahead")
    print(f"{'law':<40}{'weeks':>6}{'hours':>7}{'peaks':>7}{'width':>7}{'error':>8}{'last week':>11}")
    missed = 0
    for name, law in (SEEN | SEALED).items():
        for weeks in WEEKS:
            hours, peaks, width, ours, last = tried(name, law, weeks, histories)
            most = MOST_OF_ONE_WEEK if weeks == 1 else MOST
            misses = not LEAST <= hours <= most or peaks < LEAST
            missed += misses
            cells = f"{weeks:>6}{hours:>7.0%}{peaks:>7.0%}{width:>7.2f}{ours:>8.1%}{last:>11.1%}"
            print(f"{name:<40}{cells}{'  missed' if misses else ''}", flush=True)
    print(f"{missed} of {len(WEEKS) * len(SEEN | SEALED)} rows missed")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
