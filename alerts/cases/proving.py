"""This file knows how the rule tests are run: each by a promtool of its own, on all processors, with what it needs."""

import os
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from alerts import output, programs, render
from alerts.cases import ruletests
from alerts.cases.needed import Rule, asked, needed, reads
from alerts.cases.possible import possible
from alerts.cases.ruletests import Case
from alerts.output import Plan


def prove(made: Plan, promtool: str) -> tuple[bool, str]:
    """Whether all rule tests pass, and what promtool wrote of those that do not. Raises OSError."""
    at_once = len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as place, ThreadPoolExecutor(at_once) as pool:
        files = list(_files(made, Path(place)))
        ran = list(pool.map(lambda file: programs.rule_tests(promtool, file), files))
    failed = [text.strip() for status, text in ran if status != 0]
    return not failed, "\n".join(failed)


def _files(made: Plan, folder: Path) -> Iterator[Path]:
    """A file for each test, the longest first, so that none begins when the others are done."""
    for number, case in enumerate(sorted(output.cases(made), key=_evaluations, reverse=True)):
        rules, file = f"rules-{number}.yaml", folder / f"test-{number}.yaml"
        part = cut(made, case)
        (folder / rules).write_text(render.dump(render.mute(output.rules(part))), encoding="utf-8")
        document = ruletests.document(
            [rules], made.ground, [lean(case, part.rules)], made.groups, strict=output.is_strict(made)
        )
        file.write_text(render.dump(document), encoding="utf-8")
        yield file


def _evaluations(case: Case) -> float:
    return case.last_minute / case.every_minutes


def cut(made: Plan, case: Case) -> Plan:
    """The rules that the test needs, and that can have a sample in its worlds.

    A strict check forbids every alert but those that may fire beside, and so needs all of these.
    """
    strict = output.is_strict(made) and bool(case.checks)
    forbidden = set(made.names).difference(case.beside) if strict else set()
    wanted = replace(case, alerts=(*case.alerts, *sorted(forbidden)))
    series = [name for world in case.worlds for name in world.series]
    return made.only(needed(wanted, made.rules) & possible(made.rules, series))


def lean(case: Case, rules: Iterable[Rule]) -> Case:
    """The test without the series that none of these rules reads, nor the test itself."""
    read = {name for rule in rules for name in reads(rule.expr)} | asked(case)
    worlds = tuple(
        replace(world, series={k: v for k, v in world.series.items() if k.partition("{")[0] in read})
        for world in case.worlds
    )
    return replace(case, worlds=worlds)
