"""Knows how to change one thing in a generated rule, and whether the generated rule tests notice.

python -m tests.alerts.mutation            # every change
python -m tests.alerts.mutation --every 10 # each tenth
python -m tests.alerts.mutation --of BullNoWorkers

Exit status 1 when fewer than 95 % of the changes are noticed.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import promql_parser

from alerts import output, programs, render
from alerts.cases import proving, ruletests
from alerts.cases.needed import Rule, called, needed
from alerts.cases.possible import possible
from alerts.cases.ruletests import Case
from alerts.links import Links
from alerts.output import RULES, TESTS, Plan
from alerts.rules import Alert, Group
from tests.alerts.conftest import plan

LEAST = 0.95
"""Share of the changes that must be noticed."""
OPPOSITE = {">": "<=", "<": ">=", ">=": "<", "<=": ">", "==": "!=", "!=": "=="}
COMPARISON = re.compile(r"(?<![=!<>~])(>=|<=|==|!=|>|<)(?= )")
_NUMBER = r"(\d+(?:\.\d+)?)"
BOUND = re.compile(rf"(?:(?<=[><=] )|(?<=bool )){_NUMBER}(?![\d.]*[a-z\[])")
CONSTANT = re.compile(rf"(?<=[-+*/%] ){_NUMBER}(?![\d.]*[a-z\[])")
FIRST = re.compile(rf"(?:^|(?<=\()){_NUMBER}(?=,| [-+*/])")
LAST = re.compile(rf"(?<=, ){_NUMBER}(?=\))")
"""An argument of a function, or what comes before an operator."""
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
        if isinstance(rule, Alert):
            if rule.for_seconds:
                yield Mutant(index, "for × 6", replace(rule, for_seconds=rule.for_seconds * 6))
            if rule.keep_firing_seconds:
                much = replace(rule, keep_firing_seconds=rule.keep_firing_seconds * 12)
                yield Mutant(index, "keep_firing_for × 12", much)


def changed(expr: str) -> Iterator[tuple[str, str]]:
    """Comparisons turned, bounds and windows moved, guards taken away: each alone."""
    text = str(promql_parser.parse(expr))
    for found in COMPARISON.finditer(text):
        yield (
            f"{found[0]} to {OPPOSITE[found[0]]} at {found.start()}",
            _put(text, found.span(), OPPOSITE[found[0]]),
        )
    for pattern in (BOUND, CONSTANT, FIRST, LAST):
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
        changed_rules = [mutant.rule if i == mutant.index else rule for i, rule in enumerate(self.rules)]
        able = []
        for case, need in zip(self.cases, self.needs, strict=True):
            if mutant.index in need:
                series = [name for world in case.worlds for name in world.series]
                after = possible(changed_rules, series)
                # A rule that has no sample in this test, neither as it was nor changed, is no matter here.
                if mutant.index in after or mutant.index in possible(self.rules, series):
                    chosen = [changed_rules[i] for i in sorted(need & after)]
                    able.append((len(chosen) * _minutes(case), case, chosen))
        ordered = sorted(able, key=lambda item: item[0])
        return any(not self._passes(case, chosen) for _, case, chosen in ordered)

    def _passes(self, case: Case, chosen: Sequence[Rule]) -> bool:
        g = self.made.ground
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            groups = (Group("bullgauge-cut", tuple(chosen)),)
            document = render.mute(render.rules_document(groups, g.pace, Links(g.config.addresses)))
            tests = ruletests.document([RULES], g, [proving.lean(case, chosen)], groups, strict=False)
            (folder / RULES).write_text(render.dump(document))
            (folder / TESTS).write_text(render.dump(tests))
            return programs.rule_tests("promtool", folder / TESTS)[0] == 0


def _minutes(case: Case) -> float:
    return case.last_minute / case.every_minutes


def run(every: int = 1, first: int = 0, of: str = "") -> int:
    """Tell each change that no test notices, and how many are; the exit status."""
    bench = Bench(plan())
    chosen = [mutant for mutant in mutants(bench.rules) if of in called(mutant.rule)][first::every]
    if not chosen:
        print(f"nothing to change in a rule called *{of}*")
        return 2
    noticed = 0
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for mutant, seen in zip(chosen, pool.map(bench.noticed, chosen), strict=True):
            noticed += seen
            if not seen:
                severity = getattr(mutant.rule, "severity", "")
                print(f"{called(mutant.rule)} {severity}: {mutant.change}", flush=True)
    print(f"{noticed} of {len(chosen)} changes noticed ({noticed / len(chosen):.1%})")
    return 0 if noticed >= LEAST * len(chosen) else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--of", metavar="NAME", default="", help="rules with this in their name only")
    options = parser.parse_args()
    sys.exit(run(options.every, options.first, options.of))
