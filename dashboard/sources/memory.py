"""This file knows a bounded history of an exporter's pages, and how gauges and increases are read from it."""

import bisect
import re
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
from prometheus_client.parser import text_string_to_metric_families

from dashboard.sources.source import Span, Where
from exporter.catalogue import METRICS, Metric

FINE_SECONDS = 900.0
"""Younger looks are kept as they come, of older ones the last of each minute; fewer where there is no room."""
COARSE_SECONDS = 60.0
LONGEST_SECONDS = 7 * 86_400.0
MOST_CELLS = 8_000_000
"""64 MB of numbers. Half of it is for the younger looks; when it is full, the older ones lie twice as far apart."""
FEWEST_LOOKS = 4
LOOKS_MISSED = 2.5
"""How many distances a value holds among the younger looks. A look that failed ends a gauge at once."""
SLACK_SECONDS = 5.0
"""How much longer than their distance it holds among the older ones."""

JOINS = {"sum": (0.0, np.add), "min": (np.inf, np.minimum), "max": (-np.inf, np.maximum)}
_NAME = re.compile(r"[^{ ]+")
_OURS = {metric.name + part for metric in METRICS for part in ("", "_bucket", "_sum", "_count")}


class History:
    """Looks at one exporter's page, oldest first; each is a moment and the values of all series known by then."""

    def __init__(self, every_seconds: float, most_cells: int = MOST_CELLS) -> None:
        self._every_seconds = every_seconds
        self._coarse_seconds = COARSE_SECONDS
        self._most_cells = most_cells
        self._lock = threading.Lock()
        self._places: dict[str, int] = {}
        self._labels: list[dict[str, str]] = []
        self._of_name: defaultdict[str, list[int]] = defaultdict(list)
        self._moments: list[float] = []
        self._values: list[np.ndarray] = []

    def add(self, moment_seconds: float, text: str) -> None:
        """A page that was read; an empty text is a look that failed."""
        with self._lock:
            pairs = [
                (place, value) for key, value in _samples(text) if (place := self._place(key)) is not None
            ]
            row = np.full(len(self._labels), np.nan)
            for place, value in pairs:
                row[place] = value
            # A clock that was set back: what lies after it has not been yet.
            while self._moments and self._moments[-1] >= moment_seconds:
                self._drop(-1)
            self._moments.append(moment_seconds)
            self._values.append(row)
            self._prune(moment_seconds)

    @property
    def last_seconds(self) -> float | None:
        """When it looked last, with or without success."""
        return self._moments[-1] if self._moments else None

    @property
    def moments(self) -> list[float]:
        """When it looked, oldest first."""
        return list(self._moments)

    def last(self, metric: Metric) -> list[float]:
        """The values of a metric in the newest look that has any."""
        with self._lock:
            for row in reversed(self._values):
                found = [float(row[place]) for place in self._of_name[metric.name] if place < len(row)]
                known = [value for value in found if not np.isnan(value)]
                if known:
                    return known
        return []

    def gauge(self, name: str, where: Where, span: Span) -> tuple[list[Mapping[str, str]], np.ndarray]:
        """Labels of the series, and their last values in each step, one column a series."""
        with self._lock:
            places = self._matching(name, where)
            matrix, moments = self._matrix(places, span)
        looks = _looks_at(moments, span, self._lookback(span))
        padded = np.vstack([matrix, np.full((1, matrix.shape[1]), np.nan)])
        return [self._labels[place] for place in places], padded[looks]

    def increase(self, name: str, where: Where, span: Span) -> tuple[list[Mapping[str, str]], np.ndarray]:
        """Labels of the series, and how much each grew in each step since the history began."""
        with self._lock:
            places = self._matching(name, where)
            matrix, moments = self._matrix(places, span)
        return [self._labels[place] for place in places], _grown(matrix, moments, span, self._lookback(span))

    def _lookback(self, span: Span) -> np.ndarray:
        """How long a value holds at the end of each step."""
        young = _ends(span) > (self._moments[-1] if self._moments else 0.0) - FINE_SECONDS
        least = np.where(young, LOOKS_MISSED * self._fine_seconds, self._coarse_seconds + SLACK_SECONDS)
        return np.asarray(np.maximum(least, span.step_seconds))

    @property
    def _room(self) -> int:
        """How many looks there is room for."""
        return max(FEWEST_LOOKS, self._most_cells // max(1, len(self._labels)))

    @property
    def _fine_seconds(self) -> float:
        """How far the younger looks are apart."""
        return max(self._every_seconds, 2 * FINE_SECONDS / self._room)

    def _place(self, key: str) -> int | None:
        """The column of a series; None for one that is not in the catalogue."""
        if key not in self._places:
            name = _NAME.match(key)
            if name is None or name[0] not in _OURS:
                return None
            labels = next(iter(text_string_to_metric_families(f"{key} 0\n"))).samples[0].labels
            self._places[key] = len(self._labels)
            self._of_name[name[0]].append(len(self._labels))
            self._labels.append(labels)
        return self._places[key]

    def _matching(self, name: str, where: Where) -> list[int]:
        return [
            place
            for place in self._of_name[name]
            if all(_fits(self._labels[place].get(label), value) for label, value in where.items())
        ]

    def _matrix(self, places: Sequence[int], span: Span) -> tuple[np.ndarray, np.ndarray]:
        """Looks that the span needs, the last one before it included; looks are rows."""
        begin = max(
            0, bisect.bisect_right(self._moments, span.end_seconds - span.seconds - self._coarse_seconds) - 1
        )
        end = bisect.bisect_right(self._moments, span.end_seconds)
        matrix = np.full((end - begin, len(places)), np.nan)
        wanted = np.array(places, dtype=int)
        for line, row in enumerate(self._values[begin:end]):
            known = wanted < len(row)
            matrix[line, known] = row[wanted[known]]
        return matrix, np.array(self._moments[begin:end])

    def _prune(self, now_seconds: float) -> None:
        """Thin out what has just become old, and everything once there is no more room."""
        if self._fine_seconds > self._every_seconds and self._same(
            len(self._moments) - 1, self._fine_seconds
        ):
            self._drop(len(self._moments) - 2)
        old = bisect.bisect_right(self._moments, now_seconds - FINE_SECONDS)
        while old > 1 and self._same(old - 1, self._coarse_seconds):
            self._drop(old - 2)
            old -= 1
        while self._moments[0] < now_seconds - LONGEST_SECONDS:
            self._drop(0)
        while len(self._moments) > self._room and self._coarse_seconds < LONGEST_SECONDS:
            self._coarse_seconds *= 2
            self._thin_out(bisect.bisect_right(self._moments, now_seconds - FINE_SECONDS))

    def _same(self, place: int, slot_seconds: float) -> bool:
        """Whether a look and the one before it lie in the same stretch of so many seconds."""
        return place > 0 and self._moments[place] // slot_seconds == self._moments[place - 1] // slot_seconds

    def _thin_out(self, old: int) -> None:
        """Of the `old` first looks keep the last of each stretch."""
        for place in range(old - 1, 0, -1):
            if self._same(place, self._coarse_seconds):
                self._drop(place - 1)

    def _drop(self, place: int) -> None:
        del self._moments[place], self._values[place]


def _samples(text: str) -> Iterator[tuple[str, float]]:
    """Series as written and values; far quicker than a parser, which reads each series only once."""
    for line in text.splitlines():
        if line and line[0] != "#":
            key, _, value = line.rpartition(" ")
            yield key, float(value)


def _fits(value: str | None, wanted: str | tuple[str, ...]) -> bool:
    return value == wanted if isinstance(wanted, str) else value in wanted


def _ends(span: Span) -> np.ndarray:
    return np.asarray(span.end_seconds - span.step_seconds * np.arange(span.steps - 1, -1, -1))


def _looks_at(moments: np.ndarray, span: Span, lookback_seconds: np.ndarray) -> np.ndarray:
    """The number of the look that holds at the end of each step; -1 where there is none."""
    ends = _ends(span)
    looks = np.searchsorted(moments, ends, side="right") - 1
    if not len(moments):
        return looks
    too_old = moments[np.maximum(looks, 0)] <= ends - lookback_seconds
    return np.where(too_old | (looks < 0), -1, looks)


def _grown(matrix: np.ndarray, moments: np.ndarray, span: Span, lookback_seconds: np.ndarray) -> np.ndarray:
    total = _running_total(matrix)
    seen = ~np.isnan(matrix).all(axis=1) if matrix.size else np.zeros(len(moments), dtype=bool)
    padded = np.vstack([total, np.full((1, total.shape[1]), np.nan)])
    looks = _looks_at(moments[seen], span, lookback_seconds)
    numbers = np.append(np.flatnonzero(seen), len(moments))
    ends = padded[numbers[looks]]
    starts = _ends(span) - span.step_seconds
    before = np.maximum(np.searchsorted(moments[seen], starts, side="right") - 1, 0)
    return np.asarray(ends - padded[numbers[before]] if seen.any() else ends)


def _running_total(matrix: np.ndarray) -> np.ndarray:
    """What each counter has grown since the first look. One that falls began anew; one that appears began at 0."""
    if not matrix.size:
        return matrix
    filled = _filled_forward(matrix)
    steps = np.diff(np.nan_to_num(filled), axis=0)
    steps = np.where(steps < 0, np.nan_to_num(filled)[1:], steps)
    # Before the first look that shows anything there is nothing to compare with.
    first = int(np.argmax(~np.isnan(matrix).all(axis=1)))
    steps[:first] = 0.0
    total = np.vstack([np.zeros((1, matrix.shape[1])), np.cumsum(steps, axis=0)])
    total[:, np.isnan(filled[-1])] = np.nan
    return total


def _filled_forward(matrix: np.ndarray) -> np.ndarray:
    rows = np.where(np.isnan(matrix), 0, np.arange(len(matrix))[:, None])
    np.maximum.accumulate(rows, axis=0, out=rows)
    return np.take_along_axis(matrix, rows, axis=0)


def joined(
    labels: Iterable[Mapping[str, str]], values: np.ndarray, by: Sequence[str], how: str
) -> dict[tuple[str, ...], np.ndarray]:
    """Columns of the same label values as one: their sum, least or greatest; NaN only where all are."""
    groups: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
    for place, one in enumerate(labels):
        groups[tuple(one.get(label, "") for label in by)].append(place)
    with np.errstate(all="ignore"):
        return {
            key: column
            for key, places in groups.items()
            if not np.isnan(column := _one(values[:, places], how)).all()
        }


def _one(columns: np.ndarray, how: str) -> np.ndarray:
    if columns.shape[1] == 1:
        return np.asarray(columns[:, 0])
    unknown = np.isnan(columns).all(axis=1)
    neutral, join = JOINS[how]
    result = join.reduce(np.where(np.isnan(columns), neutral, columns), axis=1)
    return np.asarray(np.where(unknown, np.nan, result))
