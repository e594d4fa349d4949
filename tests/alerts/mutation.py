"""Knows how to change one thing in a generated rule, and whether the generated rule tests notice.

python -m tests.alerts.mutation            # every change; some ten minutes on two cores
python -m tests.alerts.mutation --every 10 # each tenth
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import promql_parser

from alerts import output, programs, render, ruletests
from alerts.links import Links
from alerts.needed import Rule, called, needed
from alerts.output import RULES, TESTS, Plan
from alerts.rules import Alert, Group
from alerts.ruletests import Case
from tests.alerts.conftest import plan

OPPOSITE = {">": "<=", "<": ">=", ">=": "<", "<=": ">", "==": "!=", "!=": "=="}
COMPARISON = re.compile(r"(?<![=!<>~])(>=|<=|==|!=|>|<)(?= )")
BOUND = re.compile(r"(?<=[><=] )(\d+(?:\.\d+)?)(?![\d.]*[a-z\[])")
CONSTANT = re.compile(r"(?<=[+*/] )(\d+(?:\.\d+)?)(?![\d.]*[a-z\[])")
WINDOW = re.compile(r"\[([\dhmsd]+)\]|(?<=offset )([\dhmsd]+)")


@dataclass(frozen=True)
class Mutant:
    """One rule with one change."""

    index: int
    change: str
    rule: Rule


def mutants(rules: list[Rule]) -> Iterator[Mutant]:
    for index, rule in enumerate(rules):
        for change, expr in changed(rule.expr):
            yield Mutant(index, change, replace(rule, expr=expr))
        if isinstance(rule, Alert) and rule.for_seconds:
            yield Mutant(index, "for × 6", replace(rule, for_seconds=rule.for_seconds * 6))


def changed(expr: str) -> Iterator[tuple[str, str]]:
    """Comparisons turned, bounds and windows moved, guards taken away: each alone."""
    text = str(promql_parser.parse(expr))
    for found in COMPARISON.finditer(text):
        yield (
            f"{found[0]} to {OPPOSITE[found[0]]} at {found.start()}",
            _put(text, found.span(), OPPOSITE[found[0]]),
        )
    for pattern in (BOUND, CONSTANT):
        for found in pattern.finditer(text):
            value = float(found[1])
            yield (
                f"{found[0]} at {found.start()}",
                _put(text, found.span(), f"{value * 3 if value else 1e6:g}"),
            )
    for found in WINDOW.finditer(text):
        group = 1 if found[1] else 2
        seconds = sum(
            int(a) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[b]
            for a, b in re.findall(r"(\d+)([smhd])", found[group])
        )
        yield f"window {found[group]} at {found.start()}", _put(text, found.span(group), f"{seconds * 3}s")
    for node in _guards(promql_parser.parse(expr)):
        yield f"without {node.op!s} {str(node.rhs)[:60]}", text.replace(str(node), str(node.lhs), 1)


def _put(text: str, span: tuple[int, int], new: str) -> str:
    return text[: span[0]] + new + text[span[1] :]


def _guards(node: object) -> Iterator[promql_parser.BinaryExpr]:
    found: list[promql_parser.BinaryExpr] = []

    def visit(inner: object) -> bool:
        if isinstance(inner, promql_parser.BinaryExpr) and str(inner.op).split()[0] in (
            "and",
            "unless",
            "or",
        ):
            found.append(inner)
        return True

    promql_parser.walk(node, visit)
    return iter(found)


class Bench:
    """The rules and their tests, cut to what each test needs, so that one run takes seconds."""

    def __init__(self, made: Plan) -> None:
        self.made = made
        self.rules = made.rules
        self.cases = output.cases(made)
        self.needs = [needed(case, self.rules) for case in self.cases]

    def noticed(self, mutant: Mutant) -> bool:
        """Whether some test fails with this rule."""
        able = [
            (len(need) * _minutes(case), case, need)
            for case, need in zip(self.cases, self.needs, strict=True)
            if mutant.index in need
        ]
        return any(
            not self._passes(case, need, mutant) for _, case, need in sorted(able, key=lambda item: item[0])
        )

    def _passes(self, case: Case, need: frozenset[int], mutant: Mutant) -> bool:
        chosen = tuple(mutant.rule if i == mutant.index else self.rules[i] for i in sorted(need))
        g = self.made.ground
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            groups = (Group("bullgauge-cut", chosen),)
            document = render.rules_document(groups, g.pace, Links(g.config.addresses))
            tests = ruletests.document([RULES], g, [case], groups, strict=False)
            (folder / RULES).write_text(render.dump(document))
            (folder / TESTS).write_text(render.dump(tests))
            return programs.rule_tests("promtool", folder / TESTS)[0] == 0


def _minutes(case: Case) -> float:
    return case.last_minute / case.every_minutes


def run(every: int, first: int = 0, workers: int = 2) -> tuple[int, list[Mutant], Bench]:
    """How many changes were tried, and those that no test noticed."""
    bench = Bench(plan())
    chosen = list(mutants(bench.rules))[first::every]
    with ThreadPoolExecutor(workers) as pool:
        noticed = list(pool.map(bench.noticed, chosen))
    return len(chosen), [m for m, seen in zip(chosen, noticed, strict=True) if not seen], bench


def report(tried: int, missed: Iterable[Mutant], bench: Bench) -> str:
    lines = [f"{called(m.rule)} {getattr(m.rule, 'severity', '')}: {m.change}" for m in missed]
    return "\n".join(
        [*lines, f"{tried - len(lines)} of {tried} changes noticed ({1 - len(lines) / tried:.1%})"]
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--first", type=int, default=0)
    options = parser.parse_args()
    sys.stdout.write(report(*run(options.every, options.first)) + "\n")
