"""Knows how predictions and plans are answered: as plain values for `--json`, and as lines for people."""

from collections.abc import Mapping
from typing import Any

from planner.limits import ceiling
from planner.predict import predict
from planner.prediction import Prediction
from planner.queue_file import AskedQueue, with_slots
from planner.reading import read_objective
from planner.sizing import size

QUANTILES = ("mean", "p50", "p95", "p99")


def predicted(queue: AskedQueue) -> dict[str, Any]:
    """What one queue of the file will do."""
    question = queue.question
    bounds = read_objective(queue.objective)
    plain = predict(question.workload, question.fleet)
    broken = bounds.bounds
    if plain.stable:
        missing = tuple(figure for figure in bounds.figures if figure not in plain.figures)
        held = predict(question.workload, question.fleet, missing).figures if missing else {}
        broken = tuple(b for b in bounds.bounds if not b.holds({**plain.figures, **held}[b.figure].value))
    return {**values(queue, plain), "objectives_broken": [bound.figure for bound in broken]}


def sized(queue: AskedQueue) -> dict[str, Any]:
    """The smallest number of slots that meets the objective; `slots_needed` is None when none does."""
    given = queue.question.fleet.slots
    plan = size(queue.question.workload, read_objective(queue.objective), queue.question.fleet)
    if plan is None:
        return {**predicted(queue), "slots_needed": None}
    best = with_slots(queue, plan.slots_needed)
    return {
        **predicted(best),
        "slots_needed": plan.slots_needed,
        "slots_given": given,
        "one_fewer_breaks": [f"{bound.figure} over {bound.value:g}" for bound in plan.broken],
    }


def values(queue: AskedQueue, found: Prediction) -> dict[str, Any]:
    """A prediction as plain values; a wait is None where the queue has no steady state."""
    workload, fleet = queue.question.workload, queue.question.fleet
    offered = workload.offered_load / fleet.slots
    utilisation = found.figures.get("util")
    limit = ceiling(workload, fleet)
    return {
        "name": queue.name,
        "slots": fleet.slots,
        "jobs_per_hour": workload.arrivals.per_second * 3600,
        "offered_load": workload.offered_load,
        "utilisation": utilisation.value if utilisation else min(1.0, offered),
        "wait_seconds": _seconds_of(found, "wait"),
        "wait_half_width_95": _half_widths(found),
        "sojourn_seconds": _seconds_of(found, "sojourn"),
        "ceiling_per_hour": limit.per_second * 3600,
        "ceiling_set_by": limit.set_by,
        "method": found.method,
        "stable": found.stable,
        "backlog_per_hour": found.backlog_per_second * 3600,
        "objectives": queue.objective,
        "assumed": list(queue.assumed),
        "doubts": list(found.doubts),
    }


def _seconds_of(found: Prediction, subject: str) -> dict[str, float | None]:
    figures = {statistic: found.figures.get(f"{statistic}_{subject}") for statistic in QUANTILES}
    return {
        statistic: figure.value if figure else None
        for statistic, figure in figures.items()
        if subject == "wait" or statistic != "p50"
    }


def _half_widths(found: Prediction) -> dict[str, float | None]:
    figures = {statistic: found.figures.get(f"{statistic}_wait") for statistic in QUANTILES}
    return {statistic: figure.half_width if figure else None for statistic, figure in figures.items()}


def as_lines(answers: list[dict[str, Any]]) -> list[str]:
    """A table, and below it what breaks, what was assumed and what is doubtful."""
    lines = [f"{'queue':<28}{'slots':>6}{'used':>7}{'mean wait':>11}{'p95 wait':>11}{'p99 wait':>11}  method"]
    lines += [_row(answer) for answer in answers]
    for answer in answers:
        lines += _remarks(answer)
    return lines


def _remarks(answer: Mapping[str, Any]) -> list[str]:
    said = []
    if "slots_given" in answer and answer["slots_given"] != answer["slots"]:
        said.append(f"has {answer['slots_given']}, needs {answer['slots']}")
    if answer.get("one_fewer_breaks"):
        said.append(f"one slot fewer: {', '.join(answer['one_fewer_breaks'])}")
    if answer.get("slots_needed", 0) is None:
        said.append("no number of slots meets the objectives")
    if answer["stable"] and answer["objectives_broken"]:
        said.append(f"does not hold: {', '.join(answer['objectives_broken'])}")
    said += [f"assumed {text}" for text in answer["assumed"]] + answer["doubts"]
    return [f"  {answer['name']}: {text}" for text in said]


def _row(answer: Mapping[str, Any]) -> str:
    start = f"{answer['name']:<28}{_slots(answer):>6}{answer['utilisation']:>7.0%}"
    if not answer["stable"]:
        return f"{start}  unstable: the backlog grows by {answer['backlog_per_hour']:,.0f} jobs an hour"
    waits = "".join(f"{duration(answer['wait_seconds'][q]):>11}" for q in ("mean", "p95", "p99"))
    return f"{start}{waits}  {answer['method']}"


def _slots(answer: Mapping[str, Any]) -> str:
    return "none" if answer.get("slots_needed", 0) is None else str(answer["slots"])


def duration(seconds: float | None) -> str:
    """For people: three figures at most, in ms, s, min or h; a dash where there is none."""
    if seconds is None:
        return "–"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 120:
        return f"{seconds:.3g} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
