"""Knows the waits of priority classes on one slot, when no job is interrupted: means for any service law, the whole
law where the service has no steps.

Means: Cobham 1954. Laws: the transform of the wait in the non-preemptive M/G/1 queue (Takagi 1991, section 3.3).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from planner.exact.distributions import Distribution, TailFunction
from planner.exact.inversion import invert
from planner.exact.solved import OnlyMean
from planner.laws.named import Law, is_continuous

_STEPS, _CLOSE = 200, 1e-12


def single_slot_class_waits(rates: Sequence[float], service: Law) -> tuple[Distribution, ...]:
    """One wait a class, highest first; rates a second, one service law for all, utilisation below 1."""
    return tuple(_class_wait(rates, service, index) for index in range(len(rates)))


def _class_wait(rates: Sequence[float], service: Law, index: int) -> Distribution:
    higher, own, lower = sum(rates[:index]), rates[index], sum(rates[index + 1 :])
    load = sum(rates) * service.mean
    in_service = sum(rates) * service.moment(2) / 2
    mean = in_service / (1.0 - higher * service.mean) / (1.0 - (higher + own) * service.mean)
    if not is_continuous(service):
        return OnlyMean(mean)

    def transform_of_tail(s: Any) -> Any:
        z = s + higher * (1.0 - _busy_period(s, higher, service))
        served = service.laplace(z)
        wait = ((1.0 - load) * z + lower * (1.0 - served)) / (s - own + own * served)
        return (1.0 - wait) / s

    def tail(t: float) -> float:
        return load if t <= 0 else min(load, max(0.0, invert(transform_of_tail, t)))

    return TailFunction(mean, tail)


def _busy_period(s: Any, rate: float, service: Law) -> Any:
    """Transform of the time the slot is busy with the higher classes once one of them has come.

    The fixed point of Takacs' equation, by Steffensen's steps: plain ones are slow near full load.
    """
    found = service.laplace(s)
    if rate == 0.0:
        return found
    for _ in range(_STEPS):
        once = service.laplace(s + rate * (1.0 - found))
        twice = service.laplace(s + rate * (1.0 - once))
        bend = twice - 2.0 * once + found
        steep = np.abs(bend) > _CLOSE
        better = np.where(steep, found - (once - found) ** 2 / np.where(steep, bend, 1.0), twice)
        if np.max(np.abs(better - found)) < _CLOSE:
            return better
        found = np.where(np.abs(better) <= 1.0, better, twice)
    return found
