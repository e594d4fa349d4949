"""Knows what-if questions: values put into a file of queues, loads multiplied, every combination answered."""

import copy
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import yaml

from planner.errors import BadInput
from planner.queue_file import AskedFile, AskedQueue, FileWords, parsed, read_document
from planner.scaling import faster

MOST_SCENARIOS = 1000


@dataclass(frozen=True, slots=True)
class Setting:
    """A field (`email.concurrency`, `pool.maxConnections`) and the values to try."""

    path: str
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Scenario:
    """One combination; `changed` holds the value of each field, and `load` where it was multiplied."""

    changed: Mapping[str, Any]
    file: AskedFile


def read_setting(text: str) -> Setting:
    """`email.concurrency=5..50`, `5..50:5` (steps of 5), `1,2,3` or `{law: exponential, mean: 2s}`. Raises BadInput."""
    path, equals, written = text.partition("=")
    if not equals or not path or not written:
        raise BadInput(f"--set {text}: write FIELD=VALUES, such as email.concurrency=5..50")
    return Setting(path, _values(text, written))


def _values(text: str, written: str) -> tuple[Any, ...]:
    if written.startswith(("{", "[")):
        return (parsed(f"--set {text}", written),)
    found: list[Any] = []
    for part in written.split(","):
        found += _range(text, part) if ".." in part else [yaml.safe_load(part)]
    return tuple(found)


def _range(text: str, part: str) -> list[int]:
    ends, _, step = part.partition(":")
    low, _, high = ends.partition("..")
    try:
        found = list(range(int(low), int(high) + 1, int(step or 1)))
    except ValueError:
        found = []
    if not found:
        raise BadInput(f"--set {text}: {part!r} is no range; write 5..50 or 5..50:5")
    return found


def read_loads(text: str) -> tuple[float, ...]:
    """`1,2,0.5`: factors of every queue's load. Raises BadInput."""
    try:
        found = tuple(float(part) for part in text.split(","))
    except ValueError:
        found = ()
    if not found or not all(math.isfinite(factor) and factor > 0 for factor in found):
        raise BadInput(f"--load {text}: write factors above 0, such as 1,2,3")
    return found


def scenarios(path: Path, settings: Sequence[Setting], loads: Sequence[float]) -> list[Scenario]:
    """Every combination of values, in the order given. Raises BadInput for a file or a value that can't be."""
    count = math.prod(len(setting.values) for setting in settings) * len(loads)
    if count > MOST_SCENARIOS:
        raise BadInput(f"{count} combinations; at most {MOST_SCENARIOS} are tried, take larger steps")
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: {getattr(error, 'strerror', None) or error}") from None
    document = parsed(str(path), text)
    read_document(str(path), text, document)
    found = []
    for load, *chosen in product(loads, *(setting.values for setting in settings)):
        changed = {setting.path: value for setting, value in zip(settings, chosen, strict=True)}
        shown = {**changed, "load": load} if len(loads) > 1 or load != 1.0 else changed
        found.append(Scenario(shown, _changed(path, text, document, changed, load)))
    return found


def _changed(path: Path, text: str, document: Any, changed: Mapping[str, Any], load: float) -> AskedFile:
    fresh = copy.deepcopy(document)
    for field, value in changed.items():
        _put(fresh, field, value)
    told = " ".join(f"--set {field}={value}" for field, value in changed.items())
    return multiplied(read_document(f"{path} with {told}" if told else str(path), text, fresh), load)


def multiplied(file: AskedFile, load: float) -> AskedFile:
    """The file with `load` times the arrivals in every queue."""
    return replace(
        file,
        queues=tuple(times(queue, load) for queue in file.queues),
        today=tuple(times(queue, load) for queue in file.today),
    )


def times(queue: AskedQueue, load: float) -> AskedQueue:
    """The queue with `load` times the arrivals."""
    if load == 1.0:
        return queue
    workload = queue.question.workload
    more = replace(workload, arrivals=faster(workload.arrivals, load))
    return replace(queue, question=replace(queue.question, workload=more))


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
    for step in rest[:-1]:
        target = target.setdefault(step, {})
        if not isinstance(target, dict):
            raise BadInput(f"--set {field}: {step} has no fields")
    target[rest[-1]] = value


def answered(
    asked: Sequence[Scenario], answer: Callable[[AskedQueue], dict[str, Any]]
) -> list[dict[str, Any]]:
    """The answers to all; a queue that is the same in several is answered once."""
    known: dict[str, dict[str, Any]] = {}
    found = []
    for scenario in asked:
        rows = []
        for queue in scenario.file.queues:
            key = repr((queue.question, queue.objective))
            if key not in known:
                known[key] = answer(queue)
            rows.append(known[key])
        found.append({"set": dict(scenario.changed), "queues": rows})
    return found
