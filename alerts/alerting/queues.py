"""This file knows the alerts on queues that stand: old jobs, backlogs, no workers, full workers, stalls."""

from collections.abc import Iterator
from dataclasses import replace

from alerts import names as n
from alerts.alerting.build import against, both, bound_text, covered, not_held, severity_of
from alerts.alerting.jobs import WHERE
from alerts.recordings.jobs import fills_seconds
from alerts.rules import MINUTE, Alert, Ground
from alerts.signals import DEAD_LETTERS, DRAIN, OLDEST, Severity

FEW_READY = 20
"""A backlog of fewer jobs is no backlog, however long it takes."""
FEW_STALLS = 3
_DURATION = "{{ $value | humanizeDuration }}"
_NUMBER = '{{ printf "%.0f" $value }}'


def alerts(g: Ground) -> Iterator[Alert]:
    """All alerts on queues that stand."""
    yield from _drain(g)
    yield from _stuck(g)
    yield from _dead_letters(g)
    if g.config.profile == "bullgauge":
        yield from _oldest(g)
        yield _no_workers(g)
        yield _saturated(g)
        yield _schedulers(g)
        yield _stalled(g)


def _bound_held(g: Ground) -> str:
    return not_held(g).replace(" unless ", " unless ignoring (bound) ")


def _oldest(g: Ground) -> Iterator[Alert]:
    for severity in both(g, OLDEST):
        yield Alert(
            "BullOldestJobWaiting",
            severity,
            against(OLDEST, severity, n.OLDEST_AGE, "queue") + _bound_held(g),
            5 * MINUTE,
            f"{WHERE}: a job has waited for more than {{{{ $labels.bound }}}}",
            f"The oldest ready job has waited for {_DURATION}; the bound is {{{{ $labels.bound }}}}.",
            bound=bound_text(g, OLDEST, severity),
        )


def _drain(g: Ground) -> Iterator[Alert]:
    few = f" and ignoring (bound) ({n.READY} >= {FEW_READY})" if g.config.guards.few_jobs else ""
    for severity in both(g, DRAIN):
        yield Alert(
            "BullBacklogSlow",
            severity,
            against(DRAIN, severity, n.DRAIN, "queue") + few + _bound_held(g) + covered(g, "15m"),
            15 * MINUTE,
            f"{WHERE}: the backlog would take more than {{{{ $labels.bound }}}}",
            f"At the present rate the ready jobs would take {_DURATION}; the bound is {{{{ $labels.bound }}}}.",
            window_seconds=15 * MINUTE,
            fills_seconds=fills_seconds(g, 15 * MINUTE),
            bound=bound_text(g, DRAIN, severity),
        )


def _one(
    g: Ground,
    name: str,
    severity: Severity,
    expr: str,
    minutes: float,
    texts: tuple[str, str],
    window: float = 0,
) -> Alert:
    summary, description = texts
    return Alert(
        name,
        severity_of(g, name, severity),
        expr,
        minutes * MINUTE,
        f"{WHERE}: {summary}",
        description,
        window_seconds=window,
    )


def _stuck(g: Ground) -> Iterator[Alert]:
    """Work all through a quarter of an hour, and nothing came of it; a queue without workers is another alert."""
    nothing = f"{n.finished('15m')} == 0"
    expr = f"{g.over('min', n.READY, 15 * MINUTE)} > 0 and {nothing}"
    if g.config.profile == "bullgauge":
        expr += f" unless sum without (reason) ({n.requeued('15m')}) > 0 unless {n.WORKERS} == 0"
    stuck = _one(
        g,
        "BullQueueStuck",
        "critical",
        expr + not_held(g) + covered(g, "15m"),
        5,
        (
            "work is waiting and nothing is finished",
            "Jobs stood ready all through the last 15 minutes and not one attempt ended, though there are workers; "
            f"at least {_NUMBER} were ready at every moment.",
        ),
        15 * MINUTE,
    )
    yield replace(stuck, fills_seconds=fills_seconds(g, 15 * MINUTE))


def _no_workers(g: Ground) -> Alert:
    work = f'{n.READY} > 0 or {n.SIZE}{{state="active"}} > 0'
    work = f"max without (state) ({work})"
    # Of this moment alone: a queue that is paused for a deployment must be missed as soon as it goes on.
    paused = f" unless {n.PAUSED} == 1" if g.config.guards.held_queues else ""
    expr = f"{work} and {n.WORKERS} == 0{paused}"
    texts = (
        "no worker is connected",
        f"No worker is connected to this queue, and it holds work: {_NUMBER} jobs ready or active.",
    )
    return _one(g, "BullNoWorkers", "critical", expr, 5, texts)


def _saturated(g: Ground) -> Alert:
    expr = f"{g.over('min', n.SATURATED, 15 * MINUTE)} >= 1 and {g.over('min', n.READY, 15 * MINUTE)} > 0"
    texts = (
        "all workers are full and work is waiting",
        "Every worker was full all through the last 15 minutes while jobs stood ready: "
        "this queue takes in more than its slots can do.",
    )
    return _one(
        g, "BullWorkersSaturated", "warning", expr + not_held(g) + covered(g, "15m"), 5, texts, 15 * MINUTE
    )


def _schedulers(g: Ground) -> Alert:
    expr = f"{n.OVERDUE_SCHEDULERS} > 0{not_held(g, limited=False)}"
    texts = ("a scheduler has stopped", f"{_NUMBER} schedulers should have run more than a minute ago.")
    return _one(g, "BullSchedulersStopped", "warning", expr, 10, texts)


def _stalled(g: Ground) -> Alert:
    few = FEW_STALLS if g.config.guards.few_jobs else 1
    stalls = f'max without (reason) ({n.requeued("30m")}{{reason="stalled"}}) >= {few}'
    texts = (
        "jobs stall",
        f"{_NUMBER} jobs lost their worker in the last 30 minutes, or are active now without a lock: a worker "
        "crashed, or its process is too busy to renew its locks. Stalled jobs run again, or fail.",
    )
    return _one(g, "BullJobsStalled", "warning", f"{stalls} or {n.UNLOCKED} > 0", 5, texts, 30 * MINUTE)


def _dead_letters(g: Ground) -> Iterator[Alert]:
    observed = f'max without (state) ({n.SIZE}{{state="failed"}})'
    for severity in both(g, DEAD_LETTERS):
        yield Alert(
            "BullDeadLetters",
            severity,
            against(DEAD_LETTERS, severity, observed, "queue"),
            15 * MINUTE,
            f"{WHERE}: more than {{{{ $labels.bound }}}} have failed and are kept",
            f"{_NUMBER} failed jobs are kept; the bound is {{{{ $labels.bound }}}}. "
            "Nobody has looked at them, and each takes memory of Redis.",
            bound=bound_text(g, DEAD_LETTERS, severity),
        )
