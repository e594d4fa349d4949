"""Knows how a field of a file is set from outside: `email.concurrency=5`, several values of it, a whole law."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from planner.errors import BadInput
from planner.file.document import parsed
from planner.file.queue_file import FileWords

MOST_SCENARIOS = 1000
# A range is not even written out beyond this.
MOST_VALUES = 10_000


@dataclass(frozen=True, slots=True)
class Setting:
    """A field (`email.concurrency`, `pool.maxConnections`) and the values to try."""

    path: str
    values: tuple[Any, ...]


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


def is_of_file(field: str) -> bool:
    """Whether the field is of the whole file and of no queue."""
    return field.partition(".")[0] in FileWords.model_fields


def put(document: Any, field: str, value: Any, begin: bool = False) -> None:
    """Set `field`: the first step is a queue's name, or a word of the file; further ones go down. A queue that is not
    there begins where `begin`. Raises BadInput.
    """
    first, *rest = field.split(".")
    queues = document if isinstance(document, list) else document["queues"]
    target = next((queue for queue in queues if queue["name"] == first), None)
    if target is not None or (begin and first not in FileWords.model_fields):
        if not rest:
            raise BadInput(f"--set {field}: say which field of the queue, such as {field}.concurrency")
        if target is None:
            queues.append(target := {"name": first})
    elif isinstance(document, list) or first not in FileWords.model_fields:
        raise BadInput(f"--set {field}: no queue {first!r}; there are {', '.join(q['name'] for q in queues)}")
    else:
        target, rest = document, [first, *rest]
    if first == "pool" and len(rest) == 2:
        _refuse_no_pool(document, field, rest[1])
    _put_below(target, rest, field, value)


def _put_below(target: dict[str, Any], steps: Sequence[str], field: str, value: Any) -> None:
    for step in steps[:-1]:
        target = target.setdefault(step, {})
        if not isinstance(target, dict):
            raise BadInput(f"--set {field}: {step} has no fields")
    target[steps[-1]] = value


def _refuse_no_pool(document: Any, field: str, word: str) -> None:
    """`pool.maxConnections` of a file whose pools have names says of none of them what it wants."""
    pools = document.get("pool") or {}
    if pools and word not in pools and all(isinstance(pool, dict) for pool in pools.values()):
        named = f"pool.{next(iter(pools))}.{word}"
        raise BadInput(f"--set {field}: the pools are {', '.join(pools)}; name one, such as {named}")
