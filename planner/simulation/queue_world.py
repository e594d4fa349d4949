"""Knows what the queue kernel reads and writes: the jobs, the rules, the results and the state of one queue."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Places in `counts` and `clock`.
BUSY, WAITING, EVENTS, STARTED, WAKING, PAUSE, UP, AGAIN = range(8)
WINDOW_END = 0


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
    crash_times: Floats  # rising
    crashed: Ints  # the process of each crash
    seats: Ints  # first slot of each process, and one more; slots of a process stand together
    restart: float
    most_stalls: int  # crashes after which a job still starts again
    lock: float
    check: float
    phase: float  # a moment at which stalled jobs are looked for
    slots: int
    places: int
    most: int  # starts in a window
    window: float
    # results
    waits: Floats  # per attempt; NaN where it never started
    finished: Floats
    outcome: Ints
    again_waits: Floats  # of starts after a crash
    again_jobs: Ints
    # the queue's state
    attempt: Ints  # next attempt of each job
    since: Floats  # when the job last became ready
    head: Ints  # per class
    tail: Ints  # per class
    after: Ints  # the next job in the same line
    due: Ints  # first and last of the jobs that are due and in no line yet
    holder: Ints  # per slot: the job at work, or -1
    idle: Ints  # per process: free slots; 0 while it is away; no entries where none crashes
    seat: Ints  # slot and process of each job at work
    leaves: Floats  # when each job at work leaves
    stalls: Ints
    times: Floats  # event heap
    whats: Ints  # event heap: (job, crash or process)·8 + kind
    counts: Ints
    clock: Floats
