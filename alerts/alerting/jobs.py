"""This file knows the alerts on jobs: how long they wait and take, how many are finished, and how many fail."""

from collections.abc import Iterator
from dataclasses import dataclass

from alerts import names as n
from alerts.alerting.build import against, both, bound_text, covered, not_held, severity_of, unlabelled
from alerts.promql import Matcher, either, select
from alerts.quantities import Unit, parse
from alerts.recordings.bounds import has_bound_per_queue
from alerts.recordings.jobs import WINDOWS, fills_seconds
from alerts.rules import HOUR, MINUTE, Alert, Ground, label
from alerts.signals import DURATION, FAILURES, LATENCY, RETRIES, THROUGHPUT, Severity, Signal

SLOW_SHARE = 0.05
"""More than this share above the bound means that the 95th percentile is above it."""
FEW = 5
"""Jobs that must be slow, or fail, within a window before their share counts."""
FEW_ALONE = 2.3
"""Failures that count on a queue with little traffic, over two hours: three. A count adds up rates of 5 minutes, one
a minute; where scrapes and evaluations do not fall together, a job is in four or five, and counts as 0.8 to 1.11."""
FEW_RETRIES = 20
WHERE = "{{ $labels.queue }}{{ with $labels.prefix }} ({{ . }}){{ end }}"
_PERCENT = "{{ $value | humanizePercentage }}"
_HOURLY = '{{ printf "%.0f" $value }}'


def alerts(g: Ground) -> Iterator[Alert]:
    """All alerts on jobs."""
    if g.config.profile == "bullgauge":
        yield from _slow(g, LATENCY, "BullLatencyHigh", n.WAIT_RATIO, n.WAIT_OVER, "waited longer than")
        yield from _slow(
            g, DURATION, "BullDurationHigh", n.DURATION_RATIO, n.DURATION_OVER, "took longer than"
        )
        yield from _retries(g)
    yield from _throughput(g)
    yield from _failures(g)
    yield from _low_volume(g)
    yield from _burn(g)


def _few(g: Ground, expr: str, number: float, ignoring: str = "severity, bound") -> str:
    return f" and ignoring ({ignoring}) ({expr} >= {number})" if g.config.guards.few_jobs else ""


def _slow(g: Ground, signal: Signal, name: str, ratio: str, over: str, verb: str) -> Iterator[Alert]:
    for severity in both(g, signal):
        mine = f'{{severity="{severity}"}}'
        expr = f"{ratio}{mine} > {SLOW_SHARE}"
        if g.config.guards.few_jobs:
            expr += f" and {over}{mine} >= {FEW}"
        held = not_held(g, limited=False).replace(" unless ", " unless ignoring (severity, bound) ")
        if untrue := list(_untrue(g, signal)):
            fresh = f"({either(*untrue)}){_not_firing(g, name, severity)}"
            held += f" unless ignoring (severity, bound) ({fresh})"
        yield Alert(
            name,
            severity,
            expr + held,
            10 * MINUTE,
            f"{WHERE}: more than 5 % of jobs {verb} {{{{ $labels.bound }}}}",
            f"{_PERCENT} of the jobs of the last 15 minutes {verb} {{{{ $labels.bound }}}}; 5 % may.",
            window_seconds=15 * MINUTE,
            bound=bound_text(g, signal, severity),
        )


def _untrue(g: Ground, signal: Signal) -> Iterator[str]:
    """Queues of which a share of slow jobs is no news, unless the alert fires already: that is not taken back."""
    if g.config.guards.held_queues and signal is LATENCY:
        # What had waited for workers is late now that they are back: known, or a deployment, and over.
        yield f"{n.DESERTED_LATELY} == 1"
    if g.config.guards.coverage:
        # An edge that came with a restart has seen less of the window than the count, so jobs seem to be above it.
        yield f"changes({n.EDGES}[{g.pace.behind(15 * MINUTE)}]) > 0"


