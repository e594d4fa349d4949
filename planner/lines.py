"""Knows on which line of a YAML text a field stands."""

import re

import yaml


def line_of(text: str, message: str) -> str:
    """`:LINE` of the field that a message begins with (`queues[1].name: …`), or of its nearest parent, or nothing."""
    node = yaml.compose(text, Loader=yaml.SafeLoader)
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
