"""Knows what crashes of whole processes mean for jobs on average: their starts, their end, the work that is lost."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from planner.bull_options import Crashes
from planner.laws.coupling import from_exponential
from planner.laws.named import Law, Vector

# Parts of the chance over which is summed: equal ones, and below a hundredth each as much smaller than the one before.
_EQUAL, _SMALLER, _LEAST = 2000, 2000, 1e-12
# A crash that so few jobs live to see changes nothing.
_NONE = 1e-15


@dataclass(frozen=True, slots=True)
class CrashedLife:
    """Starts of a job on average, those that end in a crash, the seconds that it holds slots, its chance to fail."""

    starts: float
    stalls: float
    held_seconds: float
    failed: float


@lru_cache(maxsize=256)
def crashed_life(service: Law, crashes: Crashes, fails: float, attempts: int) -> CrashedLife:
    """A crash is no attempt: it counts against `maxStalledCount`, and the work begins anew, as long as before."""
    hits = _hit_moments(service, crashes)
    coming = np.zeros(crashes.most + 1)  # chance that an attempt begins, by the crashes so far
    coming[0] = 1.0
    starts = stalls = failed = 0.0
    for _ in range(attempts):
        done = np.zeros_like(coming)
        for so_far, chance in enumerate(coming):
            left = crashes.most - so_far
            starts += chance * hits[: left + 1].sum()
            stalls += chance * hits[1 : left + 2].sum()
            failed += chance * hits[left + 1]
            done[so_far:] += chance * (hits[: left + 1] - hits[1 : left + 2])
        coming = fails * done
        if coming.sum() < _NONE:
            break
    # While it works a job meets a crash each `every_seconds`: so many seconds it works.
    return CrashedLife(starts, stalls, stalls * crashes.every_seconds, failed + float(coming.sum()))


def _hit_moments(service: Law, crashes: Crashes) -> Vector:
    """E[h**j] for j from 0 to one above the most crashes; h is the chance that a crash ends work of a given length."""
    edges = np.concatenate([np.geomspace(_LEAST, 0.01, _SMALLER), np.linspace(0.01, 1.0, _EQUAL)[1:]])
    middles = np.concatenate([[_LEAST / 2.0], (edges[1:] + edges[:-1]) / 2.0])
    weights = np.diff(edges, prepend=0.0)
    hit = -np.expm1(-from_exponential(service, -np.log(middles)) / crashes.every_seconds)
    return np.array([float(weights @ hit**j) for j in range(crashes.most + 2)])
