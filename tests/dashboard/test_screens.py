"""Knows that what the screens say is what the recording says: asked of Prometheus itself, or of the planner."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import user_file
from dashboard.opened import Opened
from dashboard.queue_tables import heat
from dashboard.settings import Settings
from dashboard.shell import make_page
from dashboard.sources.exporter import ExporterSource
from dashboard.sources.shared import SharedSource
from exporter import catalogue as c
from tests.dashboard.apps import CLAIM, compared, demo_plan, numbers, on_prometheus, screen, whole_app, words
from tests.dashboard.recorded import RecordedPrometheus, looks
from tests.dashboard.test_sources import asked

QUEUES = {
    "email", "reports", "notifications", "route-optimization", "data-sync", "cleanup", "analytics",
    "external-api-coordination",
}  # fmt: skip
WINDOW = "900s"


ROUNDED = 0.006
"""What three figures on the screen may be away from the number."""


@dataclass(frozen=True, slots=True)
class Own:
    """Prometheus' own answers, of one of the two exporters alone, at the moment that a screen was of."""

    url: str
    at: float

    def one(self, query: str) -> float:
        [value] = asked(self.url, query.replace("{", '{instance="r0",'), self.at).values()
        return value

    def grown(self, selector: str) -> float:
        return self.one(f"sum(increase({selector}[{WINDOW}]))")


def same_moment(prometheus: RecordedPrometheus, draw: Callable[[], AppTest]) -> tuple[AppTest, Own]:
    """A screen, and Prometheus asked at its moment: screens move on every 15 seconds."""
    while True:
        before = math.floor(time.time() / 15)
        app = draw()
        if math.floor(time.time() / 15) == before:
            return app, Own(prometheus.url, before * 15.0)


def covered(prometheus: RecordedPrometheus, own: Own) -> float:
    """How much of the window before the screen's moment the recording fills."""
    return own.at - (looks()[0].at + prometheus.shift_seconds)


def amount(text: str) -> float:
    """`52,272 /h`, `616 ms`, `40.7 %` as seconds, shares or plain numbers."""
    number, _, unit = text.replace("at most ", "").replace("at least ", "").partition(" ")
    scale = {"ms": 0.001, "min": 60.0, "h": 3600.0, "%": 0.01}.get(unit, 1.0)
    return float(number.replace(",", "")) * scale


def test_the_overview_opens_whole_and_every_queue_is_in_its_table(prometheus: RecordedPrometheus) -> None:
    app = whole_app(on_prometheus(prometheus.url, demo_plan()))
    assert set(numbers(app)) == {
        "Capacity used", "Headroom", "Growth left", "Finished", "Wait, 95th percentile", "Processing, mean", "Failures",
        "Connections",
    }  # fmt: skip
    [targets], [queues] = ([one.value for one in found] for found in (app.table, app.dataframe))
    assert set(queues["Queue"]) == QUEUES
    assert len(targets) == 13
    verdicts = {target.split(" · ")[0] for target in targets["Target"]}
    assert verdicts == {":green[● met]", ":red[▲ missed]", ":gray[○ can't be known]"}


def test_the_headline_is_what_prometheus_itself_answers(prometheus: RecordedPrometheus) -> None:
    app, own = same_moment(prometheus, lambda: whole_app(on_prometheus(prometheus.url, demo_plan())))
    shown = numbers(app)
    ended = own.grown("queue_jobs_processed_total{}")
    per_hour = ended / covered(prometheus, own) * 3600
    assert amount(shown["Finished"].removesuffix(" /h")) == pytest.approx(per_hour, rel=0.01)
    failed = own.grown('queue_jobs_processed_total{status="failed"}')
    assert amount(shown["Failures"]) == pytest.approx(failed / ended, abs=0.00006)
    buckets = f"sum by (le) (increase(queue_job_wait_seconds_bucket{{}}[{WINDOW}]))"
    p95 = own.one(f"histogram_quantile(0.95, {buckets})")
    assert amount(shown["Wait, 95th percentile"]) == pytest.approx(p95, rel=ROUNDED)
    use = own.one("max(queue_redis_connection_utilization_ratio{})")
    assert amount(shown["Connections"]) == pytest.approx(use, abs=0.00006)


