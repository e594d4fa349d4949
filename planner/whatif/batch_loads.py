"""Knows what happens when jobs are gathered into batches: one job of n items where there were n jobs of one."""

from dataclasses import dataclass, replace
from typing import Any

from planner.errors import BadInput
from planner.laws import arrivals
from planner.laws.named import Gamma, IoThenCpu
from planner.laws.scaling import longer, shifted, summed
from planner.workload import Workload


@dataclass(frozen=True, slots=True)
class Batched:
    """The queue of batches, and how long an item waits on average until its batch is full."""

    workload: Workload
    items: int
    fill_seconds: float


def batched(workload: Workload, items: int, fixed_seconds: float, where: str) -> Batched:
    """`items` jobs become one; `fixed_seconds` of each service are spent once a batch. Raises BadInput."""
    service = workload.service
    if isinstance(service, IoThenCpu) or isinstance(workload.arrivals, arrivals.PoissonClasses):
        raise BadInput(f"{where}: io_then_cpu work and priority classes can't be gathered into batches")
    if not 0.0 <= fixed_seconds < service.mean:
        raise BadInput(
            f"{where}: {fixed_seconds:g} s spent once are not below the service of {service.mean:g} s"
        )
    # The part that grows with the items has the shape of the whole.
    each = longer(service, 1.0 - fixed_seconds / service.mean)
    whole = shifted(summed(each, items), fixed_seconds) if items > 1 else service
    rate = workload.arrivals.per_second
    gathered = replace(workload, arrivals=_every(workload.arrivals, items), service=whole)
    return Batched(gathered, items, (items - 1) / (2.0 * rate))


def _every(given: Any, items: int) -> Any:
    """The moments at which batches are full: every `items`-th arrival."""
    match given:
        case _ if items == 1:
            return given
        case arrivals.Poisson():
            return arrivals.Renewal(Gamma(float(items), items / given.per_second))
        case arrivals.Renewal():
            return arrivals.Renewal(summed(given.interval, items))
        case arrivals.Sinusoid() | arrivals.Profile():
            return replace(given, per_second=given.per_second / items)
    raise BadInput("batches of arrivals that already come in bursts can't be told")
