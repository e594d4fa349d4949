"""Knows that both sources answer alike, that exporters count once, and how each says that it can't answer."""

from __future__ import annotations

import json
import math
import socket
import threading
import urllib.parse
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise

import numpy as np
import pytest

from dashboard.sources.access import Access
from dashboard.sources.exporter import ExporterSource
from dashboard.sources.memory import FINE_SECONDS, History, joined
from dashboard.sources.prometheus import PrometheusSource
from dashboard.sources.shared import SharedSource
from dashboard.sources.source import SourceError, Span, frame
from exporter import catalogue as c
from planner.stored.http_access import Access as Papers
from tests.dashboard import recorded
from tests.dashboard.recorded import RecordedPrometheus


def asked(url: str, query: str, at: float) -> dict[tuple[str, ...], float]:
    """Prometheus' own answer to an instant query, by the values of all labels in their order."""
    fields = urllib.parse.urlencode({"query": query, "time": f"{at:.3f}"})
    with urllib.request.urlopen(f"{url}/api/v1/query?{fields}") as answer:
        result = json.load(answer)["data"]["result"]
    return {
        tuple(v for k, v in sorted(one["metric"].items()) if k != "__name__"): float(one["value"][1])
        for one in result
    }


BETWEEN_LOOKS_SECONDS = 235.0


def last_minutes(prometheus: RecordedPrometheus, seconds: float = 240.0) -> Span:
    return Span(prometheus.end_seconds - seconds, prometheus.end_seconds, seconds)


def test_a_gauge_is_what_prometheus_says_of_one_exporter(prometheus: RecordedPrometheus) -> None:
    span = last_minutes(prometheus)
    found = PrometheusSource(prometheus.url).gauge(c.SIZE, ("queue", "state"), span)
    own = asked(prometheus.url, f'sum by (queue, state) ({c.SIZE.name}{{instance="r0"}})', span.end_seconds)
    assert len(own) > 50
    assert {key: found[key].iloc[-1] for key in found.columns} == own


def test_two_exporters_of_one_redis_count_once(prometheus: RecordedPrometheus) -> None:
    """Held against the pages at both ends."""
    span = last_minutes(prometheus, BETWEEN_LOOKS_SECONDS)
    found = PrometheusSource(prometheus.url).increase(c.PROCESSED, ("queue", "status"), span)
    begin = span.start_seconds - prometheus.shift_seconds
    first = [look for look in recorded.looks() if look.at <= begin][-1]
    assert len(found.columns) == 16
    for queue, status in found.columns:
        here, there = (counted(look.page, queue, status) for look in (first, recorded.looks()[-1]))
        assert found[queue, status].iloc[-1] == there - here


def test_the_history_in_memory_counts_what_the_pages_tell() -> None:
    """Held against the first and the last page, read by a regular expression of the test's own."""
    pages = [look for look in recorded.looks() if look.at >= recorded.looks()[-1].at - 240.5]
    span = Span(pages[0].at, pages[-1].at, pages[-1].at - pages[0].at)
    labels, values = recorded.history().increase(c.PROCESSED.name, {}, span)
    found = frame(span, ("queue", "status"), joined(labels, values, ("queue", "status"), "sum"))
    assert len(found.columns) == 16
    for queue, status in found.columns:
        first, last = (counted(look.page, queue, status) for look in (pages[0], pages[-1]))
        assert found[queue, status].iloc[-1] == last - first


def counted(page: str, queue: str, status: str) -> float:
    [line] = [
        line for line in page.splitlines()
        if line.startswith(c.PROCESSED.name) and f'queue="{queue}"' in line and f'status="{status}"' in line
    ]  # fmt: skip
    return float(line.rpartition(" ")[2])


