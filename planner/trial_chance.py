"""Knows the chance that trials share: drawn once, the same for every queue."""

from dataclasses import dataclass, field

import numpy as np

from planner.laws import Vector

# Jobs of the first run, and how often it is made longer.
FIRST, LONGER, TIMES = 40_000, 4, 3


@dataclass(frozen=True)
class Chance:
    """Unit exponentials for arrivals and services, drawn once for all trials."""

    seed: int
    drawn: dict[int, tuple[Vector, Vector]] = field(default_factory=dict)

    def draw(self) -> None:
        """All that any trial may ask for."""
        for turn in range(TIMES):
            self.units(FIRST * LONGER**turn)

    def units(self, count: int) -> tuple[Vector, Vector]:
        """Between arrivals (as running sums) and for services."""
        if count not in self.drawn:
            random = np.random.default_rng([self.seed, count])
            self.drawn[count] = (
                np.cumsum(random.standard_exponential(count)),
                random.standard_exponential(count),
            )
        return self.drawn[count]
