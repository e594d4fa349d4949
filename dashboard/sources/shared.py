"""This file knows how many viewers share one source: each question is asked once, and answered from then on."""

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence, Sized
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pandas as pd

from dashboard.sources.exporter import ExporterSource
from dashboard.sources.source import INCOMPLETE, Source, SourceError, Span, Where
from exporter.catalogue import Metric

MOST_CELLS = 8_000_000
"""64 MB of numbers."""
MOST_ANSWERS = 1_000
NEWEST = "newest"
FOR_GOOD = float("inf")
FRESH_SECONDS = 5.0
"""How long the age of the data, an error, or an answer without or with too few figures is good for.

Other figures stay, since a span ends in the past; but a server that has just come back, or lacks a part of its storage,
has more to tell a moment later.
"""
DOUBT_SECONDS = 60.0
"""How long it is said that figures may be missing: longer than a screen takes to be drawn anew."""


@dataclass(slots=True)
class _Answer:
    lock: threading.Lock = field(default_factory=threading.Lock)
    value: Any = None
    error: SourceError | None = None
    until: float = -1.0

    @property
    def cells(self) -> int:
        return self.value.size if isinstance(self.value, pd.DataFrame) else 1


class SharedSource:
    """A source with a memory of bounded size. Two who ask the same at the same time wait for one answer."""

    def __init__(self, source: Source, clock: Callable[[], float] = time.monotonic) -> None:
        self.source = source
        self.name = source.name
        self.asked = 0
        self._clock = clock
        self._lock = threading.Lock()
        self._answers: OrderedDict[Hashable, _Answer] = OrderedDict()
        self._doubt = ("", -DOUBT_SECONDS)

    def gauge(
        self, metric: Metric, by: Sequence[str], span: Span, where: Where | None = None, part: str = ""
    ) -> pd.DataFrame:
        key = ("gauge", metric.name, tuple(by), span, _frozen(where), part)
        return self._framed(key, lambda: self.source.gauge(metric, by, span, where, part))

    def increase(
        self, metric: Metric, by: Sequence[str], span: Span, where: Where | None = None, part: str = ""
    ) -> pd.DataFrame:
        key = ("increase", metric.name, tuple(by), span, _frozen(where), part)
        return self._framed(key, lambda: self.source.increase(metric, by, span, where, part))

    def mix(
        self, metric: Metric, by: Sequence[str], span: Span, where: Where | None = None, part: str = ""
    ) -> pd.DataFrame:
        key = ("mix", metric.name, tuple(by), span, _frozen(where), part)
        return self._framed(key, lambda: self.source.mix(metric, by, span, where, part))

    def newest_seconds(self) -> float | None:
        found: float | None = self._answered(NEWEST, self.source.newest_seconds, FRESH_SECONDS)
        return found

    @property
    def ahead_seconds(self) -> float:
        return self.source.ahead_seconds

    def now_seconds(self, here_seconds: float) -> float:
        """What time it is there, when it is `here_seconds` by this machine's clock."""
        with suppress(SourceError):
            self.newest_seconds()  # which learns how far the clocks are apart
        return here_seconds + self.ahead_seconds

    def least_step_seconds(self, now_seconds: float) -> float:
        """Of a source that is away any will do: it has nothing to draw."""
        with suppress(SourceError):
            asked = partial(self.source.least_step_seconds, now_seconds)
            found: float = self._answered("least step", asked, FRESH_SECONDS)
            return found
        return FRESH_SECONDS

    @property
    def doubt(self) -> str:
        """Why figures may be missing, in the source's words; empty when it has not said so lately."""
        text, at = self._doubt
        return text if self._clock() - at < DOUBT_SECONDS else ""

    def settled_seconds(self, now_seconds: float, grain_seconds: float) -> float:
        """The moment that is now for all viewers alike: the exporter's last look, else a round one."""
        if isinstance(self.source, ExporterSource) and (last := self.source.history.last_seconds) is not None:
            return last
        return math.floor(now_seconds / grain_seconds) * grain_seconds

    def once(self, key: Hashable, make: Callable[[], Any], fresh_seconds: float = FOR_GOOD) -> Any:
        """Anything else that all viewers share, made once for `key`. Raises SourceError."""
        return self._answered(("once", key), make, fresh_seconds)

    def _framed(self, key: Hashable, ask: Callable[[], pd.DataFrame]) -> pd.DataFrame:
        found: pd.DataFrame = self._answered(key, ask, FOR_GOOD)
        return found.copy(deep=False)  # pandas copies on write, so nobody changes another's figures

    def _check_there(self) -> None:
        """What is away need not be waited for once with each question. Raises SourceError."""
        newest = self._answers.get(NEWEST)
        if newest is not None and newest.error is not None and newest.until >= self._clock():
            raise newest.error.with_traceback(None)

    def _answered(self, key: Hashable, ask: Callable[[], Any], fresh_seconds: float) -> Any:
        if key != NEWEST:
            self._check_there()
        with self._lock:
            answer = self._answers.setdefault(key, _Answer())
            self._answers.move_to_end(key)
        with answer.lock:
            if answer.until < self._clock():
                self._ask(answer, ask, fresh_seconds)
                self._forget()
            if answer.error is not None:
                raise answer.error.with_traceback(None)
            return answer.value

    def _ask(self, answer: _Answer, ask: Callable[[], Any], fresh_seconds: float) -> None:
        self.asked += 1
        try:
            answer.value, answer.error = ask(), None
        except SourceError as error:
            answer.value, answer.error, fresh_seconds = None, error, FRESH_SECONDS
        if fresh_seconds == FOR_GOOD and _is_thin(answer.value):
            fresh_seconds = FRESH_SECONDS
        if doubt := getattr(answer.value, "attrs", {}).get(INCOMPLETE):
            self._doubt = doubt, self._clock()
        answer.until = self._clock() + fresh_seconds

    def _forget(self) -> None:
        """Drop what was not asked for longest, beyond the bounds."""
        with self._lock:
            cells = sum(answer.cells for answer in self._answers.values())
            while len(self._answers) > 1 and (cells > MOST_CELLS or len(self._answers) > MOST_ANSWERS):
                _, oldest = self._answers.popitem(last=False)
                cells -= oldest.cells


def _is_thin(value: Any) -> bool:
    """Whether a moment later there may be more."""
    if isinstance(value, pd.DataFrame):
        return not len(value.columns) or INCOMPLETE in value.attrs
    return value is None or (isinstance(value, Sized) and not len(value))


def _frozen(where: Where | None) -> tuple[tuple[str, str | tuple[str, ...]], ...]:
    return tuple(sorted((where or {}).items()))