def test_memory_and_prometheus_agree_to_the_job(prometheus: RecordedPrometheus) -> None:
    span = last_minutes(prometheus, BETWEEN_LOOKS_SECONDS)
    there = PrometheusSource(prometheus.url).increase(c.JOB_WAIT, ("queue",), span, part="count")
    end = recorded.looks()[-1].at
    span = Span(end - BETWEEN_LOOKS_SECONDS, end, BETWEEN_LOOKS_SECONDS)
    labels, values = recorded.history().increase(f"{c.JOB_WAIT.name}_count", {}, span)
    here = frame(span, ("queue",), joined(labels, values, ("queue",), "sum"))
    assert list(here.columns) == list(there.columns)
    for key in here.columns:
        assert here[key].iloc[-1] == there[key].iloc[-1]


# --- a history of its own ------------------------------------------------------------------------------------------


def page(value: float, queue: str = "email") -> str:
    return f'{c.ADDED.name}{{prefix="bull",queue="{queue}"}} {value:g}\n{c.REDIS_UP.name} 1\n'


def grown(history: History, span: Span) -> list[float]:
    labels, values = history.increase(c.ADDED.name, {}, span)
    return list(frame(span, (), joined(labels, values, (), "sum")).get("value", []))


def test_a_counter_that_begins_anew_is_counted_from_zero() -> None:
    history = History(10)
    for at, value in ((0, 100), (10, 110), (20, 4), (30, 9)):
        history.add(at, page(value))
    assert grown(history, Span(0, 30, 10)) == [10, 4, 5]


def test_a_look_that_failed_leaves_a_gap_and_loses_nothing() -> None:
    history = History(10)
    failed = [(float(at), "") for at in range(20, 70, 10)]
    for at, text in [(0, page(1)), (10, page(3)), *failed, (70, page(9)), (80, page(9))]:
        history.add(at, text)
    found = grown(history, Span(0, 80, 10))
    assert math.isnan(found[4])
    assert np.nansum(found) == 8


def test_before_the_history_began_nothing_is_known() -> None:
    history = History(10)
    for at in (100, 110, 120):
        history.add(at, page(at))
    found = grown(history, Span(60, 120, 10))
    assert np.isnan(found[:3]).all()
    assert found[4:] == [10, 10]


def test_a_queue_that_appears_later_counts_from_zero() -> None:
    history = History(10)
    history.add(0, page(5))
    history.add(10, page(5) + page(3, "new"))
    assert grown(history, Span(0, 10, 10)) == [3]


def test_old_looks_are_thinned_to_one_a_minute_and_bounded_in_all() -> None:
    history = History(10, most_cells=400)
    for at in range(0, 4 * 3600, 10):
        history.add(at, page(at))
    kept = history.moments
    assert len(kept) * 2 <= 400
    old = [at for at in kept if at < kept[-1] - FINE_SECONDS - 60]
    assert old and min(after - before for before, after in pairwise(old)) >= 60
    assert len([at for at in kept if at > kept[-1] - FINE_SECONDS]) == 90
    assert grown(history, Span(kept[-1] - 6000, kept[-1], 1200)) == [1200.0] * 5


def test_a_clock_that_is_set_back_leaves_a_history_in_order() -> None:
    history = History(10)
    for at, value in ((100, 1), (110, 2), (120, 3), (105, 4), (115, 6)):
        history.add(at, page(value))
    assert history.moments == [100, 105, 115]
    assert grown(history, Span(95, 115, 10)) == [3, 2]


# --- viewers share ---------------------------------------------------------------------------------------------


def test_ten_viewers_at_once_ask_no_more_than_one(prometheus: RecordedPrometheus) -> None:
    shared = SharedSource(PrometheusSource(prometheus.url))
    span = last_minutes(prometheus)
    viewers = [threading.Thread(target=shared.gauge, args=(c.SIZE, ("queue",), span)) for _ in range(10)]
    for viewer in viewers:
        viewer.start()
    for viewer in viewers:
        viewer.join()
    assert shared.asked == 1


def test_an_error_is_kept_for_seconds_and_then_asked_again() -> None:
    now = [0.0]
    shared = SharedSource(PrometheusSource("http://127.0.0.1:9"), clock=lambda: now[0])
    for _ in range(3):
        with pytest.raises(SourceError):
            shared.newest_seconds()
    assert shared.asked == 1
    now[0] = 6.0
    with pytest.raises(SourceError):
        shared.newest_seconds()
    assert shared.asked == 2


