"""Knows Erlang's formulas: the chance that all slots are busy, with and without a queue.

A. K. Erlang 1917; the recursion is Jagerman's, in the reciprocal so that it neither overflows nor cancels.
"""

import math
from collections.abc import Callable

from planner.exact.mixture import ErlangMixture, geometric_wait


def erlang_b(slots: int, offered_load: float) -> float:
    """Share of jobs lost when there is no queue. Stable to 10⁵ slots and beyond."""
    if offered_load == 0.0:
        return 0.0 if slots else 1.0
    if offered_load > 10.0 and slots > 64:
        return _erlang_b_series(slots, offered_load)
    lost = 1.0
    for n in range(1, slots + 1):
        lost = offered_load * lost / (n + offered_load * lost)
    return lost


def _erlang_b_series(slots: int, offered_load: float) -> float:
    """1/B = 1 + c/a + c(c-1)/a² + …: cut where the terms no longer count; short for c below a, fine above."""
    inverse, term, n = 1.0, 1.0, slots
    while n > 0:
        term *= n / offered_load
        inverse += term
        n -= 1
        if term < 1e-17 * inverse and n < offered_load:
            break
        if inverse > 1e300:
            return 0.0
    return 1.0 / inverse


def erlang_c(slots: int, offered_load: float) -> float:
    """Chance to wait with an endless queue; 1 when the load is not below the slots."""
    if offered_load >= slots:
        return 1.0
    lost = erlang_b(slots, offered_load)
    return lost / (1.0 - (offered_load / slots) * (1.0 - lost))


def exponential_wait(slots: int, arrival_rate: float, service_seconds: float) -> ErlangMixture:
    """The wait in M/M/c, first come first served."""
    load = arrival_rate * service_seconds
    return geometric_wait(erlang_c(slots, load), load / slots, slots / service_seconds)


def smallest_slots(offered_load: float, holds: Callable[[int], bool]) -> int:
    """Fewest slots above the offered load for which `holds(slots)`; `holds` must stay true once it is."""
    low = math.floor(offered_load)
    step = 1
    while not holds(low + step):
        low, step = low + step, 2 * step
    high = low + step
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high
