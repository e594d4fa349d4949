"""Knows how to decide by a run of jobs whether a share of them waits too long, as short a run as the decision needs.

Beside it runs a queue that can be solved, on the same chance; how far that one strayed is taken out by regression.
"""

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from planner import trial_kernel
from planner.acceleration import COMPILED
from planner.deterministic import deterministic_wait
from planner.erlang import exponential_wait
from planner.estimates import regression
from planner.laws import Deterministic, Exponential, Law, Mixture, Vector, is_continuous
from planner.screening import Screen, Verdict
from planner.trial_chance import FIRST, LONGER, TIMES, Chance

# The answer is read from this many parts of a run.
PARTS = 32
# Cells of the table of services, over unit exponentials up to 40: straight lines between err by less than 1e-4.
CELLS = 4_000
STEP = 40.0 / CELLS
# Half widths of the 95 % band between the answer and what is allowed: wrong once in a thousand.
CLEAR = 1.6


def decided(screen: Screen, slots: int, chance: Chance) -> Verdict:
    """Where the longest run can't tell for sure, the middle of its band decides. Without a compiler only the first
    run is made: a guess, from which `size` goes on.
    """
    forgotten = screen.forgotten_after(slots)
    turns = TIMES if COMPILED else 1
    for turn in range(turns):
        jobs = FIRST * LONGER**turn
        if jobs < 10.0 * forgotten and turn < turns - 1:
            continue
        found, half_width = _estimate(screen, slots, chance, jobs, forgotten)
        if abs(found - screen.share) > CLEAR * half_width:
            break
    return "holds" if found <= screen.share else "broken"


def _estimate(screen: Screen, slots: int, chance: Chance, jobs: int, forgotten: float) -> tuple[float, float]:
    """Share that waits too long and the half width of its 95 % band."""
    clock, unit = chance.units(jobs)
    warmup = int(min(max(forgotten, jobs / 20), jobs / 2))

    def late(law: Law) -> Vector:
        counts, free, table = np.zeros(PARTS), np.zeros(slots), _table(law)  # type: ignore[arg-type]  # laws are frozen
        for begin, end, into in ((0, warmup, np.zeros(1)), (warmup, jobs, counts)):
            trial_kernel.late(
                clock[begin:end],
                unit[begin:end],
                screen.arrival_rate,
                table,
                STEP,
                free,
                screen.seconds,
                into,
            )
        return np.asarray(counts / ((jobs - warmup) // PARTS))

    controls = [late(law) - truth(slots) for law, truth in _solvable(screen)]
    figure = regression(np.array(controls).T).figure(late(screen.service))
    return figure.value, figure.half_width


@lru_cache(maxsize=256)
def _table(law: Law) -> Vector:
    """Services of the unit exponentials 0, STEP, 2·STEP, …"""
    units = STEP * np.arange(CELLS + 1)
    if isinstance(law, Exponential):
        return np.asarray(law.mean * units)
    if isinstance(law, Mixture) and is_continuous(law):
        # A mixture has no formula for its quantiles, but one for its tail.
        times = np.concatenate([[0.0], law.mean * np.geomspace(1e-4, 1e4, 6000)])
        with np.errstate(divide="ignore"):
            return np.asarray(np.interp(units, np.minimum(-np.log(law.tail(times)), 1e3), times))
    return law.upper_quantile(np.exp(-units))


def _solvable(screen: Screen) -> list[tuple[Law, Callable[[int], float]]]:
    """Laws near the real one, and their true answers."""
    rate, mean, seconds = screen.arrival_rate, screen.service.mean, screen.seconds
    if screen.variability > 1.0:
        twin = screen.twin
        law = Mixture((1.0 - twin.slow, twin.slow), (Exponential(twin.means[0]), Exponential(twin.means[1])))
        return [(law, screen.tail)]
    return [
        (Exponential(mean), lambda slots: exponential_wait(slots, rate, mean).tail(seconds)),
        (Deterministic(mean), lambda slots: deterministic_wait(slots, rate, mean).tail(seconds)),
    ]
