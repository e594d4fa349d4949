"""Knows how slots are put into worker processes: one event loop each, with bounds on its memory and its slots."""

import math
from dataclasses import dataclass

# A core that is busier makes every job's computing last more than three times as long: 1/(1 - 0.7).
MOST_CPU_USE = 0.7


@dataclass(frozen=True, slots=True)
class ProcessLimits:
    """What one worker process of a queue may hold; None where the file does not say. `workers` is the least."""

    workers: int = 1
    concurrency: int | None = None
    memory_megabytes: float | None = None
    megabytes_per_job: float | None = None
    cpu_seconds: float | None = None

    @property
    def most_slots(self) -> int | None:
        """Slots that fit into one process."""
        bounds = [self.concurrency] if self.concurrency else []
        if self.memory_megabytes is not None and self.megabytes_per_job is not None:
            bounds.append(int(self.memory_megabytes / self.megabytes_per_job))
        return min(bounds, default=None)


@dataclass(frozen=True, slots=True)
class Split:
    """`processes` of `concurrency` slots each. `set_by` says why they are not fewer.

    Memory and busy cores are None where the file does not tell enough.
    """

    processes: int
    concurrency: int
    set_by: str
    memory_megabytes: float | None
    busy_cores: float | None


def split(limits: ProcessLimits, slots: int, attempts_per_second: float, cores: float = 1.0) -> Split:
    """The fewest processes that hold `slots`, each with `cores`."""
    busy = None if limits.cpu_seconds is None else attempts_per_second * limits.cpu_seconds
    reasons = {"one is enough": 1, "workers given": limits.workers}
    if busy is not None:
        reasons["cpu"] = math.ceil(busy / (MOST_CPU_USE * cores) - 1e-9)
    if limits.most_slots is not None:
        reasons["slots that fit into one"] = math.ceil(slots / limits.most_slots)
    processes = max(reasons.values())
    set_by = next(name for name, count in reasons.items() if count == processes)
    concurrency = math.ceil(slots / processes)
    return Split(processes, concurrency, set_by, _memory(limits, processes, concurrency), busy)


def _memory(limits: ProcessLimits, processes: int, concurrency: int) -> float | None:
    if limits.memory_megabytes is not None:
        return processes * limits.memory_megabytes
    return None if limits.megabytes_per_job is None else processes * concurrency * limits.megabytes_per_job
