"""This file knows how a Prometheus, Thanos, Mimir or VictoriaMetrics is asked for figures."""

import json
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import BoundedSemaphore
from typing import Any

import numpy as np
import pandas as pd

from dashboard.sources.access import Access
from dashboard.sources.asking import MOST_AT_ONCE
from dashboard.sources.query import (
    events_queries,
    gauge_query,
    increase_query,
    mix_query,
    selector,
    steady_query,
    uneventful_buckets_query,
)
from dashboard.sources.source import CLOCK_SLACK_SECONDS, INCOMPLETE, SourceError, Span, Where, as_frame
from dashboard.sources.web import fetch, shown
from dashboard.sources.windows import added_up, narrowed, windows
from exporter.catalogue import LAST_SUCCESS, REDIS_UP, Metric
from planner.fit.steps_of_range import SCRAPES_A_STEP

JOB = "bullgauge"
HELD_BACK_SECONDS = 60.0
"""VictoriaMetrics holds back the newest 30 seconds of shorter steps: it repeats what it says for a step before."""
SCRAPES_SEEN_SECONDS = 3600.0
UNSEEN_SCRAPE_SECONDS = 60.0
"""Prometheus' own default; what the planner takes where no samples are seen."""


class PrometheusSource:
    """Range queries below `url`/api/v1; `select` are labels that every series must have, `job` at least.

    `scrape_seconds` is how far samples of the exporter lie apart, where that is not to be looked up.
    """

    def __init__(
        self,
        url: str,
        access: Access | None = None,
        select: Mapping[str, str] | None = None,
        scrape_seconds: float | None = None,
    ) -> None:
        self.url = url.rstrip("/")
        self.name = f"Prometheus at {shown(self.url)}"
        self.ahead_seconds = 0.0
        self._access = access or Access()
        self._select = {"job": JOB} if select is None else dict(select)
        self._scrape_seconds = scrape_seconds
        self._places = BoundedSemaphore(MOST_AT_ONCE)

    def gauge(
        self, metric: Metric, by: Sequence[str], span: Span, where: Where | None = None, part: str = ""
    ) -> pd.DataFrame:
        return self.ask(gauge_query(metric, by, self._where(where), part), by, span)

    def increase(
        self, metric: Metric, by: Sequence[str], span: Span, where: Where | None = None, part: str = ""
    ) -> pd.DataFrame:
        apart = self.scrape_seconds(span.end_seconds)
        each = windows(span, apart)
        narrow = narrowed(span, each)
        labels = self._where(where)
        if each == 1 and span.steps > 1 and by and set(by) == set(metric.all_labels):
            steady = self._steady(steady_query(metric, by, labels, part, span, apart), by, span)
            if steady is not None:
                return steady
        if part == "bucket" and "queue" not in labels and self._is_uneventful(metric, labels, narrow, apart):
            query = uneventful_buckets_query(metric, by, labels, narrow.step_seconds, apart)
        else:
            query = increase_query(metric, by, labels, part, narrow.step_seconds, apart)
        answer = self.ask(query, by, narrow)
        return answer if each == 1 else added_up(answer, span, each)

    def _steady(self, query: str, by: Sequence[str], span: Span) -> pd.DataFrame | None:
        """The answer, where each column is of one counter, which is known at every step and never began anew."""
        answer = self.ask(query, by, span)
        counters = ("",) * len(by)
        if counters not in answer.columns:
            return answer  # none is there
        found = answer.drop(columns=[counters])
        is_all = found.notna().all(axis=None) and (answer[counters] == len(found.columns)).all()
        return found if is_all and INCOMPLETE not in answer.attrs else None

    def _is_uneventful(self, metric: Metric, where: Where, span: Span, scrape_seconds: float) -> bool:
        """Whether buckets of all queues, most of what a screen asks for, can be had at a lower price."""
        queries = events_queries(metric, where, span.step_seconds, scrape_seconds)
        events = (self.ask(query, (), span) for query in queries)
        return all(not len(one.columns) and INCOMPLETE not in one.attrs for one in events)

    def mix(
        self, metric: Metric, by: Sequence[str], span: Span, where: Where | None = None, part: str = ""
    ) -> pd.DataFrame:
        return self.ask(mix_query(metric, by, self._where(where), part, span.step_seconds), by, span)

    def least_step_seconds(self, now_seconds: float) -> float:
        return SCRAPES_A_STEP * self.scrape_seconds(now_seconds)

    def scrape_seconds(self, at_seconds: float) -> float:
        """How far samples of the exporter lie apart: seen once, before a moment that has some. Raises SourceError."""
        if self._scrape_seconds is None:
            self._scrape_seconds = self._seen_apart(at_seconds)
        return self._scrape_seconds or UNSEEN_SCRAPE_SECONDS

    def _seen_apart(self, at_seconds: float) -> float | None:
        looked = f"{selector(REDIS_UP, self._select)}[{SCRAPES_SEEN_SECONDS:.0f}s]"
        answer = self._get("query", {"query": looked, "time": f"{at_seconds:.3f}"})
        with _understood(self.url):
            copies = [[float(at) for at, _ in one["values"]] for one in answer["data"]["result"]]
            apart = [float(np.median(np.diff(moments))) for moments in copies if len(moments) > 2]
            return round(max(apart), 1) if apart else None  # to the tenth: a scrape is a little early or late

    def newest_seconds(self) -> float | None:
        """Looks back a day, so that a dead exporter's last sign of life is told; learns what time it is there."""
        newest = f"max(last_over_time({selector(LAST_SUCCESS, self._select)}[1d]))"
        began = time.time()
        # A number that no moment has: VictoriaMetrics leaves out what is NaN.
        answer = self._get("query", {"query": f"{newest} or vector(-1)"})
        with _understood(self.url):
            at, value = answer["data"]["result"][0]["value"]
            self._learn_clock(float(at), began, time.time())
            return None if float(value) < 0 else float(value)

    @property
    def job(self) -> str:
        """The value of `job` that series must have."""
        return self._select.get("job", "")

    def series(self, query: str) -> list[dict[str, str]]:
        """The labels of all series that match now. Raises SourceError."""
        answer = self._get("query", {"query": query})
        with _understood(self.url):
            return [dict(one["metric"]) for one in answer["data"]["result"]]

    def ask(self, query: str, by: Sequence[str], span: Span) -> pd.DataFrame:
        """A range query whose series differ in the labels `by`. Raises SourceError."""
        more = (
            math.ceil(HELD_BACK_SECONDS / span.step_seconds) if span.step_seconds < HELD_BACK_SECONDS else 0
        )
        fields = {
            "query": query,
            "start": f"{span.end_seconds - (span.steps - 1 + more) * span.step_seconds:.3f}",
            "end": f"{span.end_seconds:.3f}",
            "step": f"{span.step_seconds:.3f}",
        }
        answer = self._get("query_range", fields)
        with _understood(self.url):
            made = _framed(answer["data"]["result"], by, span)
            if doubt := _doubt(answer):
                made.attrs[INCOMPLETE] = doubt
            return made

    def _where(self, where: Where | None) -> Where:
        return {**self._select, **(where or {})}

    def _learn_clock(self, there: float, began: float, ended: float) -> None:
        """An answer is made between question and end, if both clocks are one. Only another clock is learnt."""
        slack = CLOCK_SLACK_SECONDS
        ahead = 0.0 if began - slack <= there <= ended + slack else there - (began + ended) / 2
        if not ahead or abs(ahead - self.ahead_seconds) > slack:
            self.ahead_seconds = ahead

    def _get(self, verb: str, fields: dict[str, str]) -> Mapping[str, Any]:
        address = f"{self.url}/api/v1/{verb}"
        with self._places:
            body = fetch(address, self._access, fields).body
        with _understood(address):
            answer: Mapping[str, Any] = json.loads(body)
            if answer["status"] != "success":
                raise SourceError(f"{shown(address)}: {answer.get('error', 'no success')}")
            return answer


