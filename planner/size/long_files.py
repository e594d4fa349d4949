"""Knows which queues of a long file are sized briefly, in which way each, and how all processors work on them."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from planner.file.queue_file import AskedQueue
from planner.file.reading import read_objective
from planner.fleet import Fleet
from planner.laws.arrivals import BatchPoisson, Poisson, PoissonClasses, Renewal
from planner.laws.named import Deterministic, Exponential
from planner.size.brief import Brief, brief_for
from planner.size.sampled import Sampled, knows
from planner.size.trial_chance import Chance
from planner.workload import Workload

# As many queues that need a simulation take a few minutes when each is simulated as long as it needs.
MANY = 20
# The run that tells the waits must share no luck with the one that decided.
DECIDING, TELLING = 1, 2

Way = Brief | Sampled
Thing, Found = TypeVar("Thing"), TypeVar("Found")
Each = Callable[[Sequence[Any], Callable[[Any], Any]], list[Any]]


def ways(queues: Sequence[AskedQueue]) -> dict[str, Way]:
    """How each queue that needs a simulation is sized briefly, by name; none where they are few."""
    simulated = [queue for queue in queues if not _by_formula(queue)]
    if len(simulated) <= MANY:
        return {}
    deciding, telling = Chance(DECIDING), Chance(TELLING)
    found: dict[str, Way] = {}
    for queue in simulated:
        objective = read_objective(queue.objective)
        brief = brief_for(queue, deciding, telling)
        if brief is not None:
            found[queue.name] = brief
        elif knows(objective):
            found[queue.name] = Sampled(queue, objective, deciding)
    for chance in (deciding, telling):
        chance.draw()  # once, and not by two threads at a time
    return found


def _by_formula(queue: AskedQueue) -> bool:
    """Whether a formula answers the queue at once."""
    workload, fleet = queue.question.workload, queue.question.fleet
    arrivals, service = workload.arrivals, workload.service
    plain = workload == Workload(arrivals, service) and fleet == Fleet(
        fleet.slots, fleet.processes, fleet.cores, cpu_seconds=fleet.cpu_seconds
    )
    if isinstance(service, Exponential):
        return plain and isinstance(arrivals, Poisson | PoissonClasses | Renewal | BatchPoisson)
    return plain and isinstance(service, Deterministic) and isinstance(arrivals, Poisson)


def on_all_processors(
    things: Sequence[Any], work: Callable[[Any], Any], each: Each, found: dict[str, Way]
) -> list[Any]:
    """`each` in order, while all processors work ahead on those that are sized briefly."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        ahead = {thing.name: pool.submit(work, thing) for thing in things if thing.name in found}

        def answer(thing: Any) -> Any:
            return ahead[thing.name].result() if thing.name in ahead else work(thing)

        try:
            return each(things, answer)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
