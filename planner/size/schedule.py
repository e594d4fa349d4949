"""Knows how many slots each part of a period needs, where the rate follows the clock.

Each part is sized for its own largest rate as if that lasted for ever, so nothing is left over for the next part.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby, pairwise

import numpy as np

from planner.laws.arrivals import Periodic, Poisson
from planner.workload import Workload

PARTS = 24
# A part must last this many services, or its queue never settles.
LONG_ENOUGH = 20.0


@dataclass(frozen=True, slots=True)
class Shift:
    """`slots` from `begins` to `ends`, seconds of the period; `per_second` is the largest rate in it."""

    begins: float
    ends: float
    slots: int
    per_second: float


def schedule(workload: Workload, needed: Callable[[Workload], int | None]) -> tuple[Shift, ...]:
    """The shifts of a period; empty where parts are too short or where no number of slots is enough in one.

    `needed` answers the slots of a workload with a constant rate.
    """
    arrivals: Periodic = workload.arrivals  # type: ignore[assignment]
    if arrivals.period / PARTS < LONG_ENOUGH * workload.service.mean:
        return ()
    known: dict[float, int | None] = {}
    parts = []
    for part, rate in enumerate(_largest_rates(arrivals)):
        if rate not in known:
            steady = replace(workload, arrivals=Poisson(rate)) if rate > 0 else None
            known[rate] = needed(steady) if steady else 1
        parts.append((part, known[rate], rate))
    if any(slots is None for _, slots, _ in parts):
        return ()
    return tuple(_joined(parts, arrivals.period / PARTS))


def _largest_rates(arrivals: Periodic) -> list[float]:
    """Of each part, to four figures upwards: rates that differ by less need not be sized twice."""
    edges = np.linspace(0.0, arrivals.period, PARTS + 1)
    found = []
    for begins, ends in pairwise(edges):
        inside = [step for step in arrivals.steps if begins < step < ends]
        moments = [*np.linspace(begins, ends, 60, endpoint=False), *inside]
        largest = max(arrivals.rate_at(float(moment)) for moment in moments)
        found.append(_upwards(largest))
    return found


def _upwards(rate: float) -> float:
    if rate <= 0.0:
        return 0.0
    grain = 10.0 ** (math.floor(math.log10(rate)) - 3)
    return math.ceil(rate / grain - 1e-9) * grain


def _joined(parts: list[tuple[int, int | None, float]], seconds: float) -> Iterator[Shift]:
    for slots, group in groupby(parts, key=lambda part: part[1]):
        run = list(group)
        assert slots is not None
        yield Shift(run[0][0] * seconds, (run[-1][0] + 1) * seconds, slots, max(rate for _, _, rate in run))
