"""Knows Bull's rules for one queue, one event at a time: priorities, LIFO, delays, retries, stalls, crashes, limiter,
pause.

Time is in seconds. A job has one or more attempts, drawn beforehand; attempt a holds a slot for `hold[a]`.
Class 0 starts first; inside a class first in, first out. To the head means in front of all classes.

A failed attempt that is not the job's last comes back `back[a]` seconds after its end: at the tail of its class, but to
the head where `back[a]` is 0 and the job is `lifo`. A stalled one (back[a] < 0) is found -back[a] seconds after its
start and goes to the head; hold[a] is when its slot is back. A parent (`pending` > 0) becomes ready when its last child
has finished, and goes to the head where it is `plain`.

With `late_due` a job that falls due while every slot is busy, or the limiter lets none start, joins its line when a
slot gets free or the window is over, behind those that have come meanwhile: then a worker asks, and moves what is due.
Its wait counts from when it was due.

Processes crash where `crashed` is not empty (queue_processes.py).
"""

from collections.abc import Callable

import numpy as np

from planner.acceleration import compiled, inlined, source_number
from planner.simulation import queue_events, queue_processes, queue_world
from planner.simulation.queue_events import (
    CRASHES,
    DUE,
    FOUND,
    GIVES_UP,
    LEAVES,
    RESTARTED,
    SLOT_BACK,
    WAKES,
    pop,
    push,
)  # fmt: skip
from planner.simulation.queue_processes import crash_now, sit_down, stand_up
from planner.simulation.queue_world import (
    AGAIN,
    BUSY,
    EVENTS,
    PAUSE,
    STARTED,
    UP,
    WAITING,
    WAKING,
    WINDOW_END,
    World,
)

SERVED, REFUSED, GAVE_UP, UNFINISHED = range(4)
# `lifo` of a job that goes to the head when it comes, and not when it is tried again.
ONCE_AT_HEAD = 2


@inlined
def _line_up(w: World, job: int, since: float, at_head: bool) -> None:
    rank = 0 if at_head else w.rank[job]
    w.since[job] = since
    w.counts[WAITING] += 1
    if w.head[rank] < 0:
        w.head[rank] = w.tail[rank] = job
        w.after[job] = -1
    elif at_head:
        w.after[job] = w.head[rank]
        w.head[rank] = job
    else:
        w.after[w.tail[rank]] = job
        w.tail[rank] = job
        w.after[job] = -1


@inlined
def _next_in_line(w: World) -> int:
    for rank in range(len(w.head)):
        job = w.head[rank]
        if job >= 0:
            w.head[rank] = w.after[job]
            return int(job)
    return -1


@inlined
def _limited(w: World, now: float) -> bool:
    return bool(w.counts[STARTED] >= w.most and now < w.clock[WINDOW_END])


@inlined
def _blocked_until(w: World, now: float) -> float:
    """The moment before which nothing may start, or -1."""
    if _limited(w, now):
        return float(w.clock[WINDOW_END])
    while w.counts[PAUSE] < len(w.pauses) and w.pauses[w.counts[PAUSE] + 1] <= now:
        w.counts[PAUSE] += 2
    if w.counts[PAUSE] < len(w.pauses) and w.pauses[w.counts[PAUSE]] <= now:
        return float(w.pauses[w.counts[PAUSE] + 1])
    return -1.0


@inlined
def _start(w: World, job: int, now: float) -> None:
    if now >= w.clock[WINDOW_END]:
        w.clock[WINDOW_END] = now + w.window
        w.counts[STARTED] = 0
    w.counts[STARTED] += 1
    w.counts[BUSY] += 1
    attempt = w.attempt[job]
    if len(w.idle) > 0:
        sit_down(w, job, now + w.hold[attempt])
    if w.stalls[job] > 0 and not np.isnan(w.waits[attempt]):
        w.again_waits[w.counts[AGAIN]] = now - w.since[job]
        w.again_jobs[w.counts[AGAIN]] = job
        w.counts[AGAIN] += 1
    else:
        w.waits[attempt] = now - w.since[job]
    stalls = w.back[attempt] < 0
    push(w, now + w.hold[attempt], job * 8 + (SLOT_BACK if stalls else LEAVES))
    if stalls:
        push(w, now - w.back[attempt], job * 8 + FOUND)


@inlined
def _give_up(w: World, job: int) -> None:
    w.waits[w.attempt[job]] = w.patience[job]
    w.outcome[job] = GAVE_UP
    w.finished[job] = w.since[job] + w.patience[job]


@inlined
def _start_all(w: World, now: float) -> None:
    while w.counts[BUSY] < w.counts[UP] and (w.counts[WAITING] > 0 or w.due[0] >= 0):
        until = _blocked_until(w, now)
        if until > now:
            if w.counts[WAKING] == 0:
                w.counts[WAKING] = 1
                push(w, until, WAKES)
            return
        job = _next_in_line(w)
        if job < 0:
            return
        if w.outcome[job] == GAVE_UP:  # left the line earlier; its place was only now reached
            continue
        w.counts[WAITING] -= 1
        if now - w.since[job] > w.patience[job]:
            _give_up(w, job)
        else:
            _start(w, job, now)