def test_capacity_used_is_the_work_of_the_fullest_queue_over_its_slots(
    prometheus: RecordedPrometheus,
) -> None:
    app, own = same_moment(prometheus, lambda: whole_app(on_prometheus(prometheus.url, demo_plan())))
    shown = numbers(app)
    slots = {"reports": 2, "route-optimization": 1, "cleanup": 1}
    used = {
        queue: own.grown(f'queue_job_duration_seconds_sum{{queue="{queue}"}}')
        / covered(prometheus, own)
        / count
        for queue, count in slots.items()
    }
    assert amount(shown["Capacity used"]) == pytest.approx(max(used.values()), rel=0.015)
    finished, headroom = (amount(shown[name].removesuffix(" /h")) for name in ("Finished", "Headroom"))
    assert headroom == pytest.approx(finished / amount(shown["Capacity used"]) - finished, rel=0.02)


def test_busy_slots_are_the_active_jobs_that_were_seen(prometheus: RecordedPrometheus) -> None:
    """Little's law holds the histogram's sum against a gauge that shares nothing with it."""
    end = prometheus.end_seconds
    active = 'sum by (queue) (avg_over_time(queue_size{instance="r0",state="active"}[480s]))'
    busy = 'sum by (queue) (increase(queue_job_duration_seconds_sum{instance="r0"}[480s])) / 480'
    seen, counted = (asked(prometheus.url, query, end) for query in (active, busy))
    assert sum(counted.values()) == pytest.approx(sum(seen.values()), rel=0.25)


def test_without_a_file_slots_are_a_marked_lower_bound_or_not_known(prometheus: RecordedPrometheus) -> None:
    app = whole_app(on_prometheus(prometheus.url))
    shown, said = numbers(app), words(app)
    if shown["Capacity used"] == ":gray[not known]":
        assert "give --config" in said
    else:
        assert shown["Capacity used"].startswith("at most ")
        assert shown["Headroom"].startswith("at least ")


def test_other_slots_in_the_file_turn_the_verdict(prometheus: RecordedPrometheus) -> None:
    def verdict(plan: str) -> str:
        targets = whole_app(on_prometheus(prometheus.url, plan)).table[0].value
        [row] = [one for one in targets["Target"] if one.endswith(" · 75 contracts can become 500")]
        return str(row).split(" · ")[0]

    assert verdict(demo_plan()) == ":red[▲ missed]"
    plenty = demo_plan()
    for slots in (1, 2, 5, 10):
        plenty = plenty.replace(f'"slots": {slots},', f'"slots": {slots * 40},')
    assert verdict(plenty) == ":green[● met]"


def test_a_queue_says_what_prometheus_itself_says_of_it(prometheus: RecordedPrometheus) -> None:
    app, own = same_moment(
        prometheus, lambda: screen(on_prometheus(prometheus.url, demo_plan()), "queue", "email")
    )
    shown = numbers(app)
    buckets = f'sum by (le) (increase(queue_job_wait_seconds_bucket{{queue="email"}}[{WINDOW}]))'
    p95 = own.one(f"histogram_quantile(0.95, {buckets})")
    assert amount(shown["Wait, 95th percentile"]) == pytest.approx(p95, rel=ROUNDED)
    seconds, count = (
        own.grown(f'queue_job_duration_seconds_{part}{{queue="email"}}') for part in ("sum", "count")
    )
    assert amount(shown["Processing, mean"]) == pytest.approx(seconds / count, rel=ROUNDED)
    assert amount(shown["Ready"]) == own.one('sum(queue_size{queue="email",state=~"waiting|prioritized"})')
    types = next(frame.value for frame in app.dataframe if "Job type" in frame.value)
    assert set(types["Job type"]) == {"invoice", "pickup-reminder", "password-reset"}


def test_a_queue_says_how_idle_its_slots_were_and_how_long_how_many_attempts_took(
    prometheus: RecordedPrometheus,
) -> None:
    what = on_prometheus(prometheus.url, demo_plan())
    app, own = same_moment(prometheus, lambda: screen(what, "queue", "reports"))
    worked = own.grown('queue_job_duration_seconds_sum{queue="reports"}')
    [idle] = re.findall(r"; ([\d.]+ %) idle", words(app))
    assert amount(idle) == pytest.approx(1 - worked / covered(prometheus, own) / 2, abs=0.01)
    page = make_page(what, "15m", "reports", own.at)
    table, edges = heat(page, c.JOB_DURATION)
    # Steps end at whole ones, some seconds before the moment.
    drawn_over = f"[{page.span.seconds:.0f}s] @ {page.span.end_seconds:.3f}"
    for edge in edges:
        selector = f'queue_job_duration_seconds_bucket{{{{queue="reports",le=~"{{}}"}}}}{drawn_over}'
        below = [
            selector.format(rf"{one}(\\.0)?" if one != "longer" else r"\\+Inf")
            for one in (edge, *_before(edge, edges))
        ]
        held = [own.one(f"sum(max_over_time({each}) - min_over_time({each}))") for each in below]
        drawn = table.loc[table["edge"] == edge, "count"].sum()
        assert drawn == pytest.approx(held[0] - sum(held[1:]), abs=0.01)


