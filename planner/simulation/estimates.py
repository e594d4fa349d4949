"""Knows how to turn replications into a figure with its band, using controls whose true mean is known.

A control is a figure of a second queue run on the same chance, for which theory gives the exact answer.
Regression of a figure on the controls takes out the luck they share (Lavenberg & Welch 1981); the intercept
is the estimate.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from planner.laws.named import Matrix, Vector
from planner.prediction import Figure, Tail
from planner.simulation.tally import crossing, edges


@dataclass(frozen=True, slots=True)
class ControlledTail:
    """Shares above each edge of the tally's bins: with all controls at their true mean, and in each replication."""

    controlled: Vector
    rows: Sequence[Vector]


@dataclass(frozen=True, slots=True)
class Regression:
    """`design` has shape (replications, 1 + controls); `inverse` is its pseudo-inverse, whose first row makes the
    estimate.
    """

    design: Matrix
    inverse: Matrix
    spread: float
    critical: float

    @property
    def weights(self) -> Vector:
        """What makes the estimate from one value a replication; their sum is 1."""
        return np.asarray(self.inverse[0])

    def figure(self, values: Vector) -> Figure:
        """Estimate and 95 % half width from one value a replication."""
        return Figure(float(self.weights @ values), self._half_width(values))

    def _half_width(self, values: Vector) -> float:
        return float(self._half_widths(values[:, None])[0])

    def _half_widths(self, values: Matrix) -> Vector:
        """Of each column."""
        fitted = self.design @ (self.inverse @ values)
        freedom = len(values) - self.design.shape[1]
        return np.asarray(
            self.critical * np.sqrt(((values - fitted) ** 2).sum(axis=0) / freedom * self.spread)
        )

    def tail(self, rows: Sequence[Vector]) -> ControlledTail:
        """The controlled tail of durations tallied in `rows`, one a replication (planner/simulation/tally.py)."""
        # Row by row: all of them in one matrix would be copied whenever there are more.
        controlled = np.zeros_like(rows[0])
        for weight, row in zip(self.weights, rows, strict=True):
            controlled += weight * row
        return ControlledTail(controlled, rows)

    def quantile(self, tail: ControlledTail, level: float) -> Figure:
        """The quantile whose controlled tail is 1 - level."""
        rest = 1.0 - level
        found = crossing(tail.controlled, rest)
        column = int(np.argmin(np.abs(tail.controlled - rest)))
        band = self._half_width(np.array([row[column] for row in tail.rows]))
        low = crossing(tail.controlled, min(rest + band, 1.0))
        high = crossing(tail.controlled, max(rest - band, 1e-12))
        return Figure(found, (high - low) / 2)

    def seen_tail(self, rows: Sequence[Vector]) -> Tail:
        """The tail as a function of seconds, with its band; what lies beyond the bins in use is not kept."""
        controlled = self.tail(rows).controlled
        most = np.max(rows, axis=0)
        first = max(0, int(np.argmax(most < most[0])) - 1)
        last = int(np.argmin(most > 0.0)) + 1
        bands = self._half_widths(np.array([row[first:last] for row in rows]))
        seconds, shares = edges()[first:last].copy(), controlled[first:last].copy()
        return lambda t: Figure(float(np.interp(t, seconds, shares)), float(np.interp(t, seconds, bands)))


def regression(controls: Matrix) -> Regression:
    """For `controls` already reduced by their true means; shape (replications, controls), controls may be
    none.
    """
    count = len(controls)
    spread = controls.std(axis=0)
    useful = controls[:, spread > 1e-12 * np.abs(controls).max(initial=1e-300)]
    if useful.shape[1] > count // 4:
        useful = useful[:, : count // 4]
    scale = np.abs(useful).max(axis=0) if useful.size else np.ones(useful.shape[1])
    design = np.hstack([np.ones((count, 1)), useful / scale])
    inverse = np.linalg.pinv(design)
    freedom = count - design.shape[1]
    critical = float(special.stdtrit(freedom, 0.975))
    return Regression(design, inverse, float((inverse[0] ** 2).sum()), critical)
