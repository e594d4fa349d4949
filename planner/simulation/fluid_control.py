"""Knows how the luck of a day that is overloaded or paused is seen: who came when, and how much work each brought.

A job delays all who come after it until the backlog is gone. By mean rates it is known how many those are, so the sum
over the jobs of work times followers has a known mean (Campbell 1909); so have the backlogs that the jobs find.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from planner.exact.overload import Stretches, fluid
from planner.laws.arrivals import Periodic
from planner.laws.coupling import from_exponential
from planner.laws.named import Law, Vector
from planner.simulation.bull_draws import Draw


@dataclass(frozen=True)
class FluidControl:
    """`period` jobs kept are whole periods; compared are three sums a period."""

    arrivals: Periodic
    service: Law
    slots: int
    closed: Stretches = ()

    @cached_property
    def _curves(self) -> tuple[Vector, Vector, Vector]:
        """Phases of the period, and at each how many follow until the backlog is gone, and the backlog."""
        times, backlog = fluid(self.arrivals, self.slots / self.service.mean, self.closed)
        period = self.arrivals.period
        middles = (times[1:] + times[:-1]) / 2
        come = np.append(0.0, np.cumsum([self.arrivals.rate_at(t) for t in middles] * np.diff(times)))
        dry = np.flatnonzero(backlog == 0.0)
        next_dry = dry[np.minimum(np.searchsorted(dry, np.arange(len(times))), len(dry) - 1)]
        followers = come[next_dry] - come
        inside = (times >= period) & (times <= 2 * period)
        return times[inside] - period, followers[inside], backlog[inside]

    @cached_property
    def truth(self) -> Vector:
        """Means of the sums of a period."""
        phases, followers, backlog = self._curves
        rates = np.array([self.arrivals.rate_at(t) for t in (phases[1:] + phases[:-1]) / 2])
        per_cell = rates * np.diff(phases)

        def total(curve: Vector) -> float:
            return float(per_cell @ (curve[1:] + curve[:-1]) / 2)

        return np.array([total(followers) * self.service.mean, total(backlog), per_cell.sum()])

    def run(self, draw: Draw, warmup: int) -> Vector:
        """Excess over the truth in one replication, as a part of the truth."""
        phases, followers, backlog = self._curves
        times = draw.arrivals.times[warmup:]
        work = from_exponential(self.service, draw.unit[warmup:])
        periods = round((times[-1] - times[0]) / self.arrivals.period)
        phase = times % self.arrivals.period
        sums = [
            np.interp(phase, phases, followers) @ work,
            np.interp(phase, phases, backlog).sum(),
            len(times),
        ]
        return np.asarray(np.array(sums) / periods / self.truth - 1.0)


def fluid_control(
    arrivals: Periodic, service: Law, slots: int, closed: Stretches = ()
) -> FluidControl | None:
    """The control, or None where no hour brings more than can be done and nothing is `closed`."""
    if arrivals.largest_rate * service.mean <= slots and not closed:
        return None
    return FluidControl(arrivals, service, slots, closed)
