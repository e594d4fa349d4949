"""Knows the first-come-first-served recursion without a compiler: the standard library's heap."""

from heapq import heapreplace

import numpy as np

from planner.laws.named import Vector


def waits_plain(times: Vector, service: Vector, slots: int) -> Vector:
    free = [0.0] * slots
    waits = []
    for arrival, needed in zip(times.tolist(), service.tolist(), strict=True):
        start = free[0] if free[0] > arrival else arrival
        waits.append(start - arrival)
        heapreplace(free, start + needed)
    return np.array(waits)
