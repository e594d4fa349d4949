"""Knows how a report's claims are judged: each verdict is computed from the file, so that another file turns it."""

from collections.abc import Callable, Iterator, Sequence

from planner.answers import duration, overload_told
from planner.file.queue_file import AskedQueue
from planner.laws.named import IoThenCpu
from planner.report.study import AtLoad, Row, Study
from planner.report.verdict import Found, Verdict
from planner.report.verdicts_redis import on_caches, on_failures, on_pools


def verdicts(study: Study) -> tuple[Verdict, ...]:
    """All claims that the file lets one ask about."""
    judges: Sequence[Callable[[Study], Iterator[Found]]] = (
        _on_load,
        _on_gain,
        _on_latency,
        _on_thresholds,
        _on_load_test,
        _on_hours,
        _on_cpu,
        _on_priority,
        on_pools,
        on_failures,
        on_caches,
    )  # fmt: skip
    return tuple(Verdict(*found) for judge in judges for found in judge(study))


def _on_load(study: Study) -> Iterator[Found]:
    total = sum(row["jobs_per_hour"] for row in study.given.proposed)
    failing = _unstable(study.given.proposed)
    claim = f"The proposed queues carry {total:,.0f} jobs an hour"
    if failing:
        yield claim, "does not hold", f"{_backlogs(failing)}."
    else:
        first = max(study.given.proposed, key=_closeness)
        yield (
            claim, "holds",
            f"Every queue keeps up. The first to give way is {first['name']}, at {1 / _closeness(first):.1f} times its "
            f"load: its ceiling is {first['ceiling_per_hour']:,.0f} an hour, set by {first['ceiling_set_by']}.",
        )  # fmt: skip
    if study.given.today:
        yield from _on_today(study.given)


def _on_today(given: AtLoad) -> Iterator[Found]:
    total = sum(row["slots"] for row in given.today)
    broken = [row for row in given.today if row["stable"] and row["objectives_broken"]]
    said = [_backlogs(_unstable(given.today))] if _unstable(given.today) else []
    said += [
        f"{row['name']} keeps up, but its p95 wait is {duration(row['wait_seconds']['p95'])}"
        for row in broken
    ]
    fine = [row["name"] for row in given.today if row["stable"] and not row["objectives_broken"]]
    if said:
        rest = f" Enough as they are: {', '.join(fine)}." if fine else ""
        yield f"Today's {total} slots are too few", "holds", f"{'; '.join(said)}.{rest}"
    else:
        yield (
            f"Today's {total} slots are too few",
            "does not hold",
            "Every queue of today meets its objectives.",
        )


def _on_gain(study: Study) -> Iterator[Found]:
    given, (low, high) = study.given, study.file.claims.throughput_gain
    if not given.today:
        return
    names = {row["name"] for row in given.today}
    after = [row for row in given.proposed if row["name"] in names]
    slots = sum(row["slots"] for row in given.proposed) / sum(row["slots"] for row in given.today)
    done = _done(after) / _done(given.today)
    yield (
        f"{low:g} to {high:g} times the throughput",
        "holds" if done >= low else "does not hold",
        f"That counts slots, which become {slots:.1f} times as many. Jobs done in the queues of today {_grown(done)}: "
        "a slot that finds no job does nothing, so throughput is what arrives, up to the ceiling.",
    )


def _grown(times: float) -> str:
    return "stay as many" if f"{times:.2f}" == "1.00" else f"become {times:.2f} times as many"


def _on_latency(study: Study) -> Iterator[Found]:
    bound = study.file.claims.mean_latency
    claim = f"Average latency below {duration(bound)}"
    rows = study.given.proposed
    services = {queue.name: queue.question.workload.service.mean for queue in study.file.queues}
    longer = [f"{name} {duration(mean)}" for name, mean in services.items() if mean >= bound]
    late = [
        f"{row['name']} {duration(row['wait_seconds']['mean'])}"
        for row in rows
        if row["stable"] and row["wait_seconds"]["mean"] >= bound
    ]
    late += [f"{row['name']} (without end)" for row in rows if not row["stable"]]
    waits = f"mean wait too long: {', '.join(late)}" if late else "the mean wait is shorter in every queue"
    if longer:
        yield (
            f"{claim}, from arrival to end", "wrong question",
            f"The work alone takes {', '.join(longer)}: no number of slots makes a job end before it is done. "
            "Ask for the wait until it starts.",
        )  # fmt: skip
    yield (
        f"{claim}, until a job starts",
        "does not hold" if late else "holds",
        f"{waits[0].upper()}{waits[1:]}.",
    )