# --- a source that can't answer ----------------------------------------------------------------------------------


@pytest.fixture
def answering() -> Iterator[object]:
    """Servers that answer every request alike: `answering(status, body)` gives the address."""
    servers: list[ThreadingHTTPServer] = []

    def start(status: int, body: str) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.do_GET()

            def do_GET(self) -> None:
                self.send_response(status)
                self.send_header("Location", body)
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_arguments: object) -> None:
                """Silent."""

        servers.append(ThreadingHTTPServer(("127.0.0.1", 0), Handler))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{servers[-1].server_address[1]}"

    yield start
    for one in servers:
        one.shutdown()
        one.server_close()


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (200, "<html>hello</html>", "not Prometheus'"),
        (200, "[]", "not Prometheus'"),
        (401, "", "--bearer-token-file"),
        (404, "", "/api/v1"),
        (503, "warming up", "warming up"),
        (200, '{"status": "error", "error": "query timed out in expression evaluation"}', "query timed out"),
        (302, "http://elsewhere.invalid/", "leads to http://elsewhere.invalid/"),
    ],
)
def test_a_prometheus_that_is_none_or_is_ill_says_what_to_do(answering, status, body, said) -> None:
    source = PrometheusSource(answering(status, body))
    with pytest.raises(SourceError) as told:
        source.gauge(c.SIZE, ("queue",), Span(0, 60, 60))
    assert said in str(told.value)
    assert "\n" not in str(told.value)


def test_one_that_is_down_and_one_that_is_slow_are_told_apart() -> None:
    with pytest.raises(SourceError, match="is it running"):
        PrometheusSource("http://127.0.0.1:9").newest_seconds()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(SourceError, match=r"no answer within 0\.2 s"):
            PrometheusSource(url, Access(timeout_seconds=0.2)).newest_seconds()


def test_an_empty_prometheus_answers_with_no_columns(prometheus: RecordedPrometheus) -> None:
    source = PrometheusSource(prometheus.url, select={"job": "nobody"})
    found = source.gauge(c.SIZE, ("queue", "state"), last_minutes(prometheus))
    assert found.empty and list(found.columns.names) == ["queue", "state"]
    assert source.newest_seconds() is None


def test_secrets_stand_in_no_message_and_no_repr(answering) -> None:
    access = Access(lambda: Papers({"Authorization": "Bearer very-secret"}))
    source = PrometheusSource(answering(403, "").replace("http://", "http://me:hidden@"), access)
    with pytest.raises(SourceError) as told:
        source.newest_seconds()
    assert "very-secret" not in f"{told.value}{access!r}{source.name}"
    assert "hidden" not in f"{told.value}{source.name}"


def test_an_exporter_that_is_none_is_told_and_its_figures_are_not_fresh(answering) -> None:
    source = ExporterSource(answering(200, "hello 1\n"))
    source.look(0.0)
    with pytest.raises(SourceError, match="not the page of bullgauge's exporter"):
        source.newest_seconds()


def test_when_the_exporter_dies_its_last_gauge_is_not_shown_as_fresh(exporter, redis_server) -> None:
    process = exporter(redis_server.url)
    source = ExporterSource(process.url)
    source.look(100.0)
    assert source.gauge(c.REDIS_UP, (), Span(90, 100, 10))["value"].iloc[-1] == 1
    process.stop()
    source.look(105.0)
    assert source.gauge(c.REDIS_UP, (), Span(95, 105, 5)).iloc[-1].isna().all()
    with pytest.raises(SourceError, match="is it running"):
        source.newest_seconds()


def test_with_so_many_series_that_few_looks_fit_the_last_quarter_of_an_hour_stays() -> None:
    history = History(5, most_cells=80)
    for at in range(0, 3600, 5):
        history.add(at, page(at))
    assert len(history.moments) <= 40
    assert history.moments[-1] == 3595
    recent = Span(3595 - FINE_SECONDS, 3595, FINE_SECONDS)
    assert grown(history, recent) == [pytest.approx(FINE_SECONDS, abs=50)]
