"""Knows how hard each queue of a what-if or a report is simulated: many of them share the time that a few may take."""

from dataclasses import replace
from typing import Any

from planner import answers
from planner.file.queue_file import AskedQueue
from planner.simulation.effort import Effort

# So many in all, on a quiet machine of two cores, however many queues there are to simulate.
SECONDS = 60.0
# Replications of this many jobs decide sizes too (planner/sizing.py).
SHORTEST = 40_000


def predicted(queue: AskedQueue, of_so_many: int) -> dict[str, Any]:
    """The row of one queue."""
    return answers.predicted(queue, effort_of(answers.effort_for(queue), of_so_many))


def effort_of(alone: Effort, of_so_many: int) -> Effort:
    """As `alone` where there is time for that."""
    seconds = SECONDS / max(1, of_so_many)
    if seconds >= alone.seconds:
        return alone
    return replace(alone, seconds=seconds, shortest=min(alone.shortest, SHORTEST))
