"""Knows slots that share a process's cores: each job waits for others first, then computes (one event
loop).
"""

from dataclasses import dataclass

import numpy as np
from scipy import special

from planner.laws.named import Ints, Matrix, Vector


@dataclass(frozen=True, slots=True)
class SharedCpu:
    """States count the jobs that want the CPU, which share the cores equally; both stages are exponential."""

    slots: int
    io_seconds: float
    cpu_seconds: float
    cores: float = 1.0

    def enter(self, busy: int) -> Matrix:
        return np.eye(busy + 1, busy + 2)

    def move(self, busy: int) -> Matrix:
        computing = np.arange(busy + 1)
        to_cpu = (busy - computing) / self.io_seconds
        return np.diag(to_cpu[:-1], k=1) - np.diag(to_cpu + self._done(computing))

    def leave(self, busy: int) -> Matrix:
        computing = np.arange(busy + 1)
        return np.eye(busy + 1, busy, k=-1) * self._done(computing)[:, None]

    def _done(self, computing: Ints) -> Vector:
        return np.minimum(computing, self.cores) / self.cpu_seconds


def saturated_throughput(slots: int, io_seconds: float, cpu_seconds: float, cores: float) -> float:
    """Jobs per second when every slot is always taken, whatever the laws of the two stages.

    A closed network of a delay and a shared processor has product form and depends on the means alone
    (Baskett, Chandy, Muntz & Palacios 1975).
    """
    if cpu_seconds == 0.0:
        return slots / io_seconds
    computing = np.arange(slots + 1)
    speed = np.minimum(computing, cores)
    log_p = -special.gammaln(slots - computing + 1) + special.xlogy(slots - computing, io_seconds)
    log_p[1:] += np.cumsum(np.log(cpu_seconds / speed[1:]))
    p = np.exp(log_p - log_p.max())
    return float(p @ speed / p.sum() / cpu_seconds)