def _before(edge: str, edges: list[str]) -> list[str]:
    return edges[: edges.index(edge)][-1:]


def test_connections_say_what_info_said(prometheus: RecordedPrometheus) -> None:
    app, own = same_moment(
        prometheus, lambda: screen(on_prometheus(prometheus.url, demo_plan()), "connections")
    )
    shown = numbers(app)
    assert amount(shown["Clients"]) == own.one("sum(queue_redis_connections{})")
    assert shown["Eviction"] == "noeviction"
    mebibytes = own.one("max(queue_redis_memory_bytes{})") / 1024**2
    assert float(shown["Memory"].removesuffix(" MiB")) == pytest.approx(mebibytes, rel=ROUNDED)
    hits, misses = (own.grown(f"queue_redis_keyspace_{of}_total{{}}") for of in ("hits", "misses"))
    assert amount(shown["Keyspace hits"]) == pytest.approx(hits / (hits + misses), rel=ROUNDED)


def test_the_planner_s_answer_for_the_file_s_pool_is_shown(prometheus: RecordedPrometheus) -> None:
    plan = demo_plan() + "\npool:\n  queue: {maxConnections: 25, acquireTimeoutMs: 10000}\n"
    app = screen(on_prometheus(prometheus.url, plan), "connections")
    table = next(frame.value for frame in app.table if "Needed" in frame.value)
    assert list(table["Size"]) == [25]
    assert 0 < table["Needed"].iloc[0] < 25


def test_compare_sets_the_minutes_before_against_those_of_now(prometheus: RecordedPrometheus) -> None:
    app = screen(on_prometheus(prometheus.url, demo_plan()), "compare")
    assert not app.exception
    rows = compared(app)
    assert rows.loc["throughput", "the range before"] == "—"
    assert "○ can't be known" in rows.loc["throughput", CLAIM]
    assert "none of 15 min is known" in words(app)


def test_compare_of_two_queues_says_both(prometheus: RecordedPrometheus) -> None:
    app = screen(on_prometheus(prometheus.url, demo_plan()), "compare")
    app.selectbox(key="of").set_value("email")
    app.selectbox(key="against").set_value("queue reports").run()
    rows = compared(app)
    assert {"reports", "email"} <= set(rows.columns)
    slower, faster = (amount(rows.loc["processing, mean", name]) for name in ("reports", "email"))
    assert slower > 5 * faster


@pytest.mark.parametrize("name", ["overview", "queue", "connections", "compare"])
def test_a_source_that_is_down_is_one_line_and_no_number(name: str) -> None:
    app = screen(on_prometheus("http://127.0.0.1:9"), name, "email" if name == "queue" else None)
    [told] = app.error
    assert "http://127.0.0.1:9" in told.value and "is it running" in told.value and "\n" not in told.value
    assert not app.metric and not app.exception
    assert "no fresh figures" in words(app)


def test_an_empty_source_says_where_to_look(prometheus: RecordedPrometheus) -> None:
    app = whole_app(on_prometheus(prometheus.url, job="nobody"))
    assert "No queue is known yet" in app.info[0].value
    assert not app.metric


def test_an_exporter_alone_shows_what_it_knows_and_says_what_it_does_not(exporter, redis_server) -> None:
    client = redis_server.client()
    client.hset("bull:mine:meta", "opts.maxLenEvents", 10000)
    client.set("bull:mine:id", 3)
    client.lpush("bull:mine:wait", "1", "2", "3")
    source = ExporterSource(exporter(redis_server.url).url).start()
    try:
        app = whole_app(Opened(Settings("exporter", source.url), SharedSource(source), user_file.read(None)))
    finally:
        source.stop()
    table = app.dataframe[-1].value.set_index("Queue")
    assert table.loc["mine", "Ready"] == 3
    shown = numbers(app)
    for name in ("Capacity used", "Finished", "Wait, 95th percentile", "Failures"):
        assert shown[name] == ":gray[not known]"
    assert "give --prometheus" in words(app)
