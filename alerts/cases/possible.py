"""This file knows which rules can have a sample at all, where only some series are there to be read."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import promql_parser

from alerts import names as n
from alerts.rules import Alert, Recording

Rule = Alert | Recording
_ALERT = re.compile(r'\balertname="([^"]*)"')
ALWAYS = ("absent", "absent_over_time", "scalar")
"""Functions that say something of what is not there."""


@dataclass(slots=True)
class _Seen:
    """What has samples so far: series by their name, and alerts that may fire."""

    names: set[str]
    alerts: set[str] = field(default_factory=set)

    def add(self, rule: Rule) -> None:
        if isinstance(rule, Recording):
            self.names.add(rule.record)
        else:
            self.names.add(n.ALERTS)
            self.alerts.add(rule.name)


@dataclass(frozen=True, slots=True)
class _Series:
    """A selector. One that asks for an alert has no sample before that alert fires."""

    name: str
    alert: str | None

    def holds(self, seen: _Seen) -> bool:
        return self.name in seen.names and (self.alert is None or self.alert in seen.alerts)


@dataclass(frozen=True, slots=True)
class _All:
    parts: tuple["_Condition", ...]

    def holds(self, seen: _Seen) -> bool:
        return all(part.holds(seen) for part in self.parts)


@dataclass(frozen=True, slots=True)
class _Any:
    parts: tuple["_Condition", ...]

    def holds(self, seen: _Seen) -> bool:
        return any(part.holds(seen) for part in self.parts)


_Condition = _Series | _All | _Any
_NOTHING_NEEDED = _All(())


def possible(rules: Sequence[Rule], series: Iterable[str]) -> frozenset[int]:
    """The places of those rules. The others would be evaluated for nothing: all that they read is absent."""
    given = list(series)
    seen = _Seen({name.partition("{")[0] for name in given})
    seen.alerts = {found[1] for name in given if (found := _ALERT.search(name))}
    taken: set[int] = set()
    while more := [i for i, rule in enumerate(rules) if i not in taken and _condition(rule.expr).holds(seen)]:
        for place in more:
            taken.add(place)
            seen.add(rules[place])
    return frozenset(taken)


@cache
def _condition(expr: str) -> _Condition:
    """When an expression can have a sample."""
    return _of(promql_parser.parse(expr))


def _of(node: Any) -> _Condition:
    match node:
        case promql_parser.VectorSelector():
            alert = next((m.value for m in node.matchers.matchers if _is_alert(m)), None)
            return _Series(node.name, alert) if node.name else _NOTHING_NEEDED
        case promql_parser.MatrixSelector():
            return _of(node.vector_selector)
        case promql_parser.BinaryExpr():
            return _of_two(str(node.op).split()[0], _of(node.lhs), _of(node.rhs))
        case promql_parser.Call():
            return _NOTHING_NEEDED if node.func.name in ALWAYS else _All(tuple(map(_of, node.args)))
        case promql_parser.NumberLiteral() | promql_parser.StringLiteral():
            return _NOTHING_NEEDED
    return _of(node.expr)  # an aggregation, a subquery, a sign, or parentheses


def _is_alert(matcher: Any) -> bool:
    return bool(matcher.name == "alertname" and matcher.op == promql_parser.MatchOp.Equal)


def _of_two(operator: str, left: _Condition, right: _Condition) -> _Condition:
    match operator:
        case "or":
            return _Any((left, right))
        case "unless":
            return left
    return _All((left, right))
