"""This file knows two fleets side by side: each queue of either, what it has, how it does, and the sums of both."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from dashboard.plan.answers import Row
from planner.file.queue_file import AskedQueue


@dataclass(frozen=True, slots=True)
class Side:
    """One fleet: its name, its queues and the planner's answers to them."""

    name: str
    queues: tuple[AskedQueue, ...]
    rows: Mapping[str, Row]

    @property
    def slots(self) -> int:
        return sum(queue.question.fleet.slots for queue in self.queues)

    @property
    def jobs_per_hour(self) -> float:
        return sum(queue.question.workload.arrivals.per_second * 3600 for queue in self.queues)

    @property
    def memory_megabytes(self) -> float | None:
        """The limits that are given, added up; None without one."""
        given = [queue.memory_megabytes for queue in self.queues if queue.memory_megabytes]
        return sum(given) if given else None

    @property
    def unstable(self) -> list[str]:
        """Queues whose work comes faster than it can be done."""
        return [name for name, row in self.rows.items() if not row["stable"]]

    @property
    def slow(self) -> list[str]:
        """Queues that keep up and miss an objective."""
        return [name for name, row in self.rows.items() if row["stable"] and row["objectives_broken"]]

    @property
    def verdict(self) -> str:
        """One line for people."""
        if not self.unstable and not self.slow:
            return f"meets the objectives of {_all(len(self.rows))}"
        told = [f"{_names(self.unstable)} can't keep up"] if self.unstable else []
        told += [f"{_names(self.slow)} would wait too long"] if self.slow else []
        return "; ".join(told)


def _all(count: int) -> str:
    return f"all {count} queues" if count > 1 else "its queue"


def _names(names: Sequence[str]) -> str:
    return ", ".join(names[:-1]) + f" and {names[-1]}" if len(names) > 1 else names[0]


def queue_names(sides: Iterable[Side]) -> list[str]:
    """Queues of either fleet, in the order in which they stand there."""
    return list(dict.fromkeys(queue.name for side in sides for queue in side.queues))
