"""Knows the fastest way through a first-come-first-served queue: one pass over the jobs, no events.

Kiefer & Wolfowitz 1955: a job starts when it has arrived and the slot that is free first is free. `free`
holds the times at which the slots become free: rising for up to SORTED slots, a binary heap above.
"""

import numpy as np
from numpy.typing import NDArray

from planner.acceleration import compiled

# Shifting beats sifting up to about this many slots.
SORTED = 64
Vector = NDArray[np.float64]


@compiled
def _replace_sorted(free: Vector, finish: float) -> None:
    last = len(free) - 1
    i = 0
    while i < last and free[i + 1] < finish:
        free[i] = free[i + 1]
        i += 1
    free[i] = finish


@compiled
def _replace_heap(free: Vector, finish: float) -> None:
    size = len(free)
    i, child = 0, 1
    while child < size:
        if child + 1 < size and free[child + 1] < free[child]:
            child += 1
        if free[child] >= finish:
            break
        free[i] = free[child]
        i, child = child, 2 * child + 1
    free[i] = finish


@compiled
def waits_sorted(times: Vector, service: Vector, free: Vector, waits: Vector) -> None:
    """Fill `waits` (same length as `times` and `service`); `free` is rising and is left as the run leaves
    it.
    """
    for i in range(len(times)):
        start = max(times[i], free[0])
        waits[i] = start - times[i]
        _replace_sorted(free, start + service[i])


@compiled
def waits_heap(times: Vector, service: Vector, free: Vector, waits: Vector) -> None:
    for i in range(len(times)):
        start = max(times[i], free[0])
        waits[i] = start - times[i]
        _replace_heap(free, start + service[i])


@compiled
def waits_limited(
    times: Vector, service: Vector, patience: Vector, free: Vector, waits: Vector, most: int, window: float
) -> None:
    """As waits_heap, but who waits longer than `patience` leaves, and at most `most` start in a window.

    A window opens at the first start after the last one expired. Who leaves has waited for the patience.
    """
    window_end, started, last = -np.inf, 0, 0.0
    for i in range(len(times)):
        start = max(times[i], free[0], last)
        if started >= most and start < window_end:
            start = window_end
        waits[i] = start - times[i]
        if waits[i] > patience[i]:
            waits[i] = patience[i]
            continue
        if start >= window_end:
            window_end, started = start + window, 0
        started += 1
        last = start
        _replace_heap(free, start + service[i])