def _not_firing(g: Ground, name: str, severity: Severity) -> str:
    """Leaves out queues on which the alert fires already."""
    ignored = ", ".join(("alertname", "alertstate", "severity", "bound", "team", *g.config.labels))
    mine = (label("alertname", name), label("alertstate", "firing"), label("severity", severity), g.job)
    return f" unless ignoring ({ignored}) {select(n.ALERTS, *mine)}"


def _throughput(g: Ground) -> Iterator[Alert]:
    for severity in both(g, THROUGHPUT):
        if g.thresholds.default(THROUGHPUT, severity) is not None:
            yield _low(g, severity, "redis", n.REDIS_DEMAND, "All queues of this Redis")
        if has_bound_per_queue(g, THROUGHPUT):
            yield _low(g, severity, "queue", n.DEMAND, WHERE)


def _low(g: Ground, severity: Severity, level: str, demand: str, who: str) -> Alert:
    expr = against(THROUGHPUT, severity, n.per_hour(level), level)
    if g.config.guards.enough_work:
        enough = against(THROUGHPUT, severity, n.demand_per_hour(level), level).replace(" < ", " >= ")
        expr += f" and ignoring (bound) ({g.over('min', demand, 30 * MINUTE)} > 0) and ignoring (bound) ({enough})"
    return Alert(
        "BullThroughputLow" if level == "redis" else "BullQueueThroughputLow",
        severity,
        expr + covered(g, "30m"),
        5 * MINUTE,
        f"{who}: fewer than {{{{ $labels.bound }}}} while work is waiting",
        f"{_HOURLY} jobs/hour were finished in the last 30 minutes, all of which work stood waiting; "
        "the bound is {{ $labels.bound }} and there was enough work to reach it.",
        window_seconds=30 * MINUTE,
        fills_seconds=fills_seconds(g, 30 * MINUTE),
        bound=bound_text(g, THROUGHPUT, severity),
    )


def _failures(g: Ground) -> Iterator[Alert]:
    for severity in both(g, FAILURES):
        expr = against(FAILURES, severity, n.failed_ratio("30m"), "queue")
        yield Alert(
            "BullFailureRateHigh",
            severity,
            expr + _few(g, _failed("30m"), FEW, "bound"),
            2 * MINUTE,
            f"{WHERE}: more than {{{{ $labels.bound }}}} of jobs fail",
            f"{_PERCENT} of the jobs that ended in the last 30 minutes failed for good; "
            "the bound is {{ $labels.bound }}.",
            window_seconds=30 * MINUTE,
            fills_seconds=fills_seconds(g, 30 * MINUTE),
            bound=bound_text(g, FAILURES, severity),
        )


def _failed(window: str) -> str:
    return f'sum without (status) ({n.increase(window)}{{status="failed"}})'


def _low_volume(g: Ground) -> Iterator[Alert]:
    """Too few jobs for a rate over 30 minutes, and yet they fail: judged over two hours."""
    worst = next((s for s in reversed(both(g, FAILURES))), None)
    if worst is None or not g.config.guards.few_jobs:
        return
    name = "BullFailuresLowVolume"
    severity = severity_of(g, name, "critical")
    # Where enough jobs have ended since and few of them failed, the fault is over.
    mildest = min(t.bound for t in g.thresholds.of(FAILURES))
    # It begins with a failure, not when BullFailureRateHigh ends; and where that goes on few jobs' failures go on.
    elsewhere = f"({_failed('30m')} >= {FEW} or {_failed('15m')} <= 0.5){_not_firing(g, name, severity)}"
    yield Alert(
        name,
        severity,
        against(FAILURES, worst, n.failed_ratio("2h"), "queue")
        + _few(g, _failed("2h"), FEW_ALONE, "bound")
        + f" unless ignoring (bound) ({elsewhere})"
        + f" and ignoring (bound) ({_failed('1h')} > 0.5)"
        + f" unless ignoring (bound) ({n.failed_ratio('30m')} <= {mildest} and {n.finished('30m')} >= {FEW})",
        5 * MINUTE,
        f"{WHERE}: jobs fail on a queue with little traffic",
        f"{_PERCENT} of the jobs that ended in the last two hours failed for good; "
        "the bound is {{ $labels.bound }}. There are too few jobs to judge a shorter time.",
        window_seconds=2 * HOUR,
        fills_seconds=fills_seconds(g, 2 * HOUR),
        bound=bound_text(g, FAILURES, worst),
    )


