"""Knows the curve of waits against slots for each queue of a report, with the objective drawn in."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from planner.answers import duration
from planner.figures import read_name
from planner.file.queue_file import AskedQueue
from planner.file.reading import read_objective
from planner.predict import predict
from planner.report.blocks import Chart
from planner.report.charts import Line, Mark, draw
from planner.report.study import Study
from planner.report.words import listed, load_told, slots_told
from planner.simulation.effort import Effort
from planner.whatif.scenario import times

POINTS = 12
# A point on a chart is read to a pixel.
QUICK = Effort(half_width=0.03, seconds=1.0, shortest=40_000)


def wait_charts(study: Study) -> Iterator[Chart]:
    """One chart a queue; those that are alike in all that is drawn share one."""
    for queues in _alike(study):
        queue = queues[0]
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
        names = listed(one.name for one in queues)
        says = _says(names, statistic, bound, needed)
        if queue.question.fleet.slots > counts[-1]:
            says += f" The {slots_told(queue.question.fleet.slots)} proposed are beyond the right edge."
        yield Chart(
            f"wait-{_file_name(queue.name)}",
            says,
            draw(lines, marks, bound, f"{statistic} wait of {names}, by number of slots"),
        )


def _alike(study: Study) -> Sequence[Sequence[AskedQueue]]:
    """Queues with the same work on the same slots, and the same objective; today as well."""
    today = {one.name: one.question.fleet.slots for one in study.file.today}
    groups: list[list[AskedQueue]] = []
    for queue in study.file.queues:
        of_its_kind = next((group for group in groups if _is_like(group[0], queue, today)), None)
        if of_its_kind is None:
            groups.append([queue])
        else:
            of_its_kind.append(queue)
    return groups


def _is_like(one: AskedQueue, other: AskedQueue, today: Mapping[str, int]) -> bool:
    return (
        one.question == other.question
        and one.objective == other.objective
        and today.get(one.name) == today.get(other.name)
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


def _says(names: str, statistic: str, bound: float | None, needed: dict[float, int | None]) -> str:
    told = [
        f"{slots_told(slots)} at {load_told(factor)}" for factor, slots in needed.items() if slots is not None
    ]
    goal = f" To stay within {duration(bound)} takes {listed(told)}." if bound is not None and told else ""
    return f"{names}: {statistic} wait against slots.{goal}"


def _file_name(name: str) -> str:
    return "".join(sign if sign.isalnum() or sign in "-_" else "-" for sign in name)
