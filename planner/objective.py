"""Knows what must hold: bounds on the figures of a prediction."""

import math
from dataclasses import dataclass

from planner.prediction import Prediction


@dataclass(frozen=True, slots=True)
class Bound:
    """`figure` must stay at most (or, with `at_least`, at least) `value`."""

    figure: str
    value: float
    at_least: bool = False

    def holds(self, found: float) -> bool:
        return found >= self.value if self.at_least else found <= self.value

    def slack(self, found: float) -> float:
        """Above 0 where the bound holds, relative to the bound."""
        if math.isinf(found):
            return -math.inf
        scale = abs(self.value) or 1.0
        return (found - self.value if self.at_least else self.value - found) / scale

    def __str__(self) -> str:
        return f"{self.figure} {'>=' if self.at_least else '<='} {self.value:g}"


@dataclass(frozen=True, slots=True)
class Objective:
    """All of its bounds must hold."""

    bounds: tuple[Bound, ...]

    @property
    def figures(self) -> tuple[str, ...]:
        return tuple(bound.figure for bound in self.bounds)

    def broken(self, prediction: Prediction) -> tuple[Bound, ...]:
        """The bounds that do not hold; all of them when the queue grows without end."""
        if not prediction.stable:
            return self.bounds
        return tuple(bound for bound in self.bounds if not bound.holds(prediction[bound.figure]))
