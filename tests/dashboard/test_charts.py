"""Knows that charts draw fields that are there, keep names apart, and read buckets as Prometheus does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import pytest

from dashboard import charts, trends
from dashboard.alerting import charts as alert_charts
from dashboard.chart_bounds import Rule
from dashboard.comparison import laid_over
from dashboard.plan import ahead_charts as plan_ahead_charts
from dashboard.plan import charts as plan_charts
from dashboard.sources.prometheus import PrometheusSource
from dashboard.sources.query import mix_query
from dashboard.sources.source import Span
from exporter import catalogue as c
from tests.dashboard.recorded import RecordedPrometheus

TIMES = pd.date_range("2026-01-01", periods=6, freq="h", tz="UTC", name="time")


def lines() -> alt.LayerChart:
    table = pd.DataFrame({"finished": [1.0, np.nan, 3, 4, 5, 6], "added": range(6)}, index=TIMES)
    return charts.lines(table, "jobs an hour", [Rule(3.0, "target 3")], between=(1.0, 2.0))


def lines_by_decades() -> alt.LayerChart:
    table = pd.DataFrame({"mean": [0.0, 0.01, np.nan, 4, 5, 60]}, index=TIMES)
    return charts.lines(table, "seconds", [Rule(0.5, "warning"), Rule(0.51, "critical")], log=True)


def bars() -> alt.LayerChart:
    table = pd.DataFrame({"name": ["a", "b"], "value": [0.9, 0.1], "level": ["critical", "fine"]})
    return charts.bars(table.assign(text="says"), "share", Rule(1.0, "ceiling"), most=1.2)


def heat() -> alt.LayerChart:
    table = pd.DataFrame(
        {"time": TIMES[:2], "until": TIMES[1:3], "edge": ["0.5", "longer"], "count": [3.0, 1.0]}
    )
    return charts.heat(table, "seconds", ["0.5", "longer"])


def waits() -> alt.LayerChart:
    curve = pd.DataFrame({"slots": [1, 2, 3], "seconds": [np.nan, 0.5, 0.0], "half_width": [0, 0.1, 0.0]})
    marks = [plan_charts.Mark("slots", 2), plan_charts.Mark("needed", 3)]
    return plan_charts.wait_curves({"as it is": curve, "as turned": curve}, marks, 0.5, "p95_wait")


def ahead() -> alt.LayerChart:
    past = pd.DataFrame({"time": TIMES[:3], "jobs": [1.0, np.nan, 3]})
    coming = pd.DataFrame(
        {"time": TIMES[3:], "expected": [2.0, 3, 4], "low": [1.0, 2, 3], "high": [3.0, 4, 5]}
    )
    return plan_ahead_charts.ahead(past, coming, 4.0)


def staffing() -> alt.LayerChart:
    table = pd.DataFrame({"time": TIMES, "slots": range(6), "slots_high": [1, 2, 3, 4, 5, np.nan]})
    return plan_ahead_charts.staffing(table, 3)


def strips() -> alt.Chart:
    fired = {
        "row": ["A", "A"],
        "set": ["in force", "changed"],
        "start": TIMES[:2],
        "end": TIMES[2:4],
        "told": "1 h",
    }
    return alert_charts.strips(pd.DataFrame(fired), TIMES[0], TIMES[-1])


ALL = (lines, lines_by_decades, bars, heat, waits, ahead, staffing, strips)


@pytest.mark.parametrize("drawn", ALL)
def test_every_field_that_is_drawn_is_in_the_rows_of_its_layer(drawn: Callable[[], alt.LayerChart]) -> None:
    spec = drawn().to_dict()  # which also holds it against the schema of Vega-Lite
    for layer in spec.get("layer", [spec]):
        rows = rows_of(spec, layer)
        fields = set(fields_of(layer["encoding"]))
        assert fields and all(fields <= row.keys() for row in rows)
        assert all(any(row[field] is not None for row in rows) for field in fields)


def rows_of(spec: dict[str, Any], layer: dict[str, Any]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = spec["datasets"][layer.get("data", spec.get("data"))["name"]]
    assert rows
    return rows


def fields_of(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("field"), str):
            yield value["field"]
        for inner in value.values():
            yield from fields_of(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from fields_of(inner)


def test_names_of_bounds_that_lie_close_do_not_write_over_each_other() -> None:
    spec = lines_by_decades().to_dict()
    [named] = [layer for layer in spec["layer"] if layer["mark"]["type"] == "text"]
    places = [np.log10(row["beside"]) for row in rows_of(spec, named)]
    whole = np.log10(100) - np.log10(0.01)
    assert abs(places[1] - places[0]) / whole >= 0.07


def test_a_queue_of_which_nothing_is_known_has_no_line_and_no_name() -> None:
    known, unknown = (pd.DataFrame({"ready": np.full(6, value)}, TIMES) for value in (1.0, np.nan))
    assert list(laid_over(unknown, known, "ready", ("before", "now"))) == ["now"]


@pytest.mark.parametrize("drawn", [ahead, staffing])
def test_bounds_of_the_weeks_ahead_are_named_beside_the_lines_and_lines_have_names(
    drawn: Callable[[], alt.LayerChart],
) -> None:
    spec = drawn().to_dict()
    beside = [layer["encoding"]["x"] for layer in spec["layer"] if "beside" in fields_of(layer["encoding"])]
    assert beside == [{"value": "width"}]
    words = {text for rows in spec["datasets"].values() for row in rows for text in row.values()}
    named = {
        ahead: {"as it was", "expected, 90 % band"},
        staffing: {"upper end of the band", "expected jobs"},
    }
    assert named[drawn] <= words


def test_the_95th_percentile_over_time_is_what_prometheus_itself_reads_from_the_buckets(
    prometheus: RecordedPrometheus,
) -> None:
    source = PrometheusSource(prometheus.url)
    span = Span(prometheus.end_seconds - 480.0, prometheus.end_seconds, 60.0)
    buckets = mix_query(c.JOB_WAIT, ("le",), {"job": "bullgauge"}, "bucket", span.step_seconds)
    own = source.ask(f"histogram_quantile(0.95, {buckets})", (), span)["value"]
    found = trends.waits(source, span)[trends.P95]
    assert own.notna().sum() >= 6
    np.testing.assert_allclose(found.to_numpy(), own.to_numpy(), rtol=1e-9)
