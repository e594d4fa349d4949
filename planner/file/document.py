"""Knows how the text of a file of queues becomes plain values, and on which line of it a field stands."""

import re
from collections.abc import Callable
from typing import Any, TypeVar

import yaml

from planner.errors import BadInput
from planner.file.bounds import quoted
from planner.file.pasted import bracketed

Read = TypeVar("Read")


def parsed(path: str, text: str) -> Any:
    """The YAML of `text` as plain values. Raises BadInput."""
    try:
        return _as_yaml(text, _loaded)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else path
        what = "" if isinstance(error, _TwiceError) else "not YAML: "
        raise BadInput(f"{where}: {what}{getattr(error, 'problem', error)}") from None


def _as_yaml(text: str, read: Callable[[str], Read]) -> Read:
    """`text` with its bounds quoted, and only if that is no YAML, with brackets around literals."""
    plain = quoted(text)
    try:
        return read(plain)
    except yaml.YAMLError as error:
        try:
            return read(bracketed(plain))
        except yaml.YAMLError:
            raise error from None


class _TwiceError(yaml.MarkedYAMLError):
    """YAML's own readers would take the last one and say nothing."""


class _Once:
    """A reader whose words stand once in each place."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise _TwiceError(
                    problem=f"{key.value}: stands twice in one place; keep one", problem_mark=key.start_mark
                )
            seen.add(str(key.value))
        found: dict[Any, Any] = super().construct_mapping(node, deep)  # type: ignore[misc]  # the readers have it
        return found


class _Plain(_Once, yaml.SafeLoader):
    """What is wrong it tells better."""


class _Quick(_Once, getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """libyaml, where it is there, is six times as fast."""


def _loaded(text: str) -> Any:
    try:
        return yaml.load(text, _Quick)
    except yaml.YAMLError:
        return yaml.load(text, _Plain)


def _composed(text: str) -> yaml.Node | None:
    node: yaml.Node | None = yaml.compose(text, Loader=yaml.SafeLoader)
    return node


def line_of(text: str, message: str) -> str:
    """`:LINE` of the field that a message begins with (`queues[1].name: …`), or of its nearest parent, or nothing."""
    node = _as_yaml(text, _composed)
    line = None
    for step in re.findall(r"[\w-]+", message.partition(": ")[0]):
        found = _below(node, step)
        if found is None:
            break
        line, node = found[0].start_mark.line + 1, found[1]
    return f":{line}" if line else ""


def _below(node: yaml.Node | None, step: str) -> tuple[yaml.Node, yaml.Node] | None:
    """Where the entry `step` of a node begins, and its value."""
    if isinstance(node, yaml.MappingNode):
        return next(((key, value) for key, value in node.value if key.value == step), None)
    if isinstance(node, yaml.SequenceNode) and step.isdigit() and int(step) < len(node.value):
        return node.value[int(step)], node.value[int(step)]
    return None
