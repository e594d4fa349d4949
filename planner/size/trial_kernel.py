"""Knows the shortest loop through a first-come-first-served queue: several independent runs side by side.

A processor takes the runs (lanes) at once: the moments at which slots become free stand in order, and a job's end goes
to its place among them by comparing all, without a branch. Services are read from a table.
"""

import numpy as np
from numpy.typing import NDArray

from planner.acceleration import compiled, inlined

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
LANES = 4


@inlined
def _service(unit: float, table: Floats, cells_per_unit: float, cells: int) -> float:
    place = unit * cells_per_unit
    cell = min(int(place), cells)
    return float(table[cell] + (place - cell) * (table[cell + 1] - table[cell]))


@compiled
def run(
    clock: Floats,
    unit: Floats,
    seconds_per_tick: float,
    table: Floats,
    cells_per_unit: float,
    free: Floats,
    waits: Floats,
    services: Floats,
) -> None:
    """Fill `waits` and `services` with seconds, a row the next job of each lane.

    `clock` holds the arrivals at rate 1, `table[k]` the service of the unit exponential k / cells_per_unit. `free` is
    where the slots stand, a row a slot, rising in each lane.
    """
    cells, slots = len(table) - 2, len(free)
    for i in range(len(clock)):
        drawn, come, wait, held = unit[i], clock[i], waits[i], services[i]
        s0 = _service(drawn[0], table, cells_per_unit, cells)
        s1 = _service(drawn[1], table, cells_per_unit, cells)
        s2 = _service(drawn[2], table, cells_per_unit, cells)
        s3 = _service(drawn[3], table, cells_per_unit, cells)
        a0, a1 = come[0] * seconds_per_tick, come[1] * seconds_per_tick
        a2, a3 = come[2] * seconds_per_tick, come[3] * seconds_per_tick
        here = free[0]
        f0, f1, f2, f3 = here[0], here[1], here[2], here[3]
        b0, b1 = a0 if a0 > f0 else f0, a1 if a1 > f1 else f1
        b2, b3 = a2 if a2 > f2 else f2, a3 if a3 > f3 else f3
        wait[0], wait[1], wait[2], wait[3] = b0 - a0, b1 - a1, b2 - a2, b3 - a3
        held[0], held[1], held[2], held[3] = s0, s1, s2, s3
        x0, x1, x2, x3 = b0 + s0, b1 + s1, b2 + s2, b3 + s3
        for k in range(1, slots):
            up = free[k]
            g0, g1, g2, g3 = up[0], up[1], up[2], up[3]
            m0, m1 = f0 if f0 > x0 else x0, f1 if f1 > x1 else x1
            m2, m3 = f2 if f2 > x2 else x2, f3 if f3 > x3 else x3
            m0, m1 = g0 if g0 < m0 else m0, g1 if g1 < m1 else m1
            m2, m3 = g2 if g2 < m2 else m2, g3 if g3 < m3 else m3
            here[0], here[1], here[2], here[3] = m0, m1, m2, m3
            f0, f1, f2, f3 = g0, g1, g2, g3
            here = up
        here[0], here[1] = f0 if f0 > x0 else x0, f1 if f1 > x1 else x1
        here[2], here[3] = f2 if f2 > x2 else x2, f3 if f3 > x3 else x3


@compiled
def late(
    clock: Floats,
    unit: Floats,
    seconds_per_tick: float,
    table: Floats,
    cells_per_unit: float,
    free: Floats,
    waits: Floats,
    services: Floats,
    seconds: float,
    counts: Floats,
) -> None:
    """Into `counts`, a row for each block of len(waits) rows: how many wait longer than `seconds`.

    `waits` and `services` hold one block at a time, so that they stay near the processor.
    """
    rows = len(waits)
    for block in range(len(counts)):
        begin, end, found = rows * block, rows * (block + 1), counts[block]
        run(clock[begin:end], unit[begin:end], seconds_per_tick, table, cells_per_unit, free, waits, services)
        n0 = n1 = n2 = n3 = 0
        for i in range(rows):
            row = waits[i]
            n0 += row[0] > seconds
            n1 += row[1] > seconds
            n2 += row[2] > seconds
            n3 += row[3] > seconds
        found[0], found[1], found[2], found[3] = n0, n1, n2, n3


@compiled
def tally(
    clock: Floats,
    unit: Floats,
    seconds_per_tick: float,
    table: Floats,
    cells_per_unit: float,
    free: Floats,
    waits: Floats,
    services: Floats,
    wait_bits: Ints,
    service_bits: Ints,
    shift: int,
    first: int,
    wait_counts: Ints,
    stay_counts: Ints,
    wait_sums: Floats,
) -> None:
    """Add waits, and waits with services, to counts by lane and bin; and the waits to their sums. Where `stay_counts`
    has no lanes, waits only.

    A bin is what is left of a number's bits after `shift`, less `first`; bin 0 holds those below. `wait_bits` and
    `service_bits` are `waits` and `services` seen as integers.
    """
    rows, most, stays = len(waits), wait_counts.shape[1] - 1, len(stay_counts) > 0
    for begin in range(0, len(clock), rows):
        end = begin + rows
        run(clock[begin:end], unit[begin:end], seconds_per_tick, table, cells_per_unit, free, waits, services)
        for i in range(rows):
            for lane in range(LANES):
                wait_sums[lane] += waits[i, lane]
                wait_counts[lane, min(max((wait_bits[i, lane] >> shift) - first, 0), most)] += 1
                if stays:
                    services[i, lane] += waits[i, lane]
                    stay_counts[lane, min(max((service_bits[i, lane] >> shift) - first, 0), most)] += 1
