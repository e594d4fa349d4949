"""This file knows how a YAML text is read, in which line of it a value stands, and how to say what is wrong with it."""

from collections.abc import Iterable, Iterator
from typing import Any

import yaml


class TwiceError(yaml.YAMLError):
    """A mapping gives a key twice; YAML's own readers would silently take the last."""

    def __init__(self, key: str, line: int) -> None:
        super().__init__(f"{key} is given twice")
        self.key, self.line = key, line


def read(text: str | bytes, loader: Any = yaml.SafeLoader) -> tuple[Any, yaml.Node | None]:
    """The plain values of a text, and its nodes; None for an empty one. Raises YAMLError, also TwiceError."""
    reader = loader(text)
    try:
        node = reader.get_single_node()
        # Before values are made of the nodes: that writes what is merged into them.
        for key in _twice(node):
            raise TwiceError(str(key.value), key.start_mark.line + 1)
        return None if node is None else reader.construct_document(node), node
    finally:
        reader.dispose()


def _twice(node: yaml.Node | None) -> Iterator[yaml.Node]:
    waiting, known = [node], set()
    while waiting:
        node = waiting.pop()
        if node is None or id(node) in known:  # an alias names a node again, even one that holds it
            continue
        known.add(id(node))
        if isinstance(node, yaml.MappingNode):
            yield from _twice_in(node)
            waiting += [value for _, value in reversed(node.value)]
        if isinstance(node, yaml.SequenceNode):
            waiting += reversed(node.value)


def _twice_in(node: yaml.MappingNode) -> Iterator[yaml.Node]:
    seen = set()
    for key, _ in node.value:
        if isinstance(key, yaml.ScalarNode):
            if key.value in seen:
                yield key
            seen.add(key.value)


def line_of(node: yaml.Node | None, location: Iterable[int | str]) -> int | None:
    """The line of what stands at a path of keys and places; that of its nearest parent when it is missing."""
    line = None
    for part in location:
        found = _child(node, part)
        if found is None:
            break
        line, node = found
    return line


def _child(node: yaml.Node | None, part: int | str) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(part):
                return key.start_mark.line + 1, value
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        value = node.value[part]
        return value.start_mark.line + 1, value
    return None


def mark(error: yaml.YAMLError) -> str:
    """`:LINE` where the parser stopped, or nothing."""
    found = getattr(error, "problem_mark", None)
    return f":{found.line + 1}" if found else ""


def problem(error: yaml.YAMLError) -> str:
    """What the parser says, in one line."""
    return " ".join(str(getattr(error, "problem", None) or error).split())
