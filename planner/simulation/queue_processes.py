"""Knows which slot of which process each job holds, and what a process that crashes takes with it.

A job takes a slot of the process that has most of them free. A crash takes all jobs of its process: each is found by a
check for stalled jobs, and starts the same attempt again; too many crashes end it.
"""

import numpy as np

from planner.acceleration import inlined
from planner.simulation.queue_events import CRASHES, FOUND, RESTARTED, push
from planner.simulation.queue_world import BUSY, UP, World


@inlined
def sit_down(w: World, job: int, leaves: float) -> None:
    process = 0
    for other in range(1, len(w.idle)):
        if w.idle[other] > w.idle[process]:
            process = other
    slot = w.seats[process]
    while w.holder[slot] >= 0:
        slot += 1
    w.holder[slot] = job
    w.idle[process] -= 1
    w.seat[2 * job], w.seat[2 * job + 1] = slot, process
    w.leaves[job] = leaves


@inlined
def stand_up(w: World, job: int) -> None:
    w.holder[w.seat[2 * job]] = -1
    w.idle[w.seat[2 * job + 1]] += 1
    w.leaves[job] = np.inf


@inlined
def _found_at(w: World, started: float, now: float) -> float:
    """When a job whose worker is lost now is found (planner/bull_options.py, Stalls.found_after)."""
    renewed = now - (now - started) % (w.lock / 2.0)
    first = np.ceil((renewed - w.phase) / w.check)
    left = w.lock - (w.phase + first * w.check - renewed)
    return float(w.phase + (first + max(1.0, np.ceil(left / w.check))) * w.check)


@inlined
def crash_now(w: World, crash: int, now: float) -> None:
    process = w.crashed[crash]
    begins, ends = w.seats[process], w.seats[process + 1]
    w.idle[process] = 0
    w.counts[UP] -= ends - begins
    push(w, now + w.restart, process * 8 + RESTARTED)
    if crash + 1 < len(w.crash_times):
        push(w, w.crash_times[crash + 1], (crash + 1) * 8 + CRASHES)
    for slot in range(begins, ends):
        job = w.holder[slot]
        if job >= 0:
            w.holder[slot] = -1
            w.counts[BUSY] -= 1
            started = w.leaves[job] - w.hold[w.attempt[job]]
            w.leaves[job] = np.inf
            push(w, _found_at(w, started, now), job * 8 + FOUND)
