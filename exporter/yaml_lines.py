"""This file knows in which line of a YAML text a value stands, and how to say what is wrong with the text itself."""

from collections.abc import Iterable

import yaml


def tree(text: str) -> yaml.Node | None:
    """The nodes of a text, which know their lines; None for an empty one. Raises YAMLError."""
    found: yaml.Node | None = yaml.compose(text, Loader=yaml.SafeLoader) if text else None
    return found


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