@contextmanager
def _understood(address: str) -> Iterator[None]:
    """What is not in Prometheus' words becomes one line."""
    try:
        yield
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise SourceError(
            f"{shown(address)}: the answer is not Prometheus'; the address must be the one below which /api/v1 lies"
        ) from error


def _doubt(answer: Mapping[str, Any]) -> str:
    """Why figures may be missing: Thanos warns where a store did not answer, VictoriaMetrics says `isPartial`."""
    if warnings := answer.get("warnings"):
        return str(warnings[0]).splitlines()[0][:200]
    return "some of its storage did not answer" if answer.get("isPartial") else ""


def _framed(result: list[Any], by: Sequence[str], span: Span) -> pd.DataFrame:
    """All series in one step: there may be tens of thousands, each of a sample or two."""
    keys = [tuple(series["metric"].get(name, "") for name in by) for series in result]
    samples = [series["values"] for series in result]
    at = np.array([float(moment) for each in samples for moment, _ in each])
    values = np.array([float(value) for each in samples for _, value in each])
    first = span.end_seconds - (span.steps - 1) * span.step_seconds
    places = np.rint((at - first) / span.step_seconds).astype(int)
    # Steps before the span, see HELD_BACK_SECONDS.
    inside = (places >= 0) & (places < span.steps)
    order = sorted(range(len(keys)), key=keys.__getitem__)
    column = np.empty(len(keys), int)
    column[order] = np.arange(len(keys))
    table = np.full((span.steps, len(keys)), np.nan)
    table[places[inside], np.repeat(column, [len(each) for each in samples])[inside]] = values[inside]
    return as_frame(span, by, [keys[number] for number in order], table)
