"""Knows how the first field of a file that is wrong is told: its path, its value and the rule, in one line."""

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from exporter import wrong_values
from exporter.spelling import close_to, keys_at

# Steps of pydantic's own that are no words of the file; the tags of its unions come on top.
_NOT_WRITTEN = {"a law", "a time", "[key]"}
_EXAMPLES = {"law": "{law: exponential, mean: 800ms}", "process": "{process: poisson, per_second: 2}"}


def first_mistake(problem: ValidationError, where: str, kind: type[BaseModel]) -> str:
    """`where` is the path put before it."""
    mistakes = problem.errors(include_url=False)
    first = mistakes[0]
    if first["type"] == "missing":  # it may stand there, misspelt
        first = next((one for one in mistakes if one["type"] == "extra_forbidden"), first)
    path, not_written = where, _NOT_WRITTEN | _tags(kind)
    for step in first["loc"]:
        if isinstance(step, int):
            path = f"{path}[{step}]"
        elif step not in not_written:
            path = below(path, step)
    found = "" if isinstance(first["input"], dict | list) else f"{first['input']!r}: "
    if first["type"] == "extra_forbidden":
        *above, word = first["loc"]
        return f"{path}: {found}no such word{close_to(str(word), keys_at(kind, above))}"
    if first["type"] == "union_tag_invalid":
        return _unknown_tag(path, first)
    return f"{path}: {found}{_rule(first)}"


def below(where: str, field: str) -> str:
    """The path of a field."""
    return f"{where}.{field}" if where else field


def _tags(kind: type[BaseModel]) -> set[str]:
    """What tells the members of a union apart, as `lognormal` does laws."""
    definitions = kind.model_json_schema().get("$defs", {}).values()
    words = [words for one in definitions for words in one.get("properties", {}).items()]
    return {value["const"] for word, value in words if word in _EXAMPLES and "const" in value}


def _unknown_tag(path: str, error: ErrorDetails) -> str:
    word, known = error["ctx"]["discriminator"].strip("'"), _listed(error)
    tag = error["ctx"]["tag"]
    rule = close_to(tag, known) or f"; there are {', '.join(known)}"
    return f"{path}.{word}: {tag!r}: no such {word}{rule}"


def _listed(error: ErrorDetails) -> list[str]:
    return [one.strip(" '") for one in error["ctx"]["expected_tags"].split(",")]


def _rule(error: ErrorDetails) -> str:
    if error["type"] == "union_tag_not_found":
        word = error["ctx"]["discriminator"].strip("'")
        return f"does not say its {word}; write such as {_EXAMPLES[word]}"
    return wrong_values.rule(error)
