"""Knows what-if questions: values put into a file of queues, changes made to it, every combination answered."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from planner.errors import BadInput
from planner.file.given import given
from planner.file.queue_file import AskedFile, AskedQueue, read_file
from planner.file.settings import MOST_SCENARIOS, Setting, read_setting
from planner.whatif.changes import Changed, multiplied, times

__all__ = ["Axis", "Scenario", "Setting", "answered", "multiplied", "read_setting", "scenarios", "times"]

Each = Callable[[Sequence[Any], Callable[[Any], Any]], list[Any]]


@dataclass(frozen=True, slots=True)
class Axis:
    """A change of the file by name, and the values to try; `apply` makes it."""

    name: str
    values: tuple[Any, ...]
    apply: Callable[[Changed, Any], Changed]


@dataclass(frozen=True, slots=True)
class Scenario:
    """One combination; `changed` holds the value of each field or change."""

    changed: Mapping[str, Any]
    made: Changed

    @property
    def file(self) -> AskedFile:
        return self.made.file


def scenarios(path: Path | None, settings: Sequence[Setting], axes: Sequence[Axis]) -> list[Scenario]:
    """Every combination of values, in the order given. Raises BadInput for a file or a value that can't be."""
    every = [*(axis.values for axis in axes), *(setting.values for setting in settings)]
    count = math.prod(len(values) for values in every)
    if count > MOST_SCENARIOS:
        raise BadInput(f"{count} combinations; at most {MOST_SCENARIOS} are tried, take larger steps")
    base = given(path)
    base.check()
    found = []
    for chosen in product(*every):
        put = {s.path: value for s, value in zip(settings, chosen[len(axes) :], strict=True)}
        made = Changed(base.with_fields(put))
        for axis, value in zip(axes, chosen, strict=False):
            made = axis.apply(made, value)
        told = {axis.name: value for axis, value in zip(axes, chosen, strict=False)}
        found.append(Scenario({**put, **told}, made))
    return found


def as_it_is(path: Path) -> Scenario:
    """The file without any change, to compare with. Raises BadInput."""
    return Scenario({}, Changed(read_file(path)))


def answered(
    asked: Sequence[Scenario], answer: Callable[[AskedQueue, int], dict[str, Any]], each: Each
) -> list[dict[str, Any]]:
    """The answers to all; a queue that is the same in several is answered once. `answer` is told how many there are."""
    different = {_question(queue): queue for scenario in asked for queue in scenario.file.queues}
    rows = each(list(different.values()), lambda queue: answer(queue, len(different)))
    known = dict(zip(different, rows, strict=True))
    return [
        {"set": dict(one.changed), "queues": [_row(one, q, known[_question(q)]) for q in one.file.queues]}
        for one in asked
    ]


def _question(queue: AskedQueue) -> str:
    return repr((queue.name, queue.question, queue.objective))


def _row(scenario: Scenario, queue: AskedQueue, row: dict[str, Any]) -> dict[str, Any]:
    """With what is told beside the prediction."""
    for facts in scenario.made.facts.get(queue.name, ()):
        row = {**row, **facts(row)}
    return row
