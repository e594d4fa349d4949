"""Knows the wait in M/G/1: one slot, Poisson arrivals, any smooth service law (Pollaczek 1930, Khinchine
1932).
"""

from typing import Any

from planner.exact.distributions import TailFunction
from planner.exact.inversion import invert
from planner.laws.named import Law


def single_slot_wait(arrival_rate: float, service: Law) -> TailFunction:
    """The wait with utilisation below 1."""
    load = arrival_rate * service.mean

    def transform_of_tail(s: Any) -> Any:
        residual = (1.0 - service.laplace(s)) / (s * service.mean)
        return (1.0 - (1.0 - load) / (1.0 - load * residual)) / s

    def tail(t: float) -> float:
        return load if t <= 0 else min(load, max(0.0, invert(transform_of_tail, t)))

    return TailFunction(arrival_rate * service.moment(2) / (2 * (1.0 - load)), tail)
