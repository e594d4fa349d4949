"""This file knows the PromQL of a figure: exporters of one Redis count once, then what is left is joined."""

import json
import re
from collections.abc import Sequence

from dashboard.sources.source import Span, Where, joining
from exporter.catalogue import Metric
from planner.stored.growth import Growth, milliseconds

REPLICA_LABELS = ("instance", "pod")
BEGAN_ANEW = 1_000_000_000
"""More than there are counters."""


def gauge_query(metric: Metric, by: Sequence[str], where: Where, part: str) -> str:
    return _joined(metric, by, selector(metric, where, part))


def mix_query(metric: Metric, by: Sequence[str], where: Where, part: str, step_seconds: float) -> str:
    """What PromQL guesses at the ends of a step stretches buckets, sum and count of a histogram alike."""
    window = f"{round(step_seconds * 1000)}ms"
    return _joined(metric, by, f"increase({selector(metric, where, part)}[{window}])")


def _joined(metric: Metric, by: Sequence[str], inner: str) -> str:
    return f"{joining(metric)} by ({', '.join(by)}) ({_once(inner)})"


def _once(copies: str) -> str:
    return f"max without ({', '.join(REPLICA_LABELS)}) ({copies})"


def increase_query(
    metric: Metric, by: Sequence[str], where: Where, part: str, step_seconds: float, scrape_seconds: float
) -> str:
    """As the planner counts: what was held at both ends of a step, which adds up over steps side by side."""
    grown = Growth(selector(metric, where, part), step_seconds, scrape_seconds)
    return f"{joining(metric)} by ({', '.join(by)}) ({grown.in_part})"


def steady_query(
    metric: Metric, by: Sequence[str], where: Where, part: str, span: Span, scrape_seconds: float
) -> str:
    """The same of counters that were there throughout, at less than half the price; and as a series without labels,
    how many counters the span holds, `BEGAN_ANEW` more for each that did.

    What is of the whole span is evaluated once, not at each step.
    """
    counter = selector(metric, where, part)
    there = _once(f"last_over_time({counter}[{milliseconds(span.seconds)}] @ end())")
    anew = f"count(resets({counter}[{milliseconds(span.seconds + span.step_seconds)}] @ end()) > 0)"
    grown = Growth(counter, span.step_seconds, scrape_seconds).between
    return f"sum by ({', '.join(by)}) ({grown}) or (count({there}) + {BEGAN_ANEW} * ({anew} or vector(0)))"


def uneventful_buckets_query(
    metric: Metric, by: Sequence[str], where: Where, step_seconds: float, scrape_seconds: float
) -> str:
    """The same of buckets, at less than half the price, in steps of which `events_queries` find nothing."""
    grown = Growth(selector(metric, where, "bucket"), step_seconds, scrape_seconds)
    return f"{joining(metric)} by ({', '.join(by)}) ({grown.between})"


def events_queries(
    metric: Metric, where: Where, step_seconds: float, scrape_seconds: float
) -> tuple[str, str]:
    """How many histograms came or left in a step, and how many buckets began anew.

    All buckets come and leave with their count; that one began anew and has counted further than before, only its
    buckets tell.
    """
    whole = Growth(selector(metric, where, "count"), step_seconds, scrape_seconds)
    each = Growth(selector(metric, where, "bucket"), step_seconds, scrape_seconds)
    return f"count({whole.not_between})", f"count({each.anew})"


def selector(metric: Metric, where: Where, part: str = "") -> str:
    name = f"{metric.name}_{part}" if part else metric.name
    return f"{name}{{{', '.join(_matcher(label, value) for label, value in where.items())}}}"


def _matcher(label: str, value: str | tuple[str, ...]) -> str:
    """One value, or one of several."""
    if isinstance(value, str):
        return f"{label}={json.dumps(value, ensure_ascii=False)}"
    return f"{label}=~{json.dumps('|'.join(map(re.escape, value)), ensure_ascii=False)}"
