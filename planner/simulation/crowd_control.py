"""Knows the queue with a slot for everybody, as a control: the number of jobs in it is Poisson.

That holds for every service law. It sees the luck of the run itself (a few huge jobs, a burst of arrivals),
where a twin law sees only its shadow.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import stats

from planner.laws.coupling import from_exponential
from planner.laws.named import Law, Vector
from planner.simulation.bull_draws import Draw


@dataclass(frozen=True)
class CrowdControl:
    """M/G/inf with the arrivals and the services of the run; compared at numbers of jobs near the slots."""

    service: Law
    load: float
    slots: int

    @cached_property
    def marks(self) -> Vector:
        """Numbers of jobs at which tails are compared."""
        step = np.sqrt(self.load)
        return np.unique(np.floor([self.slots, self.slots + 1.2 * step, self.slots - 0.7 * step]))

    @cached_property
    def truth(self) -> Vector:
        """Mean number, mean number above the slots, and P(at least so many) at each mark."""
        at_least, above = stats.poisson.sf([self.slots - 1, self.slots], self.load)
        excess = self.load * at_least - self.slots * above
        return np.array([self.load, excess, *stats.poisson.sf(self.marks - 1, self.load)])

    def run(self, draw: Draw, warmup: int) -> Vector:
        """Excess over the truth in one replication."""
        times = draw.arrivals.times
        leaves = np.sort(times + from_exponential(self.service, draw.unit))
        seen = (np.arange(len(times)) - np.searchsorted(leaves, times))[warmup:]
        shares = [np.count_nonzero(seen >= mark) / len(seen) for mark in self.marks]
        excess = np.maximum(seen - self.slots, 0).mean()
        return np.asarray([seen.mean(), excess, *shares] - self.truth)


def crowd_control(service: Law, per_second: float, slots: int) -> CrowdControl | None:
    """The control, or None where the slots are far from the crowd."""
    load = per_second * service.mean
    if load < 2.0 or abs(slots - load) > 5.0 * np.sqrt(load):
        return None
    return CrowdControl(service, load, slots)
