"""Knows how to run jobs through a first-come-first-served queue, compiled or not."""

import numpy as np

from planner.acceleration import COMPILED
from planner.fleet import RateLimit
from planner.laws.named import Vector
from planner.simulation import fcfs_kernel
from planner.simulation.fcfs_plain import waits_plain


def waits(
    times: Vector, service: Vector, slots: int, patience: Vector | None = None, limit: RateLimit | None = None
) -> Vector:
    """Seconds each job waits; who gives up has waited for the patience. `times` rise; all have one length."""
    if patience is None and limit is None:
        return _plain(times, service, slots)
    out = np.empty(len(times))
    patient = np.full(len(times), np.inf) if patience is None else patience
    most, window = (limit.max, limit.window_seconds) if limit else (len(times) + 1, np.inf)
    fcfs_kernel.waits_limited(times, service, patient, np.zeros(slots), out, most, window)
    return out


def _plain(times: Vector, service: Vector, slots: int) -> Vector:
    if not COMPILED:
        return waits_plain(times, service, slots)
    out = np.empty(len(times))
    kernel = fcfs_kernel.waits_sorted if slots <= fcfs_kernel.SORTED else fcfs_kernel.waits_heap
    kernel(times, service, np.zeros(slots), out)
    return out
