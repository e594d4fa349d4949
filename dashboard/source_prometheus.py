"""This file knows how a Prometheus, Thanos, Mimir or VictoriaMetrics is asked for figures."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from dashboard.access import Access
from dashboard.prometheus_query import gauge_query, increase_query
from dashboard.sources import SourceError, Span, Where, frame
from dashboard.web import fetch, shown
from exporter.catalogue import LAST_SUCCESS, Metric

JOB = "bullgauge"


class PrometheusSource:
    """Range queries below `url`/api/v1; `select` are labels that every series must have, `job` at least."""

    def __init__(self, url: str, access: Access | None = None, select: Where | None = None) -> None:
        self.url = url.rstrip("/")
        self.name = f"Prometheus at {shown(self.url)}"
        self._access = access or Access()
        self._select = {"job": JOB} if select is None else dict(select)

    def gauge(
        self, metric: Metric, by: Sequence[str], span: Span, where: Where | None = None, part: str = ""
    ) -> pd.DataFrame:
        return self.ask(gauge_query(metric, by, self._where(where), part), by, span)

    def increase(
        self, metric: Metric, by: Sequence[str], span: Span, where: Where | None = None, part: str = ""
    ) -> pd.DataFrame:
        query = increase_query(metric, by, self._where(where), part, span.step_seconds)
        return self.ask(query, by, span)

    def newest_seconds(self) -> float | None:
        """Looks back a day, so that a dead exporter's last sign of life is told."""
        selector = ", ".join(f"{label}={json.dumps(value)}" for label, value in self._select.items())
        data = self._get("query", {"query": f"max(last_over_time({LAST_SUCCESS.name}{{{selector}}}[1d]))"})
        result = data.get("result") or []
        return float(result[0]["value"][1]) if result else None

    @property
    def job(self) -> str:
        """The value of `job` that series must have."""
        return self._select.get("job", "")

    def series(self, selector: str) -> list[dict[str, str]]:
        """The labels of all series that match now. Raises SourceError."""
        return [one["metric"] for one in self._get("query", {"query": selector}).get("result") or []]

    def ask(self, query: str, by: Sequence[str], span: Span) -> pd.DataFrame:
        """A range query whose series differ in the labels `by`. Raises SourceError."""
        fields = {
            "query": query,
            "start": f"{span.end_seconds - (span.steps - 1) * span.step_seconds:.3f}",
            "end": f"{span.end_seconds:.3f}",
            "step": f"{span.step_seconds:.3f}",
        }
        data = self._get("query_range", fields)
        return frame(span, by, _columns(data.get("result") or [], by, span))

    def _where(self, where: Where | None) -> Where:
        return {**self._select, **(where or {})}

    def _get(self, verb: str, fields: dict[str, str]) -> Any:
        address = f"{self.url}/api/v1/{verb}"
        body = fetch(address, self._access, fields)
        try:
            answer = json.loads(body)
            if answer["status"] != "success":
                raise SourceError(f"{shown(address)}: {answer.get('error', 'no success')}")
            return answer["data"]
        except (ValueError, KeyError, TypeError) as error:
            raise SourceError(
                f"{shown(address)}: the answer is not Prometheus'; the address must be the one below which /api/v1 lies"
            ) from error


def _columns(result: list[Any], by: Sequence[str], span: Span) -> dict[tuple[str, ...], np.ndarray]:
    first = span.end_seconds - (span.steps - 1) * span.step_seconds
    found = {}
    for series in result:
        labels, samples = series["metric"], series["values"]
        column = np.full(span.steps, np.nan)
        places = np.rint((np.array([at for at, _ in samples]) - first) / span.step_seconds).astype(int)
        column[places] = [float(value) for _, value in samples]
        found[tuple(labels.get(name, "") for name in by)] = column
    return found