def _on_thresholds(study: Study) -> Iterator[Found]:
    levels = study.file.levels.get("queue_processing_latency")
    for name in ("warning", "critical"):
        bound = getattr(levels, name) if levels else None
        if bound is None:
            continue
        waits = {row["name"]: row["wait_seconds"]["p95"] for row in study.given.proposed}
        late = [f"{queue} {duration(wait)}" for queue, wait in waits.items() if wait is None or wait > bound]
        why = f"p95 wait: {', '.join(late)}" if late else "19 of 20 jobs start sooner in every queue"
        yield f"No latency alarm ({name} {duration(bound)})", "does not hold" if late else "holds", f"{why}."
    alarm = study.file.levels.get("queue_throughput")
    if alarm and alarm.warning:
        yield _on_throughput_alarm(study, alarm.warning * 3600)


def _on_throughput_alarm(study: Study, bound: float) -> Found:
    arriving = sum(row["jobs_per_hour"] for row in study.given.proposed)
    claim = f"Fewer than {bound:,.0f} jobs an hour mean trouble"
    if arriving < bound:
        return (
            claim,
            "does not hold",
            f"Only {arriving:,.0f} arrive in an hour: the alarm rings on a good day.",
        )
    return (
        claim, "holds",
        f"{arriving:,.0f} arrive on average. A quiet hour with less than {bound / arriving:.0%} of that rings it too.",
    )  # fmt: skip


def _on_load_test(study: Study) -> Iterator[Found]:
    for one in study.loads:
        if one.factor == 1.0:
            continue
        failing = _unstable(one.proposed)
        broken = [row["name"] for row in one.proposed if row["stable"] and row["objectives_broken"]]
        said = [_backlogs(failing)] if failing else []
        said += [f"jobs wait too long in {', '.join(broken)}"] if broken else []
        yield (
            f"{one.factor:g} times the load is carried",
            "does not hold" if said else "holds",
            f"At that load {'; '.join(said)}." if said else "Every queue meets its objectives.",
        )


def _on_hours(study: Study) -> Iterator[Found]:
    for queue, row in zip(study.file.queues, study.given.proposed, strict=True):
        if not hasattr(queue.question.workload.arrivals, "rate_at") or not row["stable"]:
            continue
        told = "; ".join(map(overload_told, row["overloads"]))
        yield (
            f"{queue.name} keeps up at all times", "does not hold" if told else "holds",
            f"{told[0].upper()}{told[1:]}." if told else "No part of the day brings more than its slots can do.",
        )  # fmt: skip


def _on_cpu(study: Study) -> Iterator[Found]:
    for queue, row in zip(study.file.queues, study.given.proposed, strict=True):
        if row["ceiling_set_by"] == "cpu":
            yield (
                f"More concurrency helps {queue.name}", "does not hold",
                f"Its slots wait for the core: the ceiling of {row['ceiling_per_hour']:,.0f} an hour is processes ÷ "
                "CPU seconds a job. Another process helps.",
            )  # fmt: skip
    if not any(_core_told(queue) for queue in study.file.queues):
        yield (
            "The slots can be used to the full", "can't be known",
            "CPU seconds a job are not given. A process does no more than 1 ÷ CPU seconds a job each second, whatever "
            "its concurrency; give `cpu_time`, or `service: {law: io_then_cpu, …}`.",
        )  # fmt: skip


def _core_told(queue: AskedQueue) -> bool:
    question = queue.question
    return isinstance(question.workload.service, IoThenCpu) or question.fleet.cpu_seconds is not None


def _on_priority(study: Study) -> Iterator[Found]:
    first = [queue.name for queue in study.file.queues if queue.priority]
    if first:
        yield (
            "`priority: true` serves a queue before others", "wrong question",
            f"Bull orders the jobs within one queue. {', '.join(first)}: each has slots of its own, which no other "
            "queue takes; the flag changes no wait between queues. Ask for the objective of each queue.",
        )  # fmt: skip


def _closeness(row: Row) -> float:
    """Load ÷ ceiling."""
    return float(row["jobs_per_hour"]) / float(row["ceiling_per_hour"])


def _done(rows: Sequence[Row]) -> float:
    """Jobs an hour that get done."""
    return float(sum(min(row["jobs_per_hour"], row["ceiling_per_hour"]) for row in rows))


def _unstable(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if not row["stable"]]


def _backlogs(rows: Sequence[Row]) -> str:
    return "; ".join(
        f"{row['name']} can't keep up: its backlog grows by {row['backlog_per_hour']:,.0f} jobs an hour"
        for row in rows
    )
