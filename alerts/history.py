"""This file knows how to ask a Prometheus for what it has stored, and when."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from alerts.quantities import QuantityError, Unit, parse
from planner.errors import BadInput
from planner.stored import http as history_http
from planner.stored.http import Address

SECONDS = 60
RANGE = "/api/v1/query_range"
POINTS = 10_000
"""Prometheus refuses a query of more than 11,000 points a series."""


class HistoryError(ValueError):
    """Prometheus can't be asked, or the time can't be read; the text is one line."""


Series = dict[str, dict[int, float]]
"""The samples of each series by its notation; the key is the number of the step."""


def fetch(server: str | Address, selectors: Iterable[str], start: float, end: float, step: float) -> Series:
    """All samples of these selectors, one a step. Raises HistoryError."""
    asked = server if isinstance(server, Address) else _address(server)
    found: Series = {}
    for selector in selectors:
        begin = start
        while begin <= end:
            last = min(end, begin + step * POINTS)
            for result in _range(asked, selector, begin, last, step):
                samples = found.setdefault(_notation(result["metric"]), {})
                samples.update((round((at - start) / step), float(value)) for at, value in result["values"])
            begin = last + step
    return found


def _address(url: str) -> Address:
    try:
        return history_http.address("--prometheus", url, SECONDS)
    except BadInput as error:
        raise HistoryError(str(error)) from error


def _range(server: Address, selector: str, start: float, end: float, step: float) -> Any:
    fields = {"query": selector, "start": f"{start:.3f}", "end": f"{end:.3f}", "step": f"{step:g}"}
    try:
        answer = server.ask(RANGE, fields)
    except BadInput as error:
        raise HistoryError(str(error)) from error
    try:
        return json.loads(answer)["data"]["result"]
    except (ValueError, KeyError, TypeError) as error:
        raise HistoryError(f"{server.shown}{RANGE}: the answer is none of Prometheus") from error


def _notation(labels: dict[str, str]) -> str:
    name = labels.get("__name__", "")
    rest = ",".join(
        f"{k}={json.dumps(v, ensure_ascii=False)}" for k, v in sorted(labels.items()) if k != "__name__"
    )
    return f"{name}{{{rest}}}"


def moment(text: str, now: datetime) -> datetime:
    """`now`, `now-7d` or a time such as `2025-11-03T08:00Z`. Raises HistoryError."""
    if text.startswith("now"):
        return now - timedelta(seconds=_ago(text.removeprefix("now"), text))
    try:
        read = datetime.fromisoformat(text)
    except ValueError as error:
        raise HistoryError(f"{text}: must be a time such as 2025-11-03T08:00 or now-7d") from error
    return read if read.tzinfo is not None else read.replace(tzinfo=UTC)


def _ago(rest: str, text: str) -> float:
    if not rest:
        return 0.0
    try:
        if rest.startswith("-"):
            return parse(rest[1:], Unit.SECONDS).value
    except QuantityError:
        pass
    raise HistoryError(f"{text}: must be a time such as 2025-11-03T08:00 or now-7d")
