"""Knows slots that share a process's cores: each job waits for others first, then computes (one event loop)."""

from dataclasses import dataclass

import numpy as np

from planner.laws import Matrix


@dataclass(frozen=True, slots=True)
class SharedCpu:
    """States count the jobs that want the CPU; exponential stages; the cores are shared equally among them."""

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

    def _done(self, computing: "np.ndarray") -> "np.ndarray":  # type: ignore[type-arg]
        return np.minimum(computing, self.cores) / self.cpu_seconds
