"""Knows the waits of priority classes that share exponential slots and never interrupt a job.

Means: Cobham 1954. Law: given that all slots are busy it is the wait in M/M/1 with the service rate of all
slots together (Kella & Yechiali 1985), whose transform is Takagi's (1991, section 3.3).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from planner.exact.distributions import TailFunction
from planner.exact.erlang import erlang_c
from planner.exact.inversion import invert


def class_waits(slots: int, rates: Sequence[float], service_seconds: float) -> tuple[TailFunction, ...]:
    """One wait a class, highest first; the total load must be below the slots."""
    return tuple(_class_wait(slots, rates, service_seconds, index) for index in range(len(rates)))


def _class_wait(slots: int, rates: Sequence[float], service_seconds: float, index: int) -> TailFunction:
    speed = slots / service_seconds
    waits = erlang_c(slots, sum(rates) * service_seconds)
    higher, own = sum(rates[:index]), rates[index]
    mean = waits / speed / (1.0 - higher / speed) / (1.0 - (higher + own) / speed)

    def transform_of_tail(s: Any) -> Any:
        return waits * (1.0 - _busy_transform(s, speed, rates, index)) / s

    def tail(t: float) -> float:
        return waits if t <= 0 else min(waits, max(0.0, invert(transform_of_tail, t)))

    return TailFunction(mean, tail)


def _busy_transform(s: Any, speed: float, rates: Sequence[float], index: int) -> Any:
    """Transform of the wait in M/M/1 given a busy server."""
    higher, own, lower = sum(rates[:index]), rates[index], sum(rates[index + 1 :])
    load = sum(rates) / speed
    z = s + higher * (1.0 - _busy_period(s, speed, higher))
    service = speed / (speed + z)
    waiting = ((1.0 - load) * z + lower * (1.0 - service)) / (s - own + own * service)
    return (waiting - (1.0 - load)) / load


def _busy_period(s: Any, speed: float, rate: float) -> Any:
    """Transform of the time the server is busy with the higher classes once one of them has come."""
    if rate == 0.0:
        return 0.0
    total = speed + rate + s
    return (total - np.sqrt(total * total - 4.0 * rate * speed)) / (2.0 * rate)
