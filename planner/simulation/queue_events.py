"""Knows the events to come of one queue, the earliest first: a heap in the arrays of its world."""

from planner.acceleration import inlined
from planner.simulation.queue_world import EVENTS, World

LEAVES, DUE, WAKES, GIVES_UP, FOUND, SLOT_BACK, CRASHES, RESTARTED = range(8)


@inlined
def _is_before(time: float, what: int, other_time: float, other: int) -> bool:
    """Of two events of one moment, such as jobs found by one check, that of the earlier job."""
    return bool(time < other_time or (time == other_time and what < other))


@inlined
def push(w: World, time: float, what: int) -> None:
    i = w.counts[EVENTS]
    w.counts[EVENTS] = i + 1
    while i > 0:
        up = (i - 1) >> 1
        if not _is_before(time, what, w.times[up], w.whats[up]):
            break
        w.times[i] = w.times[up]
        w.whats[i] = w.whats[up]
        i = up
    w.times[i] = time
    w.whats[i] = what


@inlined
def pop(w: World) -> int:
    what = w.whats[0]
    size = w.counts[EVENTS] - 1
    w.counts[EVENTS] = size
    time, moved = w.times[size], w.whats[size]
    i, child = 0, 1
    while child < size:
        right = child + 1
        if right < size and _is_before(w.times[right], w.whats[right], w.times[child], w.whats[child]):
            child = right
        if not _is_before(w.times[child], w.whats[child], time, moved):
            break
        w.times[i] = w.times[child]
        w.whats[i] = w.whats[child]
        i, child = child, 2 * child + 1
    w.times[i] = time
    w.whats[i] = moved
    return int(what)
