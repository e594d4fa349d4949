"""Knows how many slots a recorded queue used, and how quickly a slot took up a job: from the attempts alone."""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from planner.laws import Vector
from planner.trace import Attempt

# A level held for less than this in all is two clocks that differ, not a slot.
SHORTEST_SECONDS = 0.002


@dataclass(frozen=True, slots=True)
class Reaction:
    """Seconds that slots took, one entry a first attempt: an idle one to pick a job up, a busy one to hand over."""

    pickups: Vector
    handovers: Vector


def slots_used(attempts: Sequence[Attempt]) -> int:
    """The most attempts that ran at the same time; a lower bound of the slots that there were."""
    moments = sorted(
        [(attempt.ended, -1) for attempt in attempts] + [(attempt.started, 1) for attempt in attempts]
    )
    held: dict[int, float] = {}
    running = 0
    for (moment, step), (following, _) in pairwise(moments):
        running += step
        held[running] = held.get(running, 0.0) + following - moment
    return max([level for level, seconds in held.items() if level and seconds > SHORTEST_SECONDS], default=1)


def reaction(attempts: Sequence[Attempt], slots: int) -> Reaction:
    """What first attempts tell. `attempts` are in order of their starts.

    A job takes the slot that has been free longest: one that was free when the job became ready was idle.
    """
    free: list[float] = []
    pickups, handovers = [], []
    for attempt in attempts:
        freed = heapq.heappop(free) if len(free) == slots else -np.inf
        if attempt.number == 1 and attempt.ready is not None:
            if freed <= attempt.ready:
                pickups.append(attempt.started - attempt.ready)
            else:
                handovers.append(max(0.0, attempt.started - freed))
        heapq.heappush(free, attempt.ended)
    return Reaction(np.array(pickups), np.array(handovers))
