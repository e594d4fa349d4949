"""Knows how predictions and plans are answered: as plain values for `--json`, and as lines for people."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import Any

from planner import assumptions
from planner.exact.limits import Ceiling, ceiling, loses, overloads_of
from planner.file.queue_file import AskedQueue
from planner.file.reading import read_objective
from planner.predict import predict
from planner.prediction import Prediction, Tail
from planner.simulation.effort import Effort

QUANTILES = ("mean", "p50", "p95", "p99", "p99.9")
# A ten-thousandth of a service or of all jobs is seen by nobody; the p99.9 is told to 2 %.
_SHARE_SEEN, _RARE, _SHORTEST = 2e-4, 5.0, 100_000
STAYS = tuple(f"{q}_sojourn" for q in QUANTILES)
FIGURES = ("util", "throughput", "prob_wait", *(f"{q}_wait" for q in QUANTILES), *STAYS)
# About as many as `predict` runs in its 8 s: counted, so that one seed gives one result.
SIMULATED_JOBS = 20_000_000
# Jobs that share a core take 1 ÷ (1 - use) times their computing; what that adds to the work is told from this part on.
CORE_SEEN = 0.05
BY_PRIORITY = ("mean", "p95", "p99")
LOST = {"p_block": "refused_ratio", "p_timeout": "gave_up_ratio"}


def effort_for(queue: AskedQueue, seed: int = 1) -> Effort:
    """As sure as a reader can see."""
    unseen = 1e-4 * queue.question.workload.service.mean
    return Effort(seed=seed, share_seen=_SHARE_SEEN, seconds_seen=unseen, rare=_RARE, shortest=_SHORTEST)


def predicted(queue: AskedQueue, effort: Effort | None = None) -> dict[str, Any]:
    """What one queue of the file will do."""
    return predicted_with_tails(queue, effort, ())[0]


def predicted_with_tails(
    queue: AskedQueue, effort: Effort | None = None, tails_of: tuple[str, ...] = ("wait", "sojourn")
) -> tuple[dict[str, Any], Mapping[str, Tail]]:
    """The same, and the whole laws of durations; none of an unstable queue."""
    question = queue.question
    bounds = read_objective(queue.objective)
    effort = effort or effort_for(queue)
    plain = predict(question.workload, question.fleet, figures_of(queue), effort, tails_of)
    broken = bounds.bounds
    if plain.stable:
        missing = tuple(figure for figure in bounds.figures if figure not in plain.figures)
        held = predict(question.workload, question.fleet, missing, effort).figures if missing else {}
        broken = tuple(b for b in bounds.bounds if not b.holds({**plain.figures, **held}[b.figure].value))
    return {**values(queue, plain), "objectives_broken": [bound.figure for bound in broken]}, plain.tails


def figures_of(queue: AskedQueue) -> tuple[str, ...]:
    """What is told of every queue; losses where there can be any."""
    options = queue.question.workload.options
    classes = range(len(options.priorities)) if options else ()
    by_priority = [f"{q}_wait_class{number}" for number in classes for q in BY_PRIORITY]
    lost = LOST if loses(queue.question.workload, queue.question.fleet) else ()
    return (*FIGURES, *lost, *by_priority)


def simulated(queue: AskedQueue, seed: int) -> dict[str, Any]:
    """What a seeded run gives, also where a formula would know better; an unstable queue is answered as such."""
    from planner.simulation.replications import Simulation  # loads the compiler

    question = queue.question
    plain = predict(question.workload, question.fleet, ())
    if not plain.stable:
        return {**values(queue, plain), "objectives_broken": list(queue.objective)}
    bounds = read_objective(queue.objective)
    wanted = tuple(dict.fromkeys((*figures_of(queue), *bounds.figures)))
    effort = replace(effort_for(queue, seed), most_jobs=SIMULATED_JOBS)
    run = Simulation(question.workload, question.fleet, wanted, effort)
    figures = run.run()
    found = Prediction(
        f"simulation of {run.jobs:,} jobs, 95 % band", figures, doubts=run.doubts(figures),
        overloads=overloads_of(question.workload, question.fleet),
    )  # fmt: skip
    broken = [bound.figure for bound in bounds.broken(found)]
    return {**values(queue, found), "objectives_broken": broken, "seed": seed}


def values(queue: AskedQueue, found: Prediction) -> dict[str, Any]:
    """A prediction as plain values; a wait is None where the queue has no steady state."""
    workload, fleet = queue.question.workload, queue.question.fleet.at_work
    offered = workload.offered_load / fleet.slots
    utilisation = found.figures.get("util")
    limit = ceiling(workload, fleet)
    return {
        "name": queue.name,
        "slots": fleet.slots,
        "jobs_per_hour": workload.jobs_per_second * 3600,
        "attempts_per_hour": workload.attempts_per_second * 3600,
        "offered_load": workload.offered_load,
        "utilisation": utilisation.value if utilisation else min(1.0, offered),
        "chance_to_wait": _value(found, "prob_wait"),
        "wait_seconds": _seconds_of(found, "wait"),
        "wait_half_width_95": _half_widths(found),
        "wait_seconds_by_priority": _by_priority(queue, found),
        "sojourn_seconds": _seconds_of(found, "sojourn"),
        "ceiling_per_hour": limit.per_second / workload.life.starts * 3600,
        "ceiling_set_by": limit.set_by,
        "mean_backlog_jobs": _backlog(queue, found),
        "drain_seconds_of_1000_jobs": _drain(queue, limit),
        "memory_mb": queue.memory_megabytes,
        "final_failure_ratio": workload.life.failed,
        "stalls_per_hour": workload.jobs_per_second * workload.life.stalls * 3600,
        **{name: _value(found, figure) or 0.0 for figure, name in LOST.items()},
        "method": found.method,
        "stable": found.stable,
        "backlog_per_hour": found.backlog_per_second * 3600,
        "overloads": [asdict(one) for one in found.overloads],
        "objectives": queue.objective,
        "assumed": list(queue.assumed),
        "doubts": [*(_by_value(queue, text) for text in found.doubts), *_about_cores(queue)],
    }


def _value(found: Prediction, name: str) -> float | None:
    figure = found.figures.get(name)
    return None if figure is None else figure.value


def _backlog(queue: AskedQueue, found: Prediction) -> float | None:
    """Jobs that wait, on average (Little's law); those that are refused do not."""
    mean_wait = _value(found, "mean_wait")
    come = queue.question.workload.attempts_per_second * (1.0 - (_value(found, "p_block") or 0.0))
    return None if mean_wait is None else come * mean_wait


def _drain(queue: AskedQueue, limit: Ceiling) -> float | None:
    """Seconds until a thousand jobs that wait beside the usual ones are done, each with all its attempts; None where
    they never are.
    """
    workload = queue.question.workload
    spare = limit.per_second - workload.attempts_per_second
    return 1000.0 * workload.life.starts / spare if spare > 0 else None


def _seconds_of(found: Prediction, subject: str) -> dict[str, float | None]:
    return {statistic: _value(found, f"{statistic}_{subject}") for statistic in QUANTILES}


def _by_priority(queue: AskedQueue, found: Prediction) -> dict[str, dict[str, float | None]]:
    """By the value of Bull's `priority`, in order of start; empty where the file gives none."""
    options = queue.question.workload.options
    return {
        str(value): {q: _value(found, f"{q}_wait_class{number}") for q in BY_PRIORITY}
        for number, (value, _) in enumerate(options.priorities if options else ())
    }


def _by_value(queue: AskedQueue, doubt: str) -> str:
    """A figure of a class by the priority that the file names."""
    options = queue.question.workload.options
    for number, (value, _) in enumerate(options.priorities if options else ()):
        doubt = doubt.replace(f"_class{number}:", f" of priority {value}:")
    return doubt


def _about_cores(queue: AskedQueue) -> list[str]:
    """Where jobs hold each other up on their core so much that one sees it, and the waits do not know."""
    workload, fleet = queue.question.workload, queue.question.fleet
    if fleet.cpu_seconds is None:
        return []
    use = workload.attempts_per_second * fleet.cpu_seconds / (fleet.processes * fleet.cores)
    longer = fleet.cpu_seconds * min(use / (1.0 - use), fleet.concurrency - 1) if use < 1.0 else 0.0
    if longer <= CORE_SEEN * workload.service.mean:
        return []
    return [
        f"its cores are {use:.0%} busy, so work takes up to about {duration(longer)} longer than is said here; "
        "service: {law: io_then_cpu, …} counts that in"
    ]


def _half_widths(found: Prediction) -> dict[str, float | None]:
    figures = {statistic: found.figures.get(f"{statistic}_wait") for statistic in QUANTILES}
    return {statistic: figure.half_width if figure else None for statistic, figure in figures.items()}


def as_lines(
    answers: list[dict[str, Any]], further: Callable[[Mapping[str, Any]], list[str]] | None = None
) -> list[str]:
    """A table, and below it of each queue what is `further` to be told, what breaks, what was assumed, and doubts."""
    lines = [f"{'queue':<28}{'slots':>6}{'used':>7}{'mean wait':>11}{'p95 wait':>11}{'p99 wait':>11}  method"]
    lines += [_row(answer) for answer in answers]
    for answer in answers:
        told = [*(further(answer) if further else ()), *_remarks(answer)]
        lines += [f"  {answer['name']}: {text}" for text in told]
    return lines + [f"  assumed of {text}" for text in assumptions.told(answers)]


def _remarks(answer: Mapping[str, Any]) -> list[str]:
    said = []
    if answer.get("slots_needed", 0) is None:
        way = answer["ceiling_set_by"]
        why = "" if way.startswith("slots") else f"; the {way} is in the way"
        said.append(f"no number of slots meets the objectives{why}")
    if answer["stable"] and answer["objectives_broken"]:
        said.append(f"does not hold: {', '.join(answer['objectives_broken'])}")
    said += list(map(overload_told, answer["overloads"]))
    if answer["stable"]:
        said += [
            f"priority {value}: mean wait {duration(waits['mean'])}, p95 {duration(waits['p95'])}, "
            f"p99 {duration(waits['p99'])}"
            for value, waits in answer["wait_seconds_by_priority"].items()
        ]
    return [*said, *answer["doubts"]]


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


def overload_told(one: Mapping[str, float]) -> str:
    """A stretch of a period that brings more than can be done."""
    what = "paused" if one["paused"] else "unstable"
    return (
        f"{what} from {clock(one['begins'])} to {clock(one['ends'])} of each period: the backlog grows to about "
        f"{one['largest_backlog']:,.0f} jobs and is gone at {clock(one['drained'])} (by mean rates)"
    )


def clock(seconds: float) -> str:
    """A moment of a period in hours and minutes, or in seconds where minutes are too coarse; past 24 h it goes on."""
    minutes = round(seconds / 60)
    is_fine = abs(seconds) >= 3600 or abs(seconds - 60 * minutes) < 0.5
    return f"{minutes // 60}:{minutes % 60:02}" if is_fine else f"{seconds:.4g} s"


def _slots(answer: Mapping[str, Any]) -> str:
    return "none" if answer.get("slots_needed", 0) is None else str(answer["slots"])


def duration(seconds: float | None) -> str:
    """For people: three figures at most, in ms, s, min or h; a dash where there is none."""
    if seconds is None:
        return "–"
    if 0 < seconds < 0.0005:
        return "<1 ms"
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 120:
        return f"{seconds:.3g} s"
    if seconds < 7200:
        return f"{seconds / 60:.3g} min"
    return f"{seconds / 3600:.1f} h" if seconds < 3 * 86400 else f"{seconds / 86400:,.3g} days"
