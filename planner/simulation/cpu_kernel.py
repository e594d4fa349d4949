"""Knows slots that wait for others first and then share the cores of their process, one event at a time.

Jobs start in order of arrival, in the process with the most free slots. Processor sharing runs on a clock
of work done per job: the job whose work is finished first on that clock leaves first, whoever else comes
and goes.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from planner.acceleration import compiled, inlined

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Machines(NamedTuple):
    """Jobs by index; heaps by (process, place); `work` is the clock of work done per computing job."""

    times: Floats
    io: Floats
    cpu: Floats
    cores: float
    started: Floats
    finished: Floats
    free: Ints
    computing: Ints
    work: Floats
    seen: Floats
    due: Floats  # (processes, slots): work at which a job is done
    who: Ints
    io_time: Floats  # one heap for all that wait for others
    io_what: Ints  # job·processes + process
    io_size: Ints


@inlined
def _sift_up(keys: Floats, whats: Ints, size: int, key: float, what: int) -> None:
    i = size
    while i > 0:
        up = (i - 1) >> 1
        if keys[up] <= key:
            break
        keys[i] = keys[up]
        whats[i] = whats[up]
        i = up
    keys[i] = key
    whats[i] = what


@inlined
def _sift_down(keys: Floats, whats: Ints, size: int) -> None:
    """Take the first out of a heap of `size`."""
    last = size - 1
    key, what = keys[last], whats[last]
    i, child = 0, 1
    while child < last:
        if child + 1 < last and keys[child + 1] < keys[child]:
            child += 1
        if keys[child] >= key:
            break
        keys[i] = keys[child]
        whats[i] = whats[child]
        i, child = child, 2 * child + 1
    keys[i] = key
    whats[i] = what


@inlined
def _speed(m: Machines, process: int) -> float:
    return float(min(1.0, m.cores / m.computing[process]))


@inlined
def _catch_up(m: Machines, process: int, now: float) -> None:
    if m.computing[process] > 0:
        m.work[process] += (now - m.seen[process]) * _speed(m, process)
    m.seen[process] = now


@inlined
def _start(m: Machines, job: int, process: int, now: float) -> None:
    m.free[process] -= 1
    m.started[job] = now
    _sift_up(m.io_time, m.io_what, m.io_size[0], now + m.io[job], job * len(m.free) + process)
    m.io_size[0] += 1


@inlined
def _compute(m: Machines, now: float) -> None:
    job, process = m.io_what[0] // len(m.free), m.io_what[0] % len(m.free)
    _sift_down(m.io_time, m.io_what, m.io_size[0])
    m.io_size[0] -= 1
    _catch_up(m, process, now)
    _sift_up(m.due[process], m.who[process], m.computing[process], m.work[process] + m.cpu[job], job)
    m.computing[process] += 1


@inlined
def _finish(m: Machines, process: int, now: float) -> None:
    _catch_up(m, process, now)
    m.finished[m.who[process, 0]] = now
    _sift_down(m.due[process], m.who[process], m.computing[process])
    m.computing[process] -= 1
    m.free[process] += 1


@inlined
def _first_done(m: Machines) -> int:
    """The process where a job is done next, or -1."""
    best, when = -1, np.inf
    for process in range(len(m.free)):
        if m.computing[process] > 0:
            done = m.seen[process] + (m.due[process, 0] - m.work[process]) / _speed(m, process)
            if done < when:
                best, when = process, done
    return best


@inlined
def _when_done(m: Machines, process: int) -> float:
    if process < 0:
        return np.inf
    return float(m.seen[process] + max(m.due[process, 0] - m.work[process], 0.0) / _speed(m, process))


@compiled
def run(m: Machines) -> None:
    """Run until every job has left."""
    arrived, begun, jobs = 0, 0, len(m.times)
    while True:
        process = _first_done(m)
        done = _when_done(m, process)
        ready = m.io_time[0] if m.io_size[0] > 0 else np.inf
        comes = m.times[arrived] if arrived < jobs else np.inf
        now = min(done, ready, comes)
        if now == np.inf:
            return
        if now == done:
            _finish(m, process, now)
        elif now == ready:
            _compute(m, now)
        else:
            arrived += 1
        while begun < arrived:
            # Of processes with equally many free slots none is preferred: the number of the job, well mixed, decides.
            best = (begun * 2654435761 >> 11) % len(m.free)
            for other in range(len(m.free)):
                if m.free[other] > m.free[best]:
                    best = other
            if m.free[best] == 0:
                break
            _start(m, begun, best, now)
            begun += 1
