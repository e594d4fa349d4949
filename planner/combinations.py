"""Knows what no method here answers: parts of a queue that do not go together, figures that a queue does not have."""

from collections.abc import Iterable

from planner.arrivals import BatchPoisson, PoissonClasses, Profile, Sinusoid
from planner.errors import BadInput
from planner.figures import Name, read_name
from planner.fleet import Fleet
from planner.laws import IoThenCpu
from planner.workload import Workload


def refuse_unanswered(workload: Workload, fleet: Fleet, where: str = "") -> None:
    """Raises BadInput that names the first part too many; `where` is the path of the queue."""
    if not isinstance(workload.service, IoThenCpu):
        return
    parts = {
        "retries": workload.retries is not None,
        "patience": workload.patience is not None,
        "places": fleet.places is not None,
        "rate_limit": fleet.rate_limit is not None,
        "arrivals.per_second": isinstance(workload.arrivals, PoissonClasses),
    }
    for part, given in parts.items():
        if given:
            told = "priority classes" if part.startswith("arrivals") else part
            raise BadInput(
                f"{where}.{part}: ".lstrip(".") + f"{told} beside service io_then_cpu is not answered; "
                "leave it out, or give a service law without cpu"
            )


def refuse_absent(workload: Workload, figures: Iterable[str], where: str = "") -> None:
    """Raises BadInput for a figure that this queue does not have; `where` is the path of the objectives."""
    for text in figures:
        lacking = _lacking(workload, read_name(text))
        if lacking:
            raise BadInput(
                f"{where}.{text}: ".lstrip(".") + f"this queue has no {lacking}; ask for another figure"
            )


def _lacking(workload: Workload, name: Name) -> str:
    arrivals = workload.arrivals
    if (name.worst_bin or name.subject == "worst_bin") and not isinstance(arrivals, Sinusoid | Profile):
        return "period; give arrivals that follow the clock"
    if name.subject == "batch_makespan" and (
        not isinstance(arrivals, BatchPoisson) or workload.retries is not None
    ):
        return "batches, or has retries"
    if name.subject == "mean_service_stretched" and not isinstance(workload.service, IoThenCpu):
        return "shared cores"
    if name.priority_class is not None:
        classes = len(arrivals.rates) if isinstance(arrivals, PoissonClasses) else 0
        if name.priority_class >= classes:
            return f"priority class {name.priority_class}"
    return ""
