"""This file knows how many viewers share one source: each question is asked once, and answered from then on."""

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from dashboard.source_exporter import ExporterSource
from dashboard.sources import Source, SourceError, Span, Where
from exporter.catalogue import Metric

MOST_CELLS = 8_000_000
"""64 MB of numbers."""
MOST_ANSWERS = 1_000
FRESH_SECONDS = 5.0
"""How long the age of the data, or an error, is good for; a span ends in the past, so its figures stay."""


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

    def newest_seconds(self) -> float | None:
        found: float | None = self._answered("newest", self.source.newest_seconds, FRESH_SECONDS)
        return found

    def settled_seconds(self, now_seconds: float, grain_seconds: float) -> float:
        """The moment that is now for all viewers alike: the exporter's last look, else a round one."""
        if isinstance(self.source, ExporterSource) and (last := self.source.history.last_seconds) is not None:
            return last
        return math.floor(now_seconds / grain_seconds) * grain_seconds

    def once(self, key: Hashable, make: Callable[[], Any], fresh_seconds: float = float("inf")) -> Any:
        """Anything else that all viewers share, made once for `key`. Raises SourceError."""
        return self._answered(("once", key), make, fresh_seconds)

    def _framed(self, key: Hashable, ask: Callable[[], pd.DataFrame]) -> pd.DataFrame:
        found: pd.DataFrame = self._answered(key, ask, float("inf"))
        return found.copy(deep=False)  # pandas copies on write, so nobody changes another's figures

    def _answered(self, key: Hashable, ask: Callable[[], Any], fresh_seconds: float) -> Any:
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
        answer.until = self._clock() + fresh_seconds

    def _forget(self) -> None:
        """Drop what was not asked for longest, beyond the bounds."""
        with self._lock:
            cells = sum(answer.cells for answer in self._answers.values())
            while len(self._answers) > 1 and (cells > MOST_CELLS or len(self._answers) > MOST_ANSWERS):
                _, oldest = self._answers.popitem(last=False)
                cells -= oldest.cells


def _frozen(where: Where | None) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((where or {}).items()))
