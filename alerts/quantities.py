"""This file reads amounts as people write them (`750ms`, `<8000 jobs/hour`, `>85%`) and shows them."""

import math
import re
from dataclasses import dataclass
from enum import StrEnum


class Unit(StrEnum):
    """What a signal is measured in; values are in seconds, jobs per hour, ratios 0–1, jobs."""

    SECONDS = "a time such as 750ms, 1.5s, 10m or 2h"
    JOBS_PER_HOUR = "a rate such as 8000 jobs/hour"
    RATIO = "a percentage such as 85%"
    JOBS = "a number of jobs such as 1000 jobs"


class QuantityError(ValueError):
    """An amount that can't be read; the text says which rule it breaks."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """An amount as written: `sign` is `<`, `>` or empty."""

    sign: str
    value: float
    unit: Unit


_SECONDS = {
    "ms": 0.001,
    "s": 1.0,
    "sec": 1.0,
    "m": 60.0,
    "min": 60.0,
    "h": 3600.0,
    "d": 86400.0,
    "w": 604800.0,
}
_PER_HOUR = {"hour": 1.0, "h": 1.0, "minute": 60.0, "min": 60.0, "second": 3600.0, "s": 3600.0}
_FORM = re.compile(
    r"\s*(?P<sign>[<>]?)\s*"
    r"(?P<number>\d+(?:[ _,]\d{3})*(?:\.\d+)?|\.\d+)\s*"
    r"(?P<unit>[a-zA-Z%][a-zA-Z/ ]*)?\s*"
)


def parse(text: str, unit: Unit) -> Quantity:
    """Read an amount of the given unit. Raises QuantityError."""
    found = _FORM.fullmatch(text)
    if found is None:
        raise QuantityError(f"is not {unit}")
    number = float(re.sub(r"[ _,]", "", found["number"]))
    factor = _factor((found["unit"] or "").strip(), unit)
    if factor is None:
        raise QuantityError(f"must be {unit}")
    value = round(number * factor, 9)
    if unit is Unit.RATIO and value > 1:
        raise QuantityError("is more than 100%")
    if not math.isfinite(value):
        raise QuantityError("is not finite")
    return Quantity(found["sign"], value, unit)


def _factor(word: str, unit: Unit) -> float | None:
    if unit is Unit.SECONDS:
        return _SECONDS.get(word)
    if unit is Unit.RATIO:
        return 0.01 if word == "%" else None
    if unit is Unit.JOBS:
        return 1.0 if word in ("", "jobs", "job") else None
    jobs, _, per = word.replace(" ", "").partition("/")
    return _PER_HOUR.get(per) if jobs in ("jobs", "job") else None


def show(value: float, unit: Unit) -> str:
    """An amount as people write it: `750 ms`, `8000 jobs/hour`, `85 %`."""
    if unit is Unit.SECONDS:
        return show_seconds(value)
    if unit is Unit.RATIO:
        return f"{_plain(value * 100)} %"
    return f"{_plain(value)} {'jobs' if unit is Unit.JOBS else 'jobs/hour'}"


def show_seconds(seconds: float) -> str:
    """`750 ms`, `1.5 s`, `10 min`, `2 h`, `3 d`: the largest unit that leaves a plain number."""
    if seconds < 1:
        return f"{_plain(seconds * 1000)} ms"
    for size, name in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size and seconds % size == 0:
            return f"{_plain(seconds / size)} {name}"
    return f"{_plain(seconds)} s"


def _plain(number: float) -> str:
    return f"{round(number, 6):f}".rstrip("0").rstrip(".")
