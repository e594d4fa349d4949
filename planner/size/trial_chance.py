"""Knows the chance that trials share: drawn once, the same for every queue, in stretches each as long as all before."""

from dataclasses import dataclass, field

import numpy as np

from planner.laws.named import Matrix

# Runs side by side (planner/size/trial_kernel.py).
LANES = 4
# Rows of one job a lane in the first stretch, and how many stretches there are: 40,000 to 640,000 jobs.
FIRST, STRETCHES = 10_000, 5


@dataclass(frozen=True)
class Chance:
    """Unit exponentials for arrivals and services."""

    seed: int
    drawn: dict[int, tuple[Matrix, Matrix]] = field(default_factory=dict)

    def draw(self) -> None:
        """All that any trial may ask for."""
        self.stretch(STRETCHES - 1)

    def stretch(self, number: int) -> tuple[Matrix, Matrix]:
        """Moments of arrival at rate 1, going on where the stretch before ended, and services; a row the next job of
        each lane.
        """
        if number not in self.drawn:
            rows = FIRST if number == 0 else FIRST << (number - 1)
            begin = np.zeros(LANES) if number == 0 else self.stretch(number - 1)[0][-1]
            random = np.random.default_rng([self.seed, number])
            clock = begin + np.cumsum(random.standard_exponential((rows, LANES)), axis=0)
            self.drawn[number] = (clock, random.standard_exponential((rows, LANES)))
        return self.drawn[number]

    def until(self, stretches: int) -> tuple[Matrix, Matrix]:
        """The first stretches as one."""
        if -stretches not in self.drawn:
            parts = [self.stretch(number) for number in range(stretches)]
            clock, unit = (np.concatenate(some) for some in zip(*parts, strict=True))
            self.drawn[-stretches] = (clock, unit)
        return self.drawn[-stretches]
