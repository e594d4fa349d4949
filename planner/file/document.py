"""Knows how the text of a file of queues becomes plain values, and on which line of it a field stands."""

import re
from collections.abc import Callable
from typing import Any, TypeVar

import yaml

from exporter.yaml_lines import TwiceError, mark, problem, read
from planner.errors import BadInput
from planner.file.bounds import quoted
from planner.file.pasted import bracketed

Read = TypeVar("Read")


def parsed(path: str, text: str) -> Any:
    """The YAML of `text` as plain values. Raises BadInput."""
    try:
        return _as_yaml(text, _loaded)
    except TwiceError as error:
        raise BadInput(f"{path}:{error.line}: {error.key}: stands twice in one place; keep one") from None
    except yaml.YAMLError as error:
        raise BadInput(f"{path}{mark(error)}: not YAML: {problem(error)}") from None


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


def _loaded(text: str) -> Any:
    """libyaml, where it is there, reads six times as fast; what is wrong PyYAML's own reader tells better."""
    try:
        return read(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))[0]
    except yaml.YAMLError:
        return read(text)[0]


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
