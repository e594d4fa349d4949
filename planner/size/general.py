"""Knows the smallest slots of many queues with any service law, in seconds for a thousand."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from planner.acceleration import COMPILED
from planner.fleet import Fleet
from planner.objective import Objective
from planner.size.quick_search import quick_search
from planner.size.trial_chance import Chance
from planner.sizing import size
from planner.workload import Workload


def sizes(
    queues: Sequence[tuple[Workload, Objective]], threads: int | None = None, seed: int = 1
) -> list[int | None]:
    """Fewest slots of each; None where no number meets the objective.

    Within some 5 % of the allowed share of late jobs the answer may be one off. Queues of another kind than Poisson
    arrivals with bounds on the wait are sized one by one, as `size` does; so are all without a compiler.
    """
    chance = Chance(seed)
    chance.draw()
    with ThreadPoolExecutor(threads or os.cpu_count() or 1) as pool:
        return list(pool.map(lambda queue: _size(queue[0], queue[1], chance), queues))


def _size(workload: Workload, objective: Objective, chance: Chance) -> int | None:
    search = quick_search(workload, objective, Fleet(1), chance)
    if search is not None and COMPILED:
        return search.smallest()
    plan = size(workload, objective)
    return plan.slots_needed if plan else None
