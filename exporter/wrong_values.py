"""This file knows how to tell the rule that a value breaks in people's words, where pydantic has a programmer's."""

import re

from pydantic_core import ErrorDetails

_WORDS = {
    "invalid_key": "a key must be a word; put it into quotes if it is meant",
    "dict_type": "must be a mapping of keys to values",
    "model_type": "must be a mapping of keys to values",
    "model_attributes_type": "must be a mapping of keys to values",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "string_type": "must be text; put it into quotes if it is meant",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "missing": "is missing",
}


def rule(problem: ErrorDetails) -> str:
    """What one of `ValidationError.errors()` asks for, to stand behind the key and the value."""
    said = re.sub(r"^\w+ should ", "must ", problem["msg"].removeprefix("Value error, "))
    return _WORDS.get(problem["type"], said.replace(" after validation", ""))
