"""Knows Bull's rules for one queue, one event at a time: priorities, LIFO, delays, retries, stalls,
limiter, pause.

Time is in seconds. A job has one or more attempts, drawn beforehand; attempt a holds a slot for `hold[a]`.
Class 0 starts first; inside a class first in, first out. To the head means in front of all classes.

A failed attempt that is not the job's last comes back `back[a]` seconds after its end: at the tail of its class, but to
the head where `back[a]` is 0 and the job is `lifo`. A stalled one (back[a] < 0) is found -back[a] seconds after its
start and goes to the head; hold[a] is when its slot is back. A parent (`pending` > 0) becomes ready when its last child
has finished, and goes to the head where it is `plain`.

With `late_due` a job that falls due while every slot is busy, or the limiter lets none start, joins its line when a
slot gets free or the window is over, behind those that have come meanwhile: then a worker asks, and moves what is due.
Its wait counts from when it was due.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from planner.acceleration import compiled, inlined

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

BUSY, WAITING, EVENTS, STARTED, WAKING, PAUSE = range(6)
WINDOW_END = 0
LEAVES, DUE, WAKES, GIVES_UP, FOUND, SLOT_BACK = range(6)
SERVED, REFUSED, GAVE_UP, UNFINISHED = range(4)


class World(NamedTuple):
    """Everything the loop reads and writes; one array entry a job unless said otherwise."""

    ready: Floats  # when the job may first start; rising
    rank: Ints  # priority class, 0 first
    lifo: Ints
    plain: Ints  # 1 where the job has no priority
    first: Ints  # index of the job's first attempt; one more entry than jobs
    hold: Floats  # per attempt
    back: Floats  # per attempt
    patience: Floats
    delayed: Ints  # 1 where `ready` is a due time
    late_due: int
    parent: Ints  # job that waits for this one, or -1
    pending: Ints  # children still to finish
    pauses: Floats  # start, end, start, end, … rising
    slots: int
    places: int
    most: int  # starts in a window
    window: float
    # results
    waits: Floats  # per attempt; NaN where it never started
    finished: Floats
    outcome: Ints
    # the queue's state
    attempt: Ints  # next attempt of each job
    since: Floats  # when the job last became ready
    head: Ints  # per class
    tail: Ints  # per class
    after: Ints  # the next job in the same line
    due: Ints  # first and last of the jobs that are due and in no line yet
    times: Floats  # event heap
    whats: Ints  # event heap: job·8 + kind
    counts: Ints
    clock: Floats


@inlined
def _push(w: World, time: float, what: int) -> None:
    i = w.counts[EVENTS]
    w.counts[EVENTS] = i + 1
    while i > 0:
        up = (i - 1) >> 1
        if w.times[up] <= time:
            break
        w.times[i] = w.times[up]
        w.whats[i] = w.whats[up]
        i = up
    w.times[i] = time
    w.whats[i] = what


@inlined
def _pop(w: World) -> int:
    what = w.whats[0]
    size = w.counts[EVENTS] - 1
    w.counts[EVENTS] = size
    time, moved = w.times[size], w.whats[size]
    i, child = 0, 1
    while child < size:
        if child + 1 < size and w.times[child + 1] < w.times[child]:
            child += 1
        if w.times[child] >= time:
            break
        w.times[i] = w.times[child]
        w.whats[i] = w.whats[child]
        i, child = child, 2 * child + 1
    w.times[i] = time
    w.whats[i] = moved
    return int(what)


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
    w.waits[attempt] = now - w.since[job]
    stalls = w.back[attempt] < 0
    _push(w, now + w.hold[attempt], job * 8 + (SLOT_BACK if stalls else LEAVES))
    if stalls:
        _push(w, now - w.back[attempt], job * 8 + FOUND)


@inlined
def _give_up(w: World, job: int) -> None:
    w.waits[w.attempt[job]] = w.patience[job]
    w.outcome[job] = GAVE_UP
    w.finished[job] = w.since[job] + w.patience[job]


@inlined
def _start_all(w: World, now: float) -> None:
    while w.counts[BUSY] < w.slots and (w.counts[WAITING] > 0 or w.due[0] >= 0):
        until = _blocked_until(w, now)
        if until > now:
            if w.counts[WAKING] == 0:
                w.counts[WAKING] = 1
                _push(w, until, WAKES)
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
        _push(w, now + w.patience[job], job * 8 + GIVES_UP)


@inlined
def _come(w: World, job: int, now: float, is_due: bool) -> None:
    """What falls due goes to the tail, also a LIFO job."""
    if not is_due or w.late_due == 0 or (w.counts[BUSY] < w.slots and not _limited(w, now)):
        _arrive(w, job, now, not is_due and w.lifo[job] == 1)
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
        _push(w, now + w.back[attempt], job * 8 + DUE)
    else:
        _arrive(w, job, now, w.back[attempt] < 0 or w.lifo[job] == 1)


@inlined
def _gives_up(w: World, job: int, now: float) -> None:
    waits = np.isnan(w.waits[w.attempt[job]]) and w.outcome[job] == UNFINISHED
    if waits and now >= w.since[job] + w.patience[job]:
        w.counts[WAITING] -= 1
        _give_up(w, job)


@inlined
def _happen(w: World, what: int, now: float) -> None:
    """A parent has its place before what is due, and that before a job that is tried again at once."""
    job, kind = what >> 3, what & 7
    tried = kind in (LEAVES, FOUND)
    is_last = tried and w.attempt[job] + 1 == w.first[job + 1]
    if kind in (LEAVES, SLOT_BACK):
        w.counts[BUSY] -= 1
    elif kind == WAKES:
        w.counts[WAKING] = 0
    if is_last:
        _end(w, job, now)
    if kind in (LEAVES, SLOT_BACK, WAKES):
        _move_due(w)
    if tried and not is_last:
        _try_again(w, job, now)
    elif kind == DUE:
        _come(w, job, now, True)
    elif kind == GIVES_UP:
        _gives_up(w, job, now)


@compiled
def run(w: World) -> None:
    """Run until every job has left."""
    job, jobs = 0, len(w.ready)
    while True:
        while job < jobs and w.pending[job] > 0:
            job += 1
        if w.counts[EVENTS] > 0 and (job >= jobs or w.times[0] <= w.ready[job]):
            now = w.times[0]
            _happen(w, _pop(w), now)
        elif job < jobs:
            now = w.ready[job]
            _come(w, job, now, w.delayed[job] == 1)
            job += 1
        else:
            return
        _start_all(w, now)
