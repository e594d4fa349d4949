"""Knows the wait in M/G/1 for a service law with steps: single values that have a chance of their own.

The wait is the sum of a geometric number of residual services (Pollaczek, Khinchine; Kendall 1957), here on a grid by
one Fourier transform. Steps make no trouble: the residual service has a density whatever the law.
"""

from dataclasses import dataclass, field

import numpy as np

from planner.laws.named import Law, Vector

_CELLS = 1 << 17
# What wraps around the end of the grid comes back exp(-_TILT) as large.
_TILT = 20.0


@dataclass(frozen=True)
class SteppedWait:
    """The wait with utilisation below 1; grids are made as far as they are asked for, each twice as far."""

    arrival_rate: float
    service: Law
    grids: dict[float, Vector] = field(default_factory=dict)

    @property
    def load(self) -> float:
        return self.arrival_rate * self.service.mean

    @property
    def mean(self) -> float:
        return self.arrival_rate * self.service.moment(2) / (2.0 * (1.0 - self.load))

    def tail(self, t: float) -> float:
        if t <= 0.0:
            return self.load
        reach = 4.0 * self.service.mean
        while t > 0.9 * reach:
            reach *= 2.0
        if reach not in self.grids:
            self.grids[reach] = _tails(self.load, self.service, reach)
        place = t / reach * _CELLS
        cell = int(place)
        low, high = self.grids[reach][cell : cell + 2]
        return float(low + (place - cell) * (high - low))


def _tails(load: float, service: Law, reach: float) -> Vector:
    """P(W > t) at the edges of the cells."""
    cell = reach / _CELLS
    residual = _spread(service, cell)
    damp = np.exp(-_TILT / _CELLS * np.arange(_CELLS))
    transform = np.fft.rfft(residual * damp, 2 * _CELLS)
    chance = np.fft.irfft((1.0 - load) / (1.0 - load * transform), 2 * _CELLS)[:_CELLS] / damp
    # Half of what lies on an edge counts as beyond it: what is spread around there lies on both sides.
    return np.asarray(1.0 - np.cumsum(chance) + chance / 2.0 * (np.arange(_CELLS) > 0))


def _spread(service: Law, cell: float) -> Vector:
    """The residual service on the edges: its mass in a cell goes to both, so that its mean stays."""
    edges = np.arange(_CELLS + 1) * cell
    tail = 1.0 - service.capped_mean(edges) / service.mean
    middle = 1.0 - service.capped_mean(edges[:-1] + cell / 2.0) / service.mean
    area = (tail[:-1] + 4.0 * middle + tail[1:]) / 6.0  # of the tail, by Simpson's rule, in cells
    return np.append(1.0 - area[0], area[:-1] - area[1:])
