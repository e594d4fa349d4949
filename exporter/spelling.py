"""This file knows which key or name somebody meant who misspelt it."""

import difflib
from collections.abc import Iterable, Sequence
from typing import Any, get_args

from pydantic import BaseModel


def close_to(name: str, known: Sequence[str]) -> str:
    """`; did you mean X?` where something known is spelt nearly so; else nothing."""
    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]}?" if close else ""


def keys_at(model: type[BaseModel], path: Iterable[int | str]) -> list[str]:
    """The keys that may stand at a path below a model; none where it holds no model."""
    found: type[BaseModel] | None = model
    for part in path:
        if isinstance(part, str) and found is not None and part in found.model_fields:
            found = _model_in(found.model_fields[part].annotation)
    return list(found.model_fields) if found is not None else []


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_in(part))), None)
