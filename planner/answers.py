"""Knows how predictions and plans are answered: as plain values for `--json`, and as lines for people."""

from typing import Any

from planner.predict import predict
from planner.prediction import Prediction
from planner.queue_file import AskedQueue
from planner.reading import read_objective
from planner.sizing import size

QUANTILES = ("mean", "p50", "p95", "p99")


def predicted(queue: AskedQueue) -> dict[str, Any]:
    """What one queue of the file will do."""
    found = predict(queue.question.workload, queue.question.fleet)
    return _values(queue, queue.question.fleet.slots, found)


def sized(queue: AskedQueue) -> dict[str, Any]:
    """The smallest number of slots that meets the objective; `slots_needed` is None when none does."""
    plan = size(queue.question.workload, read_objective(queue.objective), queue.question.fleet)
    if plan is None:
        given = predict(queue.question.workload, queue.question.fleet)
        return {**_values(queue, queue.question.fleet.slots, given), "slots_needed": None}
    broken = [f"{bound.figure} over {bound.value:g}" for bound in plan.broken]
    return {
        **_values(queue, plan.slots_needed, plan.prediction),
        "slots_needed": plan.slots_needed,
        "slots_given": queue.question.fleet.slots,
        "one_fewer_breaks": broken,
    }


def as_lines(answers: list[dict[str, Any]]) -> list[str]:
    """A table, and below it what was assumed and what is doubtful."""
    lines = [f"{'queue':<28}{'slots':>6}{'used':>7}{'mean wait':>11}{'p95 wait':>11}{'p99 wait':>11}  method"]
    lines += [_row(answer) for answer in answers]
    for answer in answers:
        lines += [f"  {answer['name']}: assumed {text}" for text in answer["assumed"]]
        lines += [f"  {answer['name']}: {text}" for text in answer["doubts"]]
    return lines


def _values(queue: AskedQueue, slots: int, found: Prediction) -> dict[str, Any]:
    offered = queue.question.workload.attempts_per_second * queue.question.workload.service.mean / slots
    utilisation = found.figures.get("util")
    waits = {q: found.figures.get(f"{q}_wait") for q in QUANTILES}
    return {
        "name": queue.name,
        "slots": slots,
        "utilisation": utilisation.value if utilisation else min(1.0, offered),
        "wait_seconds": {q: figure.value if figure else None for q, figure in waits.items()},
        "wait_half_width_95": {q: figure.half_width if figure else None for q, figure in waits.items()},
        "method": found.method,
        "stable": found.stable,
        "backlog_per_hour": found.backlog_per_second * 3600,
        "objectives": queue.objective,
        "assumed": list(queue.assumed),
        "doubts": list(found.doubts),
    }


def _row(answer: dict[str, Any]) -> str:
    start = f"{answer['name']:<28}{_slots(answer):>6}{answer['utilisation']:>7.0%}"
    if not answer["stable"]:
        return f"{start}  unstable: the backlog grows by {answer['backlog_per_hour']:,.0f} jobs an hour"
    waits = "".join(f"{_seconds(answer['wait_seconds'][q]):>11}" for q in ("mean", "p95", "p99"))
    return f"{start}{waits}  {answer['method']}"


def _slots(answer: dict[str, Any]) -> str:
    return "none" if answer.get("slots_needed", 0) is None else str(answer["slots"])


def _seconds(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.2f} s"
