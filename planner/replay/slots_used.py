"""Knows how many slots a recorded queue used, and how quickly a slot took up a job: from the attempts alone."""

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from planner.laws.named import Vector
from planner.replay.trace import Attempt

# A level held for less than this in all is two clocks that differ, not a slot.
SHORTEST_SECONDS = 0.002


@dataclass(frozen=True, slots=True)
class Reaction:
    """Seconds that slots took, one entry a first attempt: an idle one to pick a job up, a busy one to hand over.

    `retries` is one entry a retry that fell due beside an idle slot: BullMQ's worker sees it at Redis' next event.
    `own_pickups` and `own_handovers` are those of each attempt, by job and number.
    """

    pickups: Vector
    handovers: Vector
    retries: Vector
    own_pickups: Mapping[tuple[str, int], float]
    own_handovers: Mapping[tuple[str, int], float]


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
    """What attempts tell. `attempts` are in order of their starts.

    A job takes the slot that has been free longest: one that was free when the job became ready was idle.
    """
    free: list[float] = []
    idle: dict[tuple[str, int], float] = {}
    busy: dict[tuple[str, int], float] = {}
    for attempt in attempts:
        freed = heapq.heappop(free) if len(free) == slots else -np.inf
        heapq.heappush(free, attempt.ended)
        if attempt.ready is None:
            continue
        if freed <= attempt.ready:
            idle[attempt.job, attempt.number] = attempt.started - attempt.ready
        else:
            busy[attempt.job, attempt.number] = max(0.0, attempt.started - freed)
    pickups, handovers = (
        np.array([seconds for (_, number), seconds in one.items() if number == 1]) for one in (idle, busy)
    )
    retries = np.array([seconds for (_, number), seconds in idle.items() if number > 1])
    return Reaction(pickups, handovers, retries, idle, busy)


def without_holds(seen: Reaction, most: float) -> Reaction:
    """Only what took at most so many seconds: the rest was held back by something else."""
    pickups, handovers, retries = (
        part[part <= most] for part in (seen.pickups, seen.handovers, seen.retries)
    )
    idle, busy = (
        {one: seconds for one, seconds in own.items() if seconds <= most}
        for own in (seen.own_pickups, seen.own_handovers)
    )
    return Reaction(pickups, handovers, retries, idle, busy)
