"""This file knows how the planner's words for arrivals and services are made faster or longer, shape unchanged.

It is done to words and not to values, so that what is shown can be written down again as the planner's file.
"""

from collections.abc import Mapping
from typing import Any

from planner.file.durations import seconds

_TIMES = {"mean", "median", "value", "scale", "low", "high", "means", "values"}
_RATES = {"per_second", "mean_per_second", "batches_per_second"}
_INNER = {"laws", "components", "parts", "io", "cpu"}

Words = dict[str, Any]


def longer(law: Mapping[str, Any], factor: float) -> Words:
    """A law of durations with each of them `factor` times as long."""
    return {word: _longer(word, value, factor) for word, value in law.items()}


def _longer(word: str, value: Any, factor: float) -> Any:
    if isinstance(value, list):
        return [_longer(word, one, factor) for one in value]
    if word in _INNER:
        return longer(value, factor)
    return seconds(value) * factor if word in _TIMES else value


def faster(arrivals: Mapping[str, Any], factor: float) -> Words:
    """Arrivals with `factor` times as many a second."""
    return {word: _faster(word, value, factor) for word, value in arrivals.items()}


def _faster(word: str, value: Any, factor: float) -> Any:
    if word == "interval":
        return longer(value, 1.0 / factor)
    if word not in _RATES:
        return value
    return [one * factor for one in value] if isinstance(value, list) else value * factor
