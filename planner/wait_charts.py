"""Knows the curve of waits against slots for each queue of a report, with the objective drawn in."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from planner.answers import duration
from planner.blocks import Chart
from planner.charts import Line, Mark, draw
from planner.figures import read_name
from planner.predict import predict
from planner.queue_file import AskedQueue
from planner.reading import read_objective
from planner.scenario import times
from planner.simulation_effort import Effort
from planner.study import Study

POINTS = 12
# A point on a chart is read to a pixel.
QUICK = Effort(half_width=0.03, seconds=1.0, shortest=40_000)


def wait_charts(study: Study) -> Iterator[Chart]:
    """One chart a queue."""
    for queue in study.file.queues:
        figure, bound = _figure(queue)
        needed = {one.factor: one.needed[queue.name] for one in study.loads}
        most = max(
            [count for count in needed.values() if count is not None], default=queue.question.fleet.slots
        )
        counts = _counts(queue, most)
        lines = [_line(times(queue, factor), factor, figure, counts) for factor in needed]
        marks = [Mark(f"needed ×{factor:g}", slots) for factor, slots in needed.items() if slots is not None]
        marks.append(Mark("proposed", queue.question.fleet.slots))
        marks += [
            Mark("today", one.question.fleet.slots) for one in study.file.today if one.name == queue.name
        ]
        statistic = figure.removesuffix("_wait")
        says = _says(queue, statistic, bound, needed)
        yield Chart(
            f"wait-{_file_name(queue.name)}",
            says,
            draw(lines, marks, bound, f"{statistic} wait of {queue.name}"),
        )


def _figure(queue: AskedQueue) -> tuple[str, float | None]:
    """The first bound on a wait in seconds, else the p95 wait without one."""
    for bound in read_objective(queue.objective).bounds:
        name = read_name(bound.figure)
        if name.subject == "wait" and name.statistic in ("mean", "quantile"):
            return bound.figure, bound.value
    return "p95_wait", None


def _counts(queue: AskedQueue, most: int) -> Sequence[int]:
    """Slots to draw: from just too few to a little beyond the needed."""
    fewest = max(1, int(queue.question.workload.offered_load))
    last = max(most + max(2, (most - fewest) // 3), fewest + 4)
    step = max(1, -(-(last - fewest) // POINTS))
    return range(fewest, last + 1, step)


def _line(queue: AskedQueue, factor: float, figure: str, counts: Sequence[int]) -> Line:
    workload, fleet = queue.question.workload, queue.question.fleet
    points = []
    for slots in counts:
        places = max(fleet.places, slots) if fleet.places else None
        found = predict(workload, replace(fleet, slots=slots, places=places), (figure,), QUICK)
        points.append((slots, found[figure] if found.stable else None))
    return Line(f"load ×{factor:g}", tuple(points))


def _says(queue: AskedQueue, statistic: str, bound: float | None, needed: dict[float, int | None]) -> str:
    told = ", ".join(f"{slots} at ×{factor:g}" for factor, slots in needed.items() if slots is not None)
    goal = f" It stays below {duration(bound)} from {told} slots on." if bound is not None and told else ""
    return f"{queue.name}: {statistic} wait against slots.{goal}"


def _file_name(name: str) -> str:
    return "".join(sign if sign.isalnum() or sign in "-_" else "-" for sign in name)
