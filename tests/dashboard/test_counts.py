"""Proves that counts over a period are the jobs that ended in it, of days on which exporters restart and move.

The moments of the jobs are made here and counted by numpy; no code of ours counts them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from dashboard.queues_now import queues_now
from dashboard.sources.prometheus import PrometheusSource
from dashboard.sources.source import Span
from dashboard.trends import pace
from exporter import catalogue as c
from tests.bench.history_of_queues import answered
from tests.dashboard.apps import compared, numbers, on_prometheus, screen, whole_app, words
from tests.planner.stored import served, take_in

SCRAPE, HOUR = 15, 3600
NOW = int(time.time())
# Samples of the minutes to come are there already: screens are always of now.
BEGIN, END = NOW - 7 * HOUR, NOW + 15 * 60
RESTARTED, MOVED = NOW - 400, NOW - 3 * HOUR
PER_HOUR = {("email", "completed"): 1400, ("email", "failed"): 9, ("reports", "completed"): 300}
WAIT_SECONDS, WORK_SECONDS = 0.2, 0.3


@cache
def ended(queue: str, status: str) -> np.ndarray:
    """When jobs ended: as many an hour as said, at random."""
    at_random = np.random.default_rng([len(queue), len(status)])
    hours = (END - BEGIN) / HOUR + 1
    return np.sort(at_random.uniform(BEGIN - HOUR, END, round(PER_HOUR[queue, status] * hours)))


@dataclass(frozen=True, slots=True)
class Copy:
    """An exporter: it is scraped from `since` to `until` but not in `gap`, and counts from 0 at each of `births`."""

    job: str
    instance: str
    offset: int
    births: tuple[float, ...] = (BEGIN - HOUR,)
    since: float = BEGIN
    until: float = END
    gap: tuple[float, float] = (0.0, 0.0)

    @property
    def scraped(self) -> np.ndarray:
        every = np.arange(BEGIN + self.offset, END, SCRAPE)
        held = (every >= self.since) & (every <= self.until)
        return every[held & ((every < self.gap[0]) | (every > self.gap[1]))]

    def counted(self, jobs: np.ndarray) -> np.ndarray:
        """At each scrape, the jobs since the last birth."""
        born = np.array(self.births)[np.searchsorted(self.births, self.scraped, side="right") - 1]
        return np.searchsorted(jobs, self.scraped, side="right") - np.searchsorted(jobs, born, side="right")

    def between(self, jobs: np.ndarray, begin: float, end: float) -> int:
        """Jobs between the scrapes next before both ends, whatever it has counted."""
        ends = (
            np.floor((np.array([begin, end]) - BEGIN - self.offset) / SCRAPE) * SCRAPE + BEGIN + self.offset
        )
        first, last = np.searchsorted(jobs, ends, side="right")
        return int(last - first)


PAIR = (
    Copy("bullgauge", "a:1", 4),
    Copy("bullgauge", "b:1", 11, (BEGIN - HOUR, RESTARTED), gap=(RESTARTED - 20, RESTARTED)),
)
MOVES = (
    Copy("moves", "a:1", 4, until=MOVED),
    Copy("moves", "b:1", 4, (MOVED,), since=MOVED),
)
YOUNG = Copy("young", "a:1", 4, (NOW - 1000,), since=NOW - 1000)


def truth(queue: str, status: str, begin: float, end: float) -> int:
    """Jobs of the stretch, as the copy saw them that saw most of those that did not begin anew within it."""
    whole = [copy for copy in PAIR if not any(begin < birth <= end for birth in copy.births)]
    return max(copy.between(ended(queue, status), begin, end) for copy in whole)


def of_all(status: str, begin: float, end: float) -> int:
    return sum(truth(queue, which, begin, end) for queue, which in PER_HOUR if which == status)


def lines() -> Iterator[str]:
    for copy in (*PAIR, *MOVES, YOUNG):
        own = f'job="{copy.job}",instance="{copy.instance}"'
        yield from (f"{c.REDIS_UP.name}{{{own}}} 1 {at}" for at in copy.scraped)
        yield from (f"{c.LAST_SUCCESS.name}{{{own}}} {at} {at}" for at in copy.scraped)
        for queue, status in PER_HOUR:
            jobs, named = copy.counted(ended(queue, status)), f'{own},prefix="bull",queue="{queue}"'
            yield from samples(copy, f'{c.PROCESSED.name}{{{named},status="{status}"}}', jobs)
            kind = f'{named},job_type="x",status="{status}"'
            yield from samples(copy, f"{c.JOB_DURATION.name}_count{{{kind}}}", jobs)
            yield from samples(copy, f"{c.JOB_DURATION.name}_sum{{{kind}}}", WORK_SECONDS * jobs)
            if status == "completed":
                waiting = 0 * jobs + (queue == "email")
                yield from samples(copy, f'{c.SIZE.name}{{{named},state="waiting"}}', waiting)
                if copy is PAIR[0]:
                    yield f"{c.OLDEST_WAITING.name}{{{named}}} {NOW - 300} {NOW - 120}"
                yield from samples(copy, f"{c.JOB_WAIT.name}_count{{{named}}}", jobs)
                yield from samples(copy, f"{c.JOB_WAIT.name}_sum{{{named}}}", WAIT_SECONDS * jobs)
    overdue = 'job="overdue",instance="d:1",prefix="bull",queue="email"'
    for state, jobs in {"waiting": 0, "delayed": 1}.items():
        yield f'{c.SIZE.name}{{{overdue},state="{state}"}} {jobs} {NOW - 120}'
    yield f"{c.OLDEST_WAITING.name}{{{overdue}}} {NOW - 300} {NOW - 120}"


def samples(copy: Copy, series: str, values: np.ndarray) -> Iterator[str]:
    return (f"{series} {value:.10g} {at}" for at, value in zip(copy.scraped, values, strict=True))


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    place = tmp_path_factory.mktemp("counts")
    take_in(place, sorted(lines(), key=lambda line: line.partition(" ")[0]))
    with served(place) as where:
        yield f"http://{where}"


def of_one_moment(draw: Callable[[], AppTest], grain_seconds: int) -> tuple[AppTest, float]:
    """A screen, and the moment that it is of: screens move on at round times."""
    while True:
        before = time.time() // grain_seconds
        app = draw()
        if time.time() // grain_seconds == before:
            return app, before * grain_seconds


def test_every_step_and_every_total_is_to_the_job(url: str) -> None:
    source, span = PrometheusSource(url), Span(NOW - HOUR, NOW, 60.0)
    steps = source.increase(c.PROCESSED, ("queue", "status"), span)
    whole = source.increase(c.PROCESSED, ("queue", "status"), span.whole())
    ends = [NOW - HOUR + 60 * number for number in range(61)]
    assert set(steps.columns) == set(whole.columns) == set(PER_HOUR)
    for key in PER_HOUR:
        for begin, end, found in zip(ends, ends[1:], steps[key], strict=False):
            # Around the restart one of the copies is not held at both ends.
            seen = sorted(copy.between(ended(*key), begin, end) for copy in PAIR)
            assert found == seen[-1] or (found in seen and begin - 120 < RESTARTED < end + 120)
        assert whole[key].tolist() == [truth(*key, NOW - HOUR, NOW)]


@pytest.mark.parametrize(
    ("copies", "since", "asked"),
    [(MOVES[:1], MOVED - 2 * HOUR, 1), (PAIR, MOVED, 1), (PAIR, RESTARTED - 120, 2), (MOVES, MOVED - 120, 2)],
    ids=["one that stays", "two that stay", "one of two began anew", "moved"],
)
def test_steps_of_counters_that_stay_cost_one_question_and_are_to_the_job_either_way(
    url: str, copies: tuple[Copy, ...], since: float, asked: int
) -> None:
    source = PrometheusSource(url, select={"job": copies[0].job}, scrape_seconds=SCRAPE)
    before = answered(url)
    steps = source.increase(c.PROCESSED, ("prefix", "queue", "status"), Span(since, since + 300, 60.0))
    assert answered(url) - before == asked  # by Prometheus' own count
    assert set(steps.columns) == {("bull", *key) for key in PER_HOUR}
    ends = [since + 60 * number for number in range(6)]
    for key in PER_HOUR:
        for begin, end, found in zip(ends, ends[1:], steps["bull", *key], strict=False):
            seen = {copy.between(ended(*key), begin, end) for copy in copies}
            assert found in seen or (asked == 2 and since <= begin <= since + 180)


@pytest.mark.parametrize("apart", range(0, 60, 15))
def test_the_step_in_which_a_history_begins_has_no_rate(url: str, apart: int) -> None:
    """What was counted since then is of a part of it."""
    source = PrometheusSource(url, select={"job": YOUNG.job}, scrape_seconds=SCRAPE)
    begin = YOUNG.since - 600 + apart
    finished = pace(source, Span(begin, begin + 1200, 60.0))["finished"].dropna()
    first = finished.index[0].timestamp()
    assert YOUNG.since - SCRAPE <= first - 60 <= YOUNG.since + 60
    assert finished.iloc[0] > sum(PER_HOUR.values()) / 2


def test_how_far_samples_lie_apart_is_seen_unless_it_is_said(url: str) -> None:
    assert PrometheusSource(url).scrape_seconds(NOW) == SCRAPE
    assert PrometheusSource(url, scrape_seconds=30.0).scrape_seconds(NOW) == 30.0
    assert PrometheusSource(url, select={"job": "nobody"}).scrape_seconds(NOW) == 60.0


def test_a_total_over_hours_holds_both_parts_of_a_counter_that_moved(url: str) -> None:
    """Of the window of the move one part may be lost, and no more: the planner asks in as narrow ones."""
    source = PrometheusSource(url, select={"job": "moves"})
    whole = Span(NOW - 6 * HOUR, NOW, 6 * HOUR)
    found = source.increase(c.PROCESSED, ("queue", "status"), whole)["email", "completed"].iloc[0]
    jobs = MOVES[0].between(ended("email", "completed"), NOW - 6 * HOUR, NOW)
    window = 6 * HOUR / 24
    assert jobs - PER_HOUR["email", "completed"] * 1.3 * window / HOUR <= found <= jobs
    days = source.increase(c.PROCESSED, ("queue",), Span(NOW - 6 * HOUR, NOW, 3 * HOUR))[("email",)]
    assert len(days) == 2


def test_the_overview_counts_to_the_job(url: str) -> None:
    app, at = of_one_moment(lambda: whole_app(on_prometheus(url)), 15)
    completed, failed = (of_all(status, at - 900, at) for status in ("completed", "failed"))
    shown = numbers(app)
    assert shown["Finished"] == f"{4 * (completed + failed):,} /h"
    assert shown["Failures"] == f"{100 * failed / (completed + failed):.2g} %"
    attempts = f"{completed + failed:,} attempts of the last 15 min"
    assert attempts in words(app)


def test_the_error_budget_is_that_of_the_jobs_of_the_range(url: str) -> None:
    app, at = of_one_moment(lambda: whole_app(on_prometheus(url)), 60)
    completed, failed = (of_all(status, at - HOUR, at) for status in ("completed", "failed"))
    times = failed / (completed + failed) / 0.001
    assert f"{times:#.2g} × the error budget of 0.1 % over the range" in words(app)


def test_a_queue_and_its_job_types_count_to_the_job(url: str) -> None:
    app, at = of_one_moment(lambda: screen(on_prometheus(url), "queue", "email", range_name="1h"), 60)
    completed, failed = (truth("email", status, at - HOUR, at) for status in ("completed", "failed"))
    [types] = [frame.value for frame in app.dataframe if "Job type" in frame.value]
    [row] = types.to_dict("records")
    assert row["Attempts"] == completed + failed
    assert row["Failed"] == pytest.approx(failed / (completed + failed), rel=1e-9)
    assert row["Mean (s)"] == pytest.approx(WORK_SECONDS, rel=1e-3)


def test_compare_counts_both_ranges_to_the_job(url: str) -> None:
    app, at = of_one_moment(lambda: screen(on_prometheus(url), "compare", range_name="1h"), 60)
    rows = compared(app)
    for name, end in (("the range before", at - HOUR), ("now", at)):
        ended_ = sum(of_all(status, end - HOUR, end) for status in ("completed", "failed"))
        assert rows.loc["throughput", name] == f"{ended_:,} /h"
        share = of_all("failed", end - HOUR, end) / ended_
        assert rows.loc["failures", name] == f"{100 * share:.2g} %"


def test_the_oldest_job_is_told_while_one_waits(url: str) -> None:
    """Its gauge is still there by the look-back: blocks hold no mark of its end."""
    assert oldest_waiting_seconds(PrometheusSource(url)) == {"email": 300.0, "reports": None}


def test_a_job_that_is_overdue_in_delayed_waits_too(url: str) -> None:
    overdue = PrometheusSource(url, select={"job": "overdue"})
    assert oldest_waiting_seconds(overdue) == {"email": 300.0}


def oldest_waiting_seconds(source: PrometheusSource) -> dict[str, float | None]:
    now = queues_now(source, Span(NOW - 900, NOW, 900.0))
    return {one.name: one.oldest_waiting_seconds for one in now}
