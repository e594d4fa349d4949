"""Knows how a Prometheus is asked for what it has stored: ranges of a query, in equal steps."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from planner.errors import BadInput
from planner.file.durations import seconds
from planner.laws.named import Vector
from planner.stored.growth import Growth, milliseconds
from planner.stored.http import Address

# Prometheus refuses a query of more than 11,000 points a series, and a long range is not to outlast the time limit.
POINTS, LONGEST_SECONDS = 10_000, 7 * 86400.0


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """Values of one series at the steps of a range, NaN where there is none."""

    labels: Mapping[str, str]
    values: Vector


@dataclass(frozen=True, slots=True)
class Range:
    """The moments begin + step, begin + 2·step, … up to the end, in epoch seconds."""

    begin: float
    end: float
    step: float

    @property
    def moments(self) -> int:
        return max(0, math.floor((self.end - self.begin) / self.step + 1e-9))


@dataclass(frozen=True, slots=True)
class Prometheus:
    """A server, and the labels that select the exporter's series."""

    address: Address
    selector: str

    def select(self, name: str, *more: str) -> str:
        """A selector of a metric, such as `queue_size{job="bullgauge",state="active"}`."""
        return f"{name}{{{','.join(part for part in (self.selector, *more) if part)}}}"

    def growth(self, name: str, window_seconds: float, scrape_seconds: float, *more: str) -> Growth:
        """How much a counter grew in each window."""
        return Growth(self.select(name, *more), window_seconds, scrape_seconds)

    def gauge(self, name: str, *more: str) -> str:
        return f"max without (instance, pod) ({self.select(name, *more)})"

    def range(self, query: str, over: Range) -> list[Series]:
        """Each series of the query at the moments of the range. Raises BadInput."""
        found: dict[frozenset[tuple[str, str]], Vector] = {}
        most = max(1, min(POINTS, int(LONGEST_SECONDS / over.step)))
        for first in range(0, over.moments, most):
            count = min(most, over.moments - first)
            begin = over.begin + (first + 1) * over.step
            fields = {"query": query, "step": f"{over.step:g}", "start": f"{begin:.3f}"}
            fields["end"] = f"{begin + (count - 1) * over.step:.3f}"
            for result in self._ask("/api/v1/query_range", fields):
                labels = frozenset((k, v) for k, v in result["metric"].items() if k != "__name__")
                values = found.setdefault(labels, np.full(over.moments, np.nan))
                for at, value in result["values"]:
                    values[first + round((at - begin) / over.step)] = float(value)
        return [Series(dict(labels), values) for labels, values in found.items()]

    def sampled_at(self, selector: str, window_seconds: float, moment: float) -> list[list[float]]:
        """When each series was sampled in the window before a moment. Raises BadInput."""
        query = f"{selector}[{milliseconds(window_seconds)}]"
        results = self._ask("/api/v1/query", {"query": query, "time": f"{moment:.3f}"})
        return [[float(at) for at, _ in result["values"]] for result in results]

    def _ask(self, path: str, fields: dict[str, str]) -> list[Any]:
        # Thanos and VictoriaMetrics would else answer with a part where a store is away; others don't know the words.
        body = self.address.ask(path, {**fields, "partial_response": "false", "deny_partial_response": "1"})
        try:
            results = json.loads(body)["data"]["result"]
        except (ValueError, KeyError, TypeError):
            raise BadInput(f"{self.address.shown}{path}: the answer is not that of a Prometheus") from None
        return list(results)


def moment(option: str, text: str, now: datetime) -> float:
    """Epoch seconds of `now`, `now-7d`, epoch seconds, or a time such as `2025-11-03T08:00Z`. Raises BadInput."""
    try:
        if text == "now":
            return now.timestamp()
        if text.startswith("now-"):
            return (now - timedelta(seconds=seconds(text.removeprefix("now-")))).timestamp()
        if text.replace(".", "", 1).isdecimal():
            return float(text)
        read = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise BadInput(f"{option} {text}: no time; write now-7d or 2025-11-03T08:00Z") from None
    return (read if read.tzinfo is not None else read.replace(tzinfo=UTC)).timestamp()
