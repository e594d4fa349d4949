"""Knows how many jobs a second one replica of a queue's workers carries, and from that what KEDA is told.

More replicas share the queue and carry more than in proportion, so replicas counted by what each of the fewest carries
are enough.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

from planner.errors import BadInput
from planner.file.queue_file import AskedQueue
from planner.file.reading import read_objective
from planner.laws.arrivals import Poisson, Profile, Sinusoid
from planner.laws.scaling import faster
from planner.predict import predict
from planner.simulation.effort import Effort
from planner.size.keda import DAY, Scaled
from planner.size.long_files import Way
from planner.size.processes import MOST_CPU_USE
from planner.size.schedule import Shift
from planner.workload import Workload

# The load of one replica is found to this part of itself.
CLOSE = 0.02
QUICK = Effort(half_width=0.02, seconds=1.0, shortest=60_000)


def scaled(
    queue: AskedQueue, concurrency: int, growth: float, shifts: Sequence[Shift], way: Way | None = None
) -> Scaled:
    """Raises BadInput where not even a trickle meets the objectives on one replica. `way` is how a queue of a long file
    is sized.
    """
    busiest = _busiest(queue.question.workload)
    least = min((shift.slots for shift in shifts), default=1)
    fewest = -(-least // concurrency)
    per_replica = min(carried(queue, busiest, concurrency, fewest, way) / fewest, _by_cpu(queue))
    most = max(fewest, math.ceil(growth * busiest.arrivals.per_second / per_replica))
    by_clock = shifts if _is_day(queue.question.workload) else ()
    return Scaled(queue.name, concurrency, per_replica, fewest, most, by_clock)


def carried(
    queue: AskedQueue, workload: Workload, concurrency: int, replicas: int, way: Way | None = None
) -> float:
    """Jobs a second that so many replicas carry with the objectives held."""
    objective = read_objective(queue.objective)
    fleet = replace(queue.question.fleet, slots=concurrency * replicas, processes=replicas)
    # Above this the slots are always busy.
    busy = fleet.slots / workload.offered_load
    low, high = 0.0, busy

    def holds(factor: float) -> bool:
        more = replace(workload, arrivals=faster(workload.arrivals, factor))
        if way is not None:
            return way.holds(more, fleet)
        bounds = {bound.figure: bound.value for bound in objective.bounds}
        effort = replace(QUICK, bounds=bounds)
        return not objective.broken(predict(more, fleet, objective.figures, effort))

    while high - low > CLOSE * high and high > 1e-4 * busy:
        middle = (low + high) / 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    if low == 0.0:
        raise BadInput(
            f"{queue.name}: {replicas} × {concurrency} slots meet the objectives at no load; give more concurrency"
        )
    return low * workload.arrivals.per_second


def _by_cpu(queue: AskedQueue) -> float:
    """Jobs a second that keep the cores of one replica as busy as they may be."""
    seconds = queue.limits.cpu_seconds
    workload = queue.question.workload
    attempts_per_job = workload.attempts_per_second / workload.arrivals.per_second
    return MOST_CPU_USE * queue.question.fleet.cores / (seconds * attempts_per_job) if seconds else math.inf


def _busiest(workload: Workload) -> Workload:
    """The workload at its largest rate, as if that lasted."""
    arrivals = workload.arrivals
    if isinstance(arrivals, Profile | Sinusoid):
        return replace(workload, arrivals=Poisson(arrivals.largest_rate))
    return workload


def _is_day(workload: Workload) -> bool:
    return isinstance(workload.arrivals, Profile | Sinusoid) and workload.arrivals.period == DAY
