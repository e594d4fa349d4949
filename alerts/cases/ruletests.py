"""This file knows what a rule test is: a world, and which alerts fire at which minute; and how promtool is told."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from alerts import names as n
from alerts.alerting.exporter import WATCHDOG
from alerts.cases.world import World, notation
from alerts.promql import duration, quote
from alerts.rules import Ground, Group, order

Firing = tuple[str, str, str]
"""Alert, severity and queue (empty where the alert is about no queue)."""


@dataclass(frozen=True, slots=True)
class Check:
    """At a minute, exactly these alerts fire: of those named in `about`, or of all."""

    minute: int
    firing: frozenset[Firing]


@dataclass(frozen=True, slots=True)
class Query:
    """At a minute, an expression has these samples."""

    minute: int
    expr: str
    samples: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Case:
    """One promise, kept by the rules. `alerts` are those that it is about."""

    promise: str
    worlds: tuple[World, ...]
    alerts: tuple[str, ...]
    checks: tuple[Check, ...] = ()
    queries: tuple[Query, ...] = ()
    beside: tuple[str, ...] = ()
    """Alerts that may fire as well, which the promise is not about."""
    every_minutes: int = 1
    """Minutes between two evaluations. 5 is enough where no count over a shorter window matters."""
    scrape_seconds: int = 60
    """Time between two values of the worlds."""

    @property
    def last_minute(self) -> int:
        """Until then the rules are evaluated."""
        return max([*(check.minute for check in self.checks), *(query.minute for query in self.queries)])


Maker = Callable[[Ground], Case | None]


def at(minute: int, *firing: tuple[str, str] | Firing) -> Check:
    """`at(45, ("BullNoWorkers", "critical"))`; with a third item, of that queue."""
    return Check(minute, frozenset((f[0], f[1], f[2] if len(f) == 3 else "") for f in firing))


def document(
    rule_files: list[str], g: Ground, cases: Sequence[Case], groups: Sequence[Group], *, strict: bool
) -> dict[str, Any]:
    """The content of a promtool test file for the rules of `groups`; its cases are evaluated equally often.

    With `strict`, no other alert may fire in any case.
    """
    every = {case.every_minutes for case in cases} or {1}
    assert len(every) == 1, "a file has one evaluation interval"
    return {
        "rule_files": rule_files,
        "evaluation_interval": duration(g.pace.interval * every.pop()),
        "group_eval_order": order(groups),
        "tests": [_test(case, duration(case.scrape_seconds / g.pace.speed), strict=strict) for case in cases],
    }


def _test(case: Case, interval: str, *, strict: bool) -> dict[str, Any]:
    series = [
        {"series": name, "values": notation(values)}
        for world in case.worlds
        for name, values in world.series.items()
    ]
    return {
        "name": case.promise,
        "interval": interval,
        "input_series": series,
        "promql_expr_test": [
            *(_check(check, case, strict=strict) for check in case.checks),
            *(_query(query) for query in case.queries),
        ],
    }


def _check(check: Check, case: Case, *, strict: bool) -> dict[str, Any]:
    beside = "|".join((WATCHDOG, *case.beside))
    chosen = f"alertname!~{quote(beside)}" if strict else f"alertname=~{quote('|'.join(case.alerts))}"
    expr = f'count by (alertname, severity, queue) ({n.ALERTS}{{alertstate="firing", {chosen}}})'
    return {
        "expr": expr,
        "eval_time": f"{check.minute}m",
        "exp_samples": [{"labels": _labels(f), "value": 1} for f in sorted(check.firing)],
    }


def _labels(firing: Firing) -> str:
    alertname, severity, queue = firing
    of_queue = f", queue={quote(queue)}" if queue else ""
    return f"{{alertname={quote(alertname)}, severity={quote(severity)}{of_queue}}}"


def _query(query: Query) -> dict[str, Any]:
    return {
        "expr": query.expr,
        "eval_time": f"{query.minute}m",
        "exp_samples": [{"labels": labels, "value": value} for labels, value in query.samples],
    }