@dataclass(frozen=True, slots=True)
class BurnWindow:
    """A pair of windows over which the error budget may not burn `factor` times too fast."""

    long: str
    short: str
    factor: float
    hold_seconds: float
    fast: bool


# Google's Site Reliability Workbook, chapter 5, table 5-8: 2 %, 5 %, 10 % and 10 % of a 30-day budget.
BURN_WINDOWS = (
    BurnWindow("1h", "5m", 14.4, 30 * MINUTE, True),
    BurnWindow("6h", "30m", 6, 30 * MINUTE, True),
    BurnWindow("1d", "2h", 3, 2 * HOUR, False),
    BurnWindow("3d", "6h", 1, 2 * HOUR, False),
)
HALF = 0.5


def budget(g: Ground) -> float:
    """The share of jobs that may fail."""
    return round(1 - parse(g.config.objective, Unit.RATIO).value, 9)


def _burn(g: Ground) -> Iterator[Alert]:
    share = budget(g)
    for pair in BURN_WINDOWS:
        rate = round(share * pair.factor, 9)
        expr = f"{n.failed_ratio(pair.long)} > {rate:.10g} and {n.failed_ratio(pair.short)} > {rate:.10g}"
        if g.config.guards.few_jobs:
            expr += f" and {_failed(pair.long)} >= {FEW}"
        if g.config.guards.coverage:
            expr += f" and {n.seen_ratio(pair.long)} >= {HALF}"
        yield Alert(
            "BullErrorBudgetBurn",
            "critical" if pair.fast and g.config.page_on_burn else "warning",
            expr,
            2 * MINUTE,
            f"{WHERE}: failures use up the error budget {_faster(pair.factor)} than it lasts",
            f"{_PERCENT} of the jobs of the last {_IN_WORDS[pair.long]} failed for good; an objective of "
            f"{g.config.objective} allows {share * 100:g} %. " + _relation(g, rate),
            window_seconds=pair.hold_seconds,
            fills_seconds=fills_seconds(g, WINDOWS[pair.long]),
            labels=(("window", pair.long),),
        )


_IN_WORDS = {"1h": "hour", "6h": "6 hours", "1d": "day", "3d": "3 days"}


def _faster(factor: float) -> str:
    return "faster" if factor == 1 else f"{factor:g} times faster"


def _relation(g: Ground, rate: float) -> str:
    """How a burn rate and the bounds of the failure rate stand to each other."""
    warning = g.thresholds.default(FAILURES, "warning")
    if warning is None:
        return "There is no bound on the failure rate itself."
    side = "below" if rate < warning else "above"
    return (
        f"It begins at {rate * 100:g} %, {side} the failure rate's warning bound of {warning * 100:g} %, "
        "and is about the month, not about now."
    )


def _retries(g: Ground) -> Iterator[Alert]:
    back = f"sum without (reason) ({n.requeued('30m')}{{{Matcher('=~', 'delayed|waiting', 'reason')}}})"
    for severity in both(g, RETRIES):
        expr = against(RETRIES, severity, n.RETRY_RATIO, "queue") + _few(g, back, FEW_RETRIES, "bound")
        yield Alert(
            "BullRetryStorm",
            severity,
            expr + not_held(g).replace(" unless ", " unless ignoring (bound) "),
            5 * MINUTE,
            f"{WHERE}: more than {{{{ $labels.bound }}}} of attempts go back to the queue",
            f"{_PERCENT} of the attempts of the last 30 minutes went back to the queue; "
            "the bound is {{ $labels.bound }}.",
            window_seconds=30 * MINUTE,
            fills_seconds=fills_seconds(g, 30 * MINUTE),
            bound=bound_text(g, RETRIES, severity),
        )


__all__ = ["BURN_WINDOWS", "alerts", "budget", "unlabelled"]
