"""Knows what-if questions: values put into a file of queues, changes made to it, every combination answered."""

import copy
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import yaml

from planner.errors import BadInput
from planner.file.document import parsed
from planner.file.queue_file import AskedFile, AskedQueue, FileWords, read_document, read_file
from planner.whatif.changes import Changed, multiplied, times

__all__ = ["Axis", "Scenario", "Setting", "answered", "multiplied", "read_setting", "scenarios", "times"]

MOST_SCENARIOS = 1000
# A range is not even written out beyond this.
MOST_VALUES = 10_000


@dataclass(frozen=True, slots=True)
class Setting:
    """A field (`email.concurrency`, `pool.maxConnections`) and the values to try."""

    path: str
    values: tuple[Any, ...]


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


def read_setting(text: str) -> Setting:
    """`email.concurrency=5..50`, `5..50:5` (steps of 5), `1,2,3` or `{law: exponential, mean: 2s}`. Raises BadInput."""
    path, equals, written = text.partition("=")
    if not equals or not path or not written:
        raise BadInput(f"--set {text}: write FIELD=VALUES, such as email.concurrency=5..50")
    return Setting(path, read_values(f"--set {text}", written))


def read_values(where: str, written: str) -> tuple[Any, ...]:
    """The values of `5..50`, `5..50:5`, `1,2,3` or one mapping or list. Raises BadInput."""
    if written.startswith(("{", "[")):
        return (parsed(where, written),)
    found: list[Any] = []
    for part in written.split(","):
        found += _range(where, part) if ".." in part else [_plain(where, part)]
    return tuple(found)


def _plain(where: str, part: str) -> Any:
    try:
        return yaml.safe_load(part)
    except yaml.YAMLError:
        raise BadInput(
            f"{where}: {part!r} is no value; write 5..50, 5..50:5, 1,2,3 or {{field: value}}"
        ) from None


def _range(where: str, part: str) -> list[int]:
    ends, _, step = part.partition(":")
    low, _, high = ends.partition("..")
    try:
        wanted = range(int(low), int(high) + 1, int(step or 1))
    except ValueError:
        wanted = range(0)
    if not wanted:
        raise BadInput(f"{where}: {part!r} is no range; write 5..50 or 5..50:5")
    if len(wanted) > MOST_VALUES:
        raise BadInput(
            f"{where}: {len(wanted)} values; at most {MOST_SCENARIOS} are tried, take larger steps"
        )
    return list(wanted)


def scenarios(path: Path, settings: Sequence[Setting], axes: Sequence[Axis]) -> list[Scenario]:
    """Every combination of values, in the order given. Raises BadInput for a file or a value that can't be."""
    every = [*(axis.values for axis in axes), *(setting.values for setting in settings)]
    count = math.prod(len(values) for values in every)
    if count > MOST_SCENARIOS:
        raise BadInput(f"{count} combinations; at most {MOST_SCENARIOS} are tried, take larger steps")
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: {getattr(error, 'strerror', None) or error}") from None
    document = parsed(str(path), text)
    read_document(str(path), text, document)
    found = []
    for chosen in product(*every):
        put = {s.path: value for s, value in zip(settings, chosen[len(axes) :], strict=True)}
        made = Changed(_with(path, text, document, put))
        for axis, value in zip(axes, chosen, strict=False):
            made = axis.apply(made, value)
        told = {axis.name: value for axis, value in zip(axes, chosen, strict=False)}
        found.append(Scenario({**put, **told}, made))
    return found


def _with(path: Path, text: str, document: Any, changed: Mapping[str, Any]) -> AskedFile:
    fresh = copy.deepcopy(document)
    for field, value in changed.items():
        _put(fresh, field, value)
    told = " ".join(f"--set {field}={value}" for field, value in changed.items())
    return read_document(f"{path} with {told}" if told else str(path), text, fresh)


def _put(document: Any, field: str, value: Any) -> None:
    """Set `field`: the first step is a queue's name, or a word of the file; further ones go down."""
    first, *rest = field.split(".")
    queues = document if isinstance(document, list) else document["queues"]
    target = next((queue for queue in queues if queue["name"] == first), None)
    if target is None:
        if isinstance(document, list) or first not in FileWords.model_fields:
            raise BadInput(
                f"--set {field}: no queue {first!r}; there are {', '.join(q['name'] for q in queues)}"
            )
        target, rest = document, [first, *rest]
    elif not rest:
        raise BadInput(f"--set {field}: say which field of the queue, such as {field}.concurrency")
    if first == "pool" and len(rest) == 2:
        _refuse_no_pool(document, field, rest[1])
    for step in rest[:-1]:
        target = target.setdefault(step, {})
        if not isinstance(target, dict):
            raise BadInput(f"--set {field}: {step} has no fields")
    target[rest[-1]] = value


def _refuse_no_pool(document: Any, field: str, word: str) -> None:
    """`pool.maxConnections` of a file whose pools have names says of none of them what it wants."""
    pools = document.get("pool") or {}
    if pools and word not in pools and all(isinstance(pool, dict) for pool in pools.values()):
        named = f"pool.{next(iter(pools))}.{word}"
        raise BadInput(f"--set {field}: the pools are {', '.join(pools)}; name one, such as {named}")


def as_it_is(path: Path) -> Scenario:
    """The file without any change, to compare with. Raises BadInput."""
    return Scenario({}, Changed(read_file(path)))


def answered(
    asked: Sequence[Scenario], answer: Callable[[AskedQueue], dict[str, Any]]
) -> list[dict[str, Any]]:
    """The answers to all; a queue that is the same in several is answered once."""
    known: dict[str, dict[str, Any]] = {}
    found = []
    for scenario in asked:
        rows = []
        for queue in scenario.file.queues:
            key = repr((queue.name, queue.question, queue.objective))
            if key not in known:
                known[key] = answer(queue)
            row = known[key]
            for facts in scenario.made.facts.get(queue.name, ()):
                row = {**row, **facts(row)}
            rows.append(row)
        found.append({"set": dict(scenario.changed), "queues": rows})
    return found