@inlined
def _arrive(w: World, job: int, now: float, at_head: bool) -> None:
    if w.counts[BUSY] + w.counts[WAITING] >= w.places:
        w.outcome[job] = REFUSED
        return
    _line_up(w, job, now, at_head)
    if w.places < len(w.ready) and w.patience[job] < np.inf:
        push(w, now + w.patience[job], job * 8 + GIVES_UP)


@inlined
def _come(w: World, job: int, now: float, is_due: bool) -> None:
    """What falls due goes to the tail, also a LIFO job."""
    if not is_due or w.late_due == 0 or (w.counts[BUSY] < w.counts[UP] and not _limited(w, now)):
        _arrive(w, job, now, not is_due and w.lifo[job] > 0)
        return
    w.since[job] = now
    w.after[job] = -1
    if w.due[0] < 0:
        w.due[0] = job
    else:
        w.after[w.due[1]] = job
    w.due[1] = job


@inlined
def _move_due(w: World) -> None:
    while w.due[0] >= 0:
        job = w.due[0]
        w.due[0] = w.after[job]
        _line_up(w, job, w.since[job], False)


@inlined
def _end(w: World, job: int, now: float) -> None:
    w.finished[job] = now
    w.outcome[job] = SERVED
    parent = w.parent[job]
    if parent >= 0:
        w.pending[parent] -= 1
        if w.pending[parent] == 0:
            _arrive(w, parent, now, w.plain[parent] == 1)


@inlined
def _try_again(w: World, job: int, now: float) -> None:
    attempt = w.attempt[job]
    w.attempt[job] = attempt + 1
    if w.back[attempt] > 0:
        push(w, now + w.back[attempt], job * 8 + DUE)
    else:
        _arrive(w, job, now, w.back[attempt] < 0 or w.lifo[job] == 1)


@inlined
def _gives_up(w: World, job: int, now: float) -> None:
    waits = np.isnan(w.waits[w.attempt[job]]) and w.outcome[job] == UNFINISHED
    if waits and now >= w.since[job] + w.patience[job]:
        w.counts[WAITING] -= 1
        _give_up(w, job)


@inlined
def _is_last(w: World, job: int, kind: int) -> bool:
    """Whether the job starts no more. Of a process that crashed each job is one stall nearer to its end."""
    if kind == FOUND and len(w.idle) > 0:
        w.stalls[job] += 1
        return bool(w.stalls[job] > w.most_stalls)
    return bool(w.attempt[job] + 1 == w.first[job + 1])


@inlined
def _happen(w: World, what: int, now: float) -> None:
    """A parent has its place before what is due, and that before a job that is tried again at once."""
    job, kind = what >> 3, what & 7
    if kind == LEAVES and len(w.idle) > 0:
        if w.leaves[job] != now:  # it was lost in a crash meanwhile
            return
        stand_up(w, job)
    tried = kind in (LEAVES, FOUND)
    is_last = tried and _is_last(w, job, kind)
    if kind in (LEAVES, SLOT_BACK):
        w.counts[BUSY] -= 1
    elif kind == WAKES:
        w.counts[WAKING] = 0
    elif kind == CRASHES:
        crash_now(w, job, now)
    elif kind == RESTARTED:
        w.idle[job] = w.seats[job + 1] - w.seats[job]
        w.counts[UP] += w.idle[job]
    if is_last:
        _end(w, job, now)
    if kind in (LEAVES, SLOT_BACK, WAKES, RESTARTED):
        _move_due(w)
    if kind == FOUND and not is_last and len(w.idle) > 0:
        _arrive(w, job, now, True)
    elif tried and not is_last:
        _try_again(w, job, now)
    elif kind == DUE:
        _come(w, job, now, True)
    elif kind == GIVES_UP:
        _gives_up(w, job, now)


def _made(sources: int) -> Callable[[World], None]:
    """Numba keeps what it compiled until this file changes, or a number that the function closes over."""

    @compiled
    def run(w: World) -> None:
        """Run until every job has left."""
        if sources < 0:
            return
        job, jobs = 0, len(w.ready)
        w.counts[UP] = w.slots
        if len(w.idle) > 0:
            push(w, w.crash_times[0], CRASHES)
        while True:
            while job < jobs and w.pending[job] > 0:
                job += 1
            if w.counts[EVENTS] > 0 and (job >= jobs or w.times[0] <= w.ready[job]):
                now = w.times[0]
                what = pop(w)
                _happen(w, what, now)
                if (
                    what & 7 == FOUND
                    and w.counts[EVENTS] > 0
                    and w.times[0] == now
                    and w.whats[0] & 7 == FOUND
                ):
                    continue  # one check moves all that it finds before any of them starts
            elif job < jobs:
                now = w.ready[job]
                _come(w, job, now, w.delayed[job] == 1)
                job += 1
            else:
                return
            _start_all(w, now)

    return run


run = _made(source_number(queue_events, queue_processes, queue_world))
