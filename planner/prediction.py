"""Knows what a prediction says: figures with their bands, the method that spoke, and its doubts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from planner.exact.overload import Overload


@dataclass(frozen=True, slots=True)
class Figure:
    """A number, and the half width of its 95 % band (0 where the method is exact)."""

    value: float
    half_width: float = 0.0


# The share of durations longer than so many seconds.
Tail = Callable[[float], Figure]


@dataclass(frozen=True, slots=True)
class Prediction:
    """Figures by name (see planner/figures.py), seconds and rates per second.

    `stable` is False when work arrives faster than it can be done: then waits are absent and
    `backlog_per_second` says how fast the queue grows. `overloads` are the hours that bring more than can be done
    where the mean load can be. `tails` are there where they were asked for: of "wait" and "sojourn".
    """

    method: str
    figures: Mapping[str, Figure]
    stable: bool = True
    backlog_per_second: float = 0.0
    doubts: tuple[str, ...] = field(default=())
    overloads: tuple[Overload, ...] = ()
    tails: Mapping[str, Tail] = field(default_factory=dict)

    @property
    def exact(self) -> bool:
        """Whether no figure has a band."""
        return all(figure.half_width == 0.0 for figure in self.figures.values())

    def __getitem__(self, name: str) -> float:
        return self.figures[name].value
