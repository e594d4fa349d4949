"""Knows how to hand jobs to the kernel of slots that share cores."""

import numpy as np

from planner.fleet import Fleet
from planner.laws.named import Vector
from planner.simulation import cpu_kernel


def run(times: Vector, io: Vector, cpu: Vector, fleet: Fleet) -> tuple[Vector, Vector]:
    """Start and end of every job; `times` rise."""
    count, processes = len(times), fleet.processes
    free = np.full(processes, fleet.slots // processes, dtype=np.int64)
    free[: fleet.slots % processes] += 1
    machines = cpu_kernel.Machines(
        times=times,
        io=io,
        cpu=cpu,
        cores=fleet.cores,
        started=np.zeros(count),
        finished=np.zeros(count),
        free=free,
        computing=np.zeros(processes, dtype=np.int64),
        work=np.zeros(processes),
        seen=np.zeros(processes),
        due=np.zeros((processes, fleet.concurrency + 1)),
        who=np.zeros((processes, fleet.concurrency + 1), dtype=np.int64),
        io_time=np.zeros(fleet.slots + 1),
        io_what=np.zeros(fleet.slots + 1, dtype=np.int64),
        io_size=np.zeros(1, dtype=np.int64),
    )
    cpu_kernel.run(machines)
    return machines.started, machines.finished
