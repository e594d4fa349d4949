"""This file knows how bounds become series, so that rules, boards and dashboard draw from one number."""

from collections.abc import Iterator

from alerts import names as n
from alerts.promql import Matcher
from alerts.rules import Ground, Recording
from alerts.signals import DURATION, SIGNALS, THROUGHPUT, Level, Signal
from alerts.thresholds import Threshold


def bounds(g: Ground) -> Iterator[Recording]:
    """One rule for each bound; a new queue gets the default without a new file."""
    for signal in SIGNALS:
        for threshold in g.thresholds.of(signal):
            yield _bound(signal, threshold)


def level_of(threshold: Threshold) -> str:
    """A bound for chosen queues is the queue's, also where the signal is a Redis'."""
    chosen = any(matcher.positive for matcher in threshold.matchers)
    return "queue" if threshold.signal.level is Level.QUEUE or chosen else "redis"


def _bound(signal: Signal, threshold: Threshold) -> Recording:
    level = level_of(threshold)
    if level == "queue":
        holders = selected(n.KNOWN, threshold.matchers)
    else:
        holders = n.UP_ANY
    labels = (("severity", threshold.severity), ("bound", threshold.text))
    return Recording(n.bound(signal, level), f"{holders} * 0 + {threshold.bound:.10g}", labels)


def selected(record: str, matchers: tuple[Matcher, ...]) -> str:
    return f"{record}{{{', '.join(map(str, matchers))}}}" if matchers else record


def has_bound_per_queue(g: Ground, signal: Signal) -> bool:
    return any(level_of(threshold) == "queue" for threshold in g.thresholds.of(signal))


def wants_duration(g: Ground) -> bool:
    """Processing time is judged only where the user asks for it."""
    return bool(g.thresholds.of(DURATION))


def wants_queue_throughput(g: Ground) -> bool:
    return has_bound_per_queue(g, THROUGHPUT)
