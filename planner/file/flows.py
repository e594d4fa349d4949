"""Knows flows between the queues of a file: a parent that waits for its children in another queue.

The other queue does not wait for anybody, so it is told alone: the children come to it as batches beside its own jobs.
The parent's queue is simulated with the other one before it (planner/simulation/bull_draws.py).
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from planner.bull_options import Children, Elsewhere, JobOptions
from planner.errors import BadInput
from planner.laws.arrivals import BatchPoisson, Poisson
from planner.laws.named import IoThenCpu
from planner.workload import Workload

if TYPE_CHECKING:  # it reads the file that these are of
    from planner.file.queue_file import AskedQueue


def joined(queues: "Sequence[AskedQueue]", where: str) -> "tuple[AskedQueue, ...]":
    """The queues, each with the children that come to it, and those that wait with the other queue at hand.

    Raises BadInput, one line, for a flow that is not answered.
    """
    flows = {queue.name: flow for queue in queues if (flow := flow_of(queue)) is not None}
    if not flows:
        return tuple(queues)
    named = {queue.name: queue for queue in queues}
    for place, queue in enumerate(queues):
        if queue.name in flows:
            _refuse(f"{where}[{place}].children.queue", queue, flows[queue.name], named)
    come = {name: _children(named[name], flow) for name, flow in flows.items()}

    def coming_to(name: str, without: str = "") -> list[BatchPoisson]:
        return [come[one] for one, flow in flows.items() if flow.queue == name and one != without]

    found = []
    for queue in queues:
        question = queue.question
        workload = _with(question.workload, coming_to(queue.name))
        if queue.name in flows:
            name = str(flows[queue.name].queue)
            other = named[name].question
            theirs = Elsewhere(_with(other.workload, coming_to(name, without=queue.name)), other.fleet)
            assert workload.options is not None
            children = replace(flows[queue.name], elsewhere=theirs)
            workload = replace(workload, options=replace(workload.options, children=children))
        parents = [name for name, flow in flows.items() if flow.queue == queue.name]
        told = (f"arrivals: the children of {', '.join(parents)} come on top, as batches",) if parents else ()
        asked = replace(question, workload=workload)
        found.append(replace(queue, question=asked, assumed=(*queue.assumed, *told)))
    return tuple(found)


def flow_of(queue: "AskedQueue") -> Children | None:
    """The children that a queue has in another one."""
    options = queue.question.workload.options
    children = options.children if options else None
    return children if children is not None and children.queue is not None else None


def _refuse(where: str, queue: "AskedQueue", flow: Children, named: "dict[str, AskedQueue]") -> None:
    """What is not answered of a flow."""
    if flow.queue not in named or flow.queue == queue.name:
        others = ", ".join(sorted(set(named) - {queue.name})) or "none"
        raise BadInput(f"{where}: {flow.queue!r} is no other queue of the file; there are {others}")
    other = named[flow.queue].question
    options = other.workload.options or JobOptions()
    beside = {
        "children": options.children is not None,
        "delayed": options.delayed is not None,
        "places": other.fleet.places is not None,
        "patience": other.workload.patience is not None,
        "shared cores": isinstance(other.workload.service, IoThenCpu),
    }
    for word in (word for word, is_given in beside.items() if is_given):
        raise BadInput(
            f"{where}: children in {flow.queue!r}, which has {word} itself, are not answered; leave one out"
        )
    if not isinstance(queue.question.workload.arrivals, Poisson):
        raise BadInput(
            f"{where}: parents that don't come as Poisson are not answered; give {queue.name!r} jobs_per_hour"
        )
    if not isinstance(other.workload.arrivals, Poisson | BatchPoisson):
        raise BadInput(
            f"{where}: children beside arrivals that are neither Poisson nor batches are not answered; "
            f"give {flow.queue!r} jobs_per_hour"
        )


def _children(queue: "AskedQueue", flow: Children) -> BatchPoisson:
    """The children of a queue, as they come to the other one."""
    return BatchPoisson(flow.share * queue.question.workload.arrivals.per_second, (flow.count,), (1.0,))


def _with(workload: Workload, others: "Sequence[BatchPoisson]") -> Workload:
    """Independent batches beside each other are batches again."""
    own = workload.arrivals
    if not others:
        return workload
    first = BatchPoisson(own.per_second, (1,), (1.0,)) if isinstance(own, Poisson) else own
    assert isinstance(first, BatchPoisson)
    rates: dict[int, float] = {}
    for one in (first, *others):
        for size, share in zip(one.sizes, one.p, strict=True):
            rates[size] = rates.get(size, 0.0) + one.batches_per_second * share
    total = sum(rates.values())
    sizes = tuple(sorted(rates))
    return replace(
        workload, arrivals=BatchPoisson(total, sizes, tuple(rates[size] / total for size in sizes))
    )
