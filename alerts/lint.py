"""This file knows what must hold of every rule set, whatever the configuration, and finds what does not."""

import re
from collections.abc import Iterator

import promql_parser

from alerts import names as n
from alerts.config import Config
from alerts.rules import Alert, Group, Recording, alerts_of, recordings_of
from exporter.catalogue import METRICS, Kind

_NAME = re.compile(r"[a-z]+:[a-zA-Z_][a-zA-Z0-9_]*:[a-z0-9_]+")


def known_series(groups: tuple[Group, ...]) -> set[str]:
    """All series that an expression may read: the catalogue's, the set's own recordings, Prometheus' own."""
    raw = {name for metric in METRICS for name in _series(metric.name, metric.kind)}
    return raw | {rule.record for rule in recordings_of(groups)} | {*n.FOREIGN, *n.BULLMQ}


def _series(name: str, kind: Kind) -> tuple[str, ...]:
    return (name, f"{name}_bucket", f"{name}_count", f"{name}_sum") if kind is Kind.HISTOGRAM else (name,)


def findings(groups: tuple[Group, ...], config: Config) -> Iterator[str]:
    """One line for each rule that breaks a promise."""
    known = known_series(groups)
    recorded = {rule.record for rule in recordings_of(groups)}
    own = {config.figures.worker_memory_bytes, config.figures.worker_cpu_cores}
    for rule in recordings_of(groups):
        yield from _name(rule)
        if rule.expr not in own:
            yield from _expression(rule.record, rule.expr, known)
            yield from _job(rule, recorded, config)
    for alert in alerts_of(groups):
        yield from _expression(alert.name, alert.expr, recorded | {n.ALERTS})
        yield from _texts(alert)


def _name(rule: Recording) -> Iterator[str]:
    if not _NAME.fullmatch(rule.record):
        yield f"{rule.record}: is not level:metric:operations"


def _expression(where: str, expr: str, known: set[str]) -> Iterator[str]:
    try:
        for selector in selectors(expr):
            if selector.name not in known:
                yield f"{where}: reads {selector.name}, which nothing makes"
    except ValueError as error:
        yield f"{where}: is no PromQL: {error}"


def _job(rule: Recording, recorded: set[str], config: Config) -> Iterator[str]:
    """What is read of an exporter is read of this job only."""
    for selector in selectors(rule.expr):
        jobs = [m.value for m in selector.matchers.matchers if m.name == "job"]
        if selector.name not in recorded | {n.RULE_FAILURES} and jobs != [config.job]:
            yield f"{rule.record}: reads {selector.name} of every job"


def _texts(alert: Alert) -> Iterator[str]:
    for name, value in alert.labels:
        if "$value" in value:
            yield f"{alert.name}: label {name} holds $value, so each new value would be a new alert"
    for name, text in (("summary", alert.summary), ("description", alert.description)):
        if not text or text.count("{{") != text.count("}}"):
            yield f"{alert.name}: {name} is empty or a broken template"


def selectors(expr: str) -> list[promql_parser.VectorSelector]:
    """All series that an expression selects. Raises ValueError."""
    found: list[promql_parser.VectorSelector] = []

    def visit(node: object) -> bool:
        if isinstance(node, promql_parser.VectorSelector):
            found.append(node)
        return True

    promql_parser.walk(promql_parser.parse(expr), visit)
    return found
