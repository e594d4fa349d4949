"""Knows M/M/c whose callers give up: the pool with an acquire timeout (Baccelli & Hebuterne 1981).

The wait a caller would have had (offered wait V) has the density exp(λ·E[min(patience, x)] -
x·slots/service); everything else follows by integration (Zeltyn & Mandelbaum 2005).
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from planner.exact.erlang import erlang_b
from planner.laws.named import Deterministic, Discrete, Law, Mixture, Vector

if TYPE_CHECKING:
    from scipy.interpolate import CubicHermiteSpline

# A density e**-60 below its peak is left out; this many cells over those 60 e-folds integrate to 1e-12.
_FALL, _CELLS = 60.0, 2000
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(4)


@dataclass(frozen=True, slots=True)
class ImpatientWait:
    """`tail` is of the time waited: until served or until giving up."""

    mean: float
    prob_wait: float
    p_timeout: float
    patience: Law
    offered_tail: "CubicHermiteSpline"

    def tail(self, t: float) -> float:
        x = self.offered_tail.x
        if t >= x[-1]:
            return 0.0
        offered = self.prob_wait if t <= x[0] else float(self.offered_tail(t))
        return max(0.0, offered) * float(self.patience.tail(t))


def impatient_wait(slots: int, arrival_rate: float, service_seconds: float, patience: Law) -> ImpatientWait:
    """Any load, above the slots too."""
    from scipy.interpolate import CubicHermiteSpline  # takes long to load, and most queues have no patience

    speed = slots / service_seconds

    def log_density(x: Vector) -> Vector:
        return arrival_rate * patience.capped_mean(x) - speed * x

    peak_at = float(patience.upper_quantile(speed / arrival_rate)) if arrival_rate > speed else 0.0
    peak = float(log_density(np.array(peak_at)))
    edges = _edges(log_density, peak_at, peak, patience)
    half = np.diff(edges)[:, None] / 2
    x = (edges[:-1] + edges[1:])[:, None] / 2 + half * _NODES
    mass = np.exp(log_density(x) - peak) * half * _WEIGHTS * arrival_rate
    scale = 1.0 / (mass.sum() + _free(slots, arrival_rate * service_seconds, peak))
    cells = scale * mass.sum(axis=1)
    tail = np.append(np.cumsum(cells[::-1])[::-1], 0.0)
    slope = -scale * arrival_rate * np.exp(log_density(edges) - peak)
    return ImpatientWait(
        mean=float(scale * (mass * patience.capped_mean(x)).sum()),
        prob_wait=float(tail[0]),
        p_timeout=float(scale * (mass * (1.0 - patience.tail(x))).sum()),
        patience=patience,
        offered_tail=CubicHermiteSpline(edges, tail, slope),
    )


def _free(slots: int, load: float, peak: float) -> float:
    """Weight of the states with a free slot, on the scale where the peak of the density is 1."""
    lost = erlang_b(slots - 1, load)
    return float(np.exp(min(-np.log(lost) - peak, 700.0))) if lost > 0 else np.inf


def _edges(log_density: Callable[[Vector], Vector], peak_at: float, peak: float, patience: Law) -> Vector:
    """Cell edges from where the density rises above e**-60 of its peak to where it falls below."""

    def deep(x: float) -> bool:
        return float(log_density(np.array(x))) < peak - _FALL

    last = max(peak_at, patience.mean, 1e-12) * 2
    while not deep(last):
        last *= 2
    last = _boundary(deep, peak_at, last)
    first = _boundary(deep, peak_at, 0.0) if deep(0.0) else 0.0
    marks = {first, last} | {x for x in (*_atoms(patience), peak_at) if first < x < last}
    ordered = sorted(marks)
    parts = [np.linspace(a, b, _CELLS + 1)[:-1] for a, b in pairwise(ordered)]
    return np.append(np.concatenate(parts), last)


def _boundary(deep: Callable[[float], bool], inside: float, outside: float) -> float:
    for _ in range(60):
        middle = (inside + outside) / 2
        inside, outside = (inside, middle) if deep(middle) else (middle, outside)
    return outside


def _atoms(law: Law) -> list[float]:
    if isinstance(law, Deterministic):
        return [law.value]
    if isinstance(law, Discrete):
        return list(law.values)
    return [x for part in law.laws for x in _atoms(part)] if isinstance(law, Mixture) else []
