"""This file knows how one exporter alone is a source: its page is read every few seconds into a bounded history."""

import threading
import time
from collections.abc import Sequence

import pandas as pd

from dashboard.sources.access import Access
from dashboard.sources.memory import History, joined
from dashboard.sources.source import CLOCK_SLACK_SECONDS, SourceError, Span, Where, frame, joining
from dashboard.sources.web import fetch, shown
from exporter.catalogue import LAST_SUCCESS, QUEUES_DISCOVERED, REDIS_UP, Metric

EVERY_SECONDS = 5.0


class ExporterSource:
    """The history begins with the first look; `start` begins to look in the background, `stop` ends it."""

    def __init__(self, url: str, access: Access | None = None, every_seconds: float = EVERY_SECONDS) -> None:
        self.url = url.rstrip("/").removesuffix("/metrics")
        self.name = f"exporter at {shown(self.url)}"
        self.every_seconds = every_seconds
        self.ahead_seconds = 0.0
        self.history = History(every_seconds)
        self._access = access or Access()
        self._trouble: str | None = f"{shown(self.url)}: not read yet; wait a moment"
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look_on, name="looks", daemon=True)

    def start(self) -> "ExporterSource":
        self.look(time.time())
        self._thread.start()
        return self

    def stop(self) -> None:
        self._ended.set()

    def look(self, now_seconds: float) -> None:
        """Read the page once, at this moment by this machine's clock; what is kept has the exporter's.

        A failure is kept, and told by whatever asks for the newest figures.
        """
        try:
            answer = fetch(f"{self.url}/metrics", self._access)
            text = answer.body.decode(errors="replace")
            if REDIS_UP.name not in text and QUEUES_DISCOVERED.name not in text:
                raise SourceError(
                    f"{shown(self.url)}/metrics: not the page of bullgauge's exporter; check the address"
                )
            self._learn_clock(answer.ahead_seconds)
            self.history.add(now_seconds + self.ahead_seconds, text)
            self._trouble = None
        except SourceError as error:
            self._fail(now_seconds, str(error))
        except ValueError as error:
            self._fail(
                now_seconds, f"{shown(self.url)}/metrics: not a page of metrics ({error}); check the address"
            )

    def gauge(
        self, metric: Metric, by: Sequence[str], span: Span, where: Where | None = None, part: str = ""
    ) -> pd.DataFrame:
        labels, values = self.history.gauge(_name(metric, part), where or {}, span)
        return frame(span, by, joined(labels, values, by, joining(metric)))

    def increase(
        self, metric: Metric, by: Sequence[str], span: Span, where: Where | None = None, part: str = ""
    ) -> pd.DataFrame:
        labels, values = self.history.increase(_name(metric, part), where or {}, span)
        return frame(span, by, joined(labels, values, by, "sum"))

    def mix(
        self, metric: Metric, by: Sequence[str], span: Span, where: Where | None = None, part: str = ""
    ) -> pd.DataFrame:
        return self.increase(metric, by, span, where, part)

    def least_step_seconds(self, now_seconds: float) -> float:  # noqa: ARG002 - it is the same at any time
        return self.every_seconds

    def newest_seconds(self) -> float | None:
        """Raises SourceError while the exporter can't be read."""
        if self._trouble is not None:
            raise SourceError(self._trouble)
        return max(self.history.last(LAST_SUCCESS), default=None)

    def _learn_clock(self, ahead_seconds: float | None) -> None:
        """Only when it is another one, so that looks lie as far apart as they were made."""
        if ahead_seconds is not None and abs(ahead_seconds - self.ahead_seconds) > CLOCK_SLACK_SECONDS:
            self.ahead_seconds = ahead_seconds

    def _fail(self, now_seconds: float, trouble: str) -> None:
        self._trouble = trouble
        self.history.add(now_seconds + self.ahead_seconds, "")

    def _look_on(self) -> None:
        while not self._ended.wait(self.every_seconds):
            self.look(time.time())


def _name(metric: Metric, part: str) -> str:
    return f"{metric.name}_{part}" if part else metric.name
