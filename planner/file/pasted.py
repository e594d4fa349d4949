"""Knows how literals stand that were pasted as they are in a Node application, without YAML's brackets around them.

`{ name: "email", concurrency: 5 }, { name: "reports" }` is a list there, and `minConnections: 5, maxConnections: 25` a
pool. Lines stay where they are.
"""

import re
from itertools import groupby

_LITERAL = r"\{(?:[^{}]|\{[^{}]*\})*\}"
_LITERALS = re.compile(rf"\s*{_LITERAL}(?:\s*,\s*{_LITERAL})*\s*,?\s*")
_FIELD = r"[\w-]+: [^\s,{}\[\]#]+"
_FIELDS = re.compile(rf"(\s*)({_FIELD}(?:,\s*{_FIELD})+),?\s*")
_ENDED = re.compile(rf"(\s*{_FIELD}),\s*")


def bracketed(text: str) -> str:
    """`text`, which is no YAML, with brackets around literals that follow each other, and around fields in one line."""
    lines: list[str] = []
    for literals, group in groupby(text.splitlines(), lambda line: bool(_LITERALS.fullmatch(line))):
        those = list(group)
        lines += _listed(those) if literals else map(_mapped, those)
    return "\n".join(lines) + "\n"


def _listed(lines: list[str]) -> list[str]:
    """Lines of literals as one list, further in than they were, as a list below a key must be."""
    indent = lines[0][: len(lines[0]) - len(lines[0].lstrip())] + "  "
    bare = [f"{indent}{line.strip().removesuffix(',')}," for line in lines]
    bare[0] = bare[0].replace("{", "[{", 1)
    bare[-1] += "]"
    return bare


def _mapped(line: str) -> str:
    """A line of fields as a mapping; one of a single field without its comma."""
    if fields := _FIELDS.fullmatch(line):
        return f"{fields[1]}  {{{fields[2]}}}"
    ended = _ENDED.fullmatch(line)
    return ended[1] if ended else line
