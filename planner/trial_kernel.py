"""Knows the shortest loop that counts late jobs: services read from a table, the slots in order, a count a part."""

import numpy as np
from numpy.typing import NDArray

from planner.acceleration import compiled

Floats = NDArray[np.float64]


@compiled
def late(
    clock: Floats,
    unit: Floats,
    rate: float,
    table: Floats,
    step: float,
    free: Floats,
    seconds: float,
    counts: Floats,
) -> None:
    """Add to `counts`, one entry an equal part of the run, the jobs that wait longer than `seconds`.

    `clock` holds the arrivals at rate 1; `table[k]` is the service of the unit exponential k·step. `free` is where the
    slots stand, rising.
    """
    last, cells = len(free) - 1, len(table) - 2
    part = len(clock) // len(counts)
    for i in range(part * len(counts)):
        place = unit[i] / step
        cell = min(int(place), cells)
        service = table[cell] + (place - cell) * (table[cell + 1] - table[cell])
        arrival = clock[i] / rate
        start = max(arrival, free[0])
        if start - arrival > seconds:
            counts[i // part] += 1.0
        finish = start + service
        k = 0
        while k < last and free[k + 1] < finish:
            free[k] = free[k + 1]
            k += 1
        free[k] = finish
