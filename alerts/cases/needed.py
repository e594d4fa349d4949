"""This file knows which rules a rule test needs: its alerts, and all that these read, however far back."""

import re
from collections.abc import Iterable, Sequence
from functools import cache

from alerts import lint
from alerts.cases.ruletests import Case
from alerts.rules import Alert, Recording

Rule = Alert | Recording
_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z_:0-9]*")


def needed(case: Case, rules: Sequence[Rule]) -> frozenset[int]:
    """The places of those rules. No other can change what the test sees of its own alerts."""
    return behind({*case.alerts, *asked(case)}, rules)


def behind(names: Iterable[str], rules: Sequence[Rule]) -> frozenset[int]:
    """The places of the rules of these names, and of all that they read."""
    names = set(names)
    taken: set[int] = set()
    while more := {i for i, rule in enumerate(rules) if called(rule) in names} - taken:
        taken |= more
        names |= {name for i in more for name in reads(rules[i].expr)}
    return frozenset(taken)


def asked(case: Case) -> set[str]:
    """The series, and whatever else has a name, in what the test asks for."""
    return {name for query in case.queries for name in _NAME.findall(query.expr)}


def called(rule: Rule) -> str:
    """The name of a rule."""
    return rule.record if isinstance(rule, Recording) else rule.name


@cache
def reads(expr: str) -> frozenset[str]:
    """The series that an expression selects."""
    return frozenset(str(selector.name) for selector in lint.selectors(expr))
