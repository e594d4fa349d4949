"""Knows how predictions and plans are answered: as plain values for `--json`, and as lines for people."""

from collections.abc import Mapping
from typing import Any

from planner.limits import ceiling
from planner.predict import predict
from planner.prediction import Prediction
from planner.queue_file import AskedQueue, with_slots
from planner.reading import read_objective
from planner.simulation_effort import Effort
from planner.sizing import size

QUANTILES = ("mean", "p50", "p95", "p99")
SIMULATED = ("util", *(f"{q}_wait" for q in QUANTILES), "mean_sojourn", "p95_sojourn", "p99_sojourn")


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


def simulated(queue: AskedQueue, seed: int) -> dict[str, Any]:
    """What a seeded run gives, also where a formula would know better; an unstable queue is answered as such."""
    from planner.simulation import Simulation  # loads the compiler

    question = queue.question
    plain = predict(question.workload, question.fleet, ())
    if not plain.stable:
        return {**values(queue, plain), "objectives_broken": list(queue.objective)}
    bounds = read_objective(queue.objective)
    wanted = tuple(dict.fromkeys((*SIMULATED, *bounds.figures)))
    run = Simulation(question.workload, question.fleet, wanted, Effort(seed=seed))
    figures = run.run()
    found = Prediction(f"simulation of {run.jobs:,} jobs, 95 % band", figures, doubts=run.doubts(figures))
    broken = [bound.figure for bound in bounds.broken(found)]
    return {**values(queue, found), "objectives_broken": broken, "seed": seed}


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
        "attempts_per_hour": workload.attempts_per_second * 3600,
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


def scenario_lines(found: list[dict[str, Any]]) -> list[str]:
    """A table of the queues that differ between scenarios; all of them when none does."""
    names = [row["name"] for row in found[0]["queues"]]
    differ = {name for place, name in enumerate(names) if _differs([one["queues"][place] for one in found])}
    width = max(len("scenario"), *(len(_told(one["set"])) for one in found)) + 2
    lines = [
        f"{'scenario':<{width}}{'queue':<28}{'slots':>6}{'used':>7}{'mean wait':>11}{'p95 wait':>11}  holds"
    ]
    for one in found:
        start = _told(one["set"])
        for row in one["queues"]:
            if row["name"] in (differ or names):
                lines.append(f"{start:<{width}}{_scenario_row(row)}")
                start = ""
    return lines


def _differs(rows: list[dict[str, Any]]) -> bool:
    return any(row != rows[0] for row in rows)


def _told(changed: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{field}={value:g}" if field == "load" else f"{field}={value}" for field, value in changed.items()
    )


def _scenario_row(row: Mapping[str, Any]) -> str:
    start = f"{row['name']:<28}{row['slots']:>6}{row['utilisation']:>7.0%}"
    if not row["stable"]:
        return f"{start}  {growth(row['backlog_per_hour'])}"
    waits = "".join(f"{duration(row['wait_seconds'][q]):>11}" for q in ("mean", "p95"))
    return f"{start}{waits}  {'no' if row['objectives_broken'] else 'yes'}"


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
        return f"{start}  {growth(answer['backlog_per_hour'])}"
    waits = "".join(f"{duration(answer['wait_seconds'][q]):>11}" for q in ("mean", "p95", "p99"))
    return f"{start}{waits}  {answer['method']}"


def growth(backlog_per_hour: float) -> str:
    """How an unstable queue is told."""
    if backlog_per_hour < 0.5:
        return "unstable: every slot is always busy, waits grow without end"
    return f"unstable: the backlog grows by {backlog_per_hour:,.0f} jobs an hour"


def _slots(answer: Mapping[str, Any]) -> str:
    return "none" if answer.get("slots_needed", 0) is None else str(answer["slots"])


def duration(seconds: float | None) -> str:
    """For people: three figures at most, in ms, s, min or h; a dash where there is none."""
    if seconds is None:
        return "–"
    if 0 < seconds < 0.0005:
        return "<1 ms"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 120:
        return f"{seconds:.3g} s"
    return f"{seconds / 60:.3g} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
