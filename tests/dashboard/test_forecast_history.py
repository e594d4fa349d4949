"""Weeks of history in a real Prometheus: hours, forecast and fit as the planner's own command finds them there."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from dashboard import user_file
from dashboard.overview import overview
from dashboard.page import Page, fitted
from dashboard.plan.ahead import Ahead
from dashboard.plan.document import read
from dashboard.plan.hours import hours
from dashboard.plan.live import live
from dashboard.plan.seen import seen
from dashboard.plan.work import Work
from dashboard.sources.prometheus import PrometheusSource
from dashboard.sources.shared import SharedSource
from dashboard.sources.source import Span
from exporter import catalogue as c
from planner.fit.fitting import fit
from planner.forecast.output import Answer, values
from tests.alerts.conftest import promtool, tool
from tests.processes import Program
from tests.servers import free_port

WEEKS = 6
WEEKLY_GROWTH = 1.03
SCRAPE = 240
END = int(time.time()) // 3600 * 3600
BEGAN = END - WEEKS * 168 * 3600
SERVICE_SECONDS = 0.8
FLEET = {"queues": [{"name": "email", "concurrency": 1, "jobs_per_hour": 1000,
                     "service": {"law": "exponential", "mean": SERVICE_SECONDS}}]}  # fmt: skip


def mean_an_hour(moments: np.ndarray) -> np.ndarray:
    """A day with its peak at 14 h UTC, quiet weekends, 3 % more each week."""
    day = 1 + 0.7 * np.cos(2 * math.pi * (moments / 3600 % 24 - 14) / 24)
    weekday = (moments // 86400 + 3) % 7  # 1 January 1970 was a Thursday
    week = (moments - BEGAN) / 604800
    return np.asarray(1200 * day * np.where(weekday >= 5, 0.3, 1.0) * WEEKLY_GROWTH**week)


def jobs_an_hour() -> np.ndarray:
    """Poisson, of one seed."""
    return np.random.default_rng(7).poisson(mean_an_hour(BEGAN + 3600 * np.arange(WEEKS * 168)))


def put_there(start: float, end: float) -> float:
    """Jobs between two moments."""
    jobs = jobs_an_hour()
    moments = BEGAN + 3600.0 * np.arange(len(jobs) + 1)
    held = np.concatenate([[0.0], np.cumsum(jobs)])
    first, last = np.interp([start, end], moments, held)
    return float(last - first)


def openmetrics() -> str:
    """What an exporter of one queue would have shown: jobs at even times within each hour, services exponential."""
    each = 3600 // SCRAPE
    jobs = np.repeat(jobs_an_hour() / each, each)
    count = np.concatenate([[0.0], np.cumsum(jobs)])
    moments = BEGAN + SCRAPE * np.arange(len(count))
    interval = np.concatenate([[0.0], np.cumsum(2.0 * SCRAPE**2 / jobs)])
    queue = 'prefix="bull",queue="email"'
    series: dict[str, Any] = {
        f"{c.REDIS_UP.name}{{{{}}}}": np.ones(len(count)),
        f"{c.ADDED.name}{{{{{queue}}}}}": count,
        f"{c.JOB_WAIT.name}_count{{{{{queue}}}}}": count,
        f"{c.JOB_WAIT.name}_sum{{{{{queue}}}}}": 0.1 * count,
        f'{c.JOB_DURATION.name}_count{{{{{queue},job_type="send",status="completed"}}}}': count,
        f'{c.JOB_DURATION.name}_sum{{{{{queue},job_type="send",status="completed"}}}}': SERVICE_SECONDS
        * count,
        f"{c.JOB_DURATION_SQUARE.name}{{{{{queue}}}}}": 2 * SERVICE_SECONDS**2 * count,
        f"{c.ARRIVAL_SQUARE.name}{{{{{queue}}}}}": interval,
        f'{c.PROCESSED.name}{{{{{queue},status="completed"}}}}': count,
        f'{c.PROCESSED.name}{{{{{queue},status="failed"}}}}': 0 * count,
        f"{c.WORKERS.name}{{{{{queue}}}}}": 0 * count + 1,
        f"{c.WORKERS_SATURATED.name}{{{{{queue}}}}}": 0 * count,
    }
    for state in c.JOB_STATES:
        series[f'{c.SIZE.name}{{{{{queue},state="{state}"}}}}'] = 0 * count + (state == "active")
    for edge in (0.1, 0.5, 1.0, 2.5, 10.0, math.inf):
        share = 1 - math.exp(-edge / SERVICE_SECONDS)
        told = "+Inf" if math.isinf(edge) else f"{edge:g}"
        own = f'{queue},job_type="send",status="completed",le="{told}"'
        series[f"{c.JOB_DURATION.name}_bucket{{{{{own}}}}}"] = share * count
    lines = []
    for name, samples in sorted(series.items()):
        told = name.replace("{{}}", '{job="bullgauge",instance="one"}')
        told = told.replace("{{", '{job="bullgauge",instance="one",').replace("}}", "}")
        lines += [f"{told} {value:.10g} {at}" for value, at in zip(samples, moments, strict=True)]
    return "\n".join([*lines, "# EOF", ""])


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    tool("prometheus", "prometheus", "--version")
    place = tmp_path_factory.mktemp("weeks")
    (place / "history.om").write_text(openmetrics())
    # One block: with a block every two hours it takes minutes.
    once = ("create-blocks-from", "--max-block-duration=2000h", "openmetrics")
    promtool("tsdb", *once, str(place / "history.om"), str(place / "tsdb"))
    (place / "prometheus.yaml").write_text("{}\n")
    port = free_port()
    program = Program(
        [
            "prometheus",
            f"--config.file={place}/prometheus.yaml",
            f"--storage.tsdb.path={place}/tsdb",
            "--storage.tsdb.retention.time=100d",
            f"--web.listen-address=127.0.0.1:{port}",
        ]
    )
    program.wait_for("Server is ready to receive web requests", 30)
    yield f"http://127.0.0.1:{port}"
    program.kill()


def planner(*arguments: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", "planner", *arguments, "--json"], capture_output=True, text=True
    )
    assert done.returncode in (0, 1), done.stderr
    return json.loads(done.stdout)


def test_hours_are_those_that_were_put_there(prometheus: str) -> None:
    [(name, history)] = hours(PrometheusSource(prometheus), END + 60).items()
    assert name == "email"
    assert history.start == BEGAN
    assert history.counts == pytest.approx(jobs_an_hour(), rel=0.08)
    assert history.counts.sum() == pytest.approx(jobs_an_hour().sum(), rel=0.01)


def test_an_hour_later_only_the_days_that_are_not_over_are_asked_again(prometheus: str) -> None:
    source = SharedSource(PrometheusSource(prometheus))
    earlier = hours(source, END - 3540)["email"]
    first = source.asked
    later = hours(source, END + 60)["email"]
    assert list(later.counts[:-1]) == list(earlier.counts)
    # Days without figures are asked for again: they may be there by then.
    assert source.asked - first < first - 7 * (WEEKS - 1)


def test_weeks_ahead_and_slots_by_the_hour_are_what_the_command_answers(
    prometheus: str, tmp_path: Path
) -> None:
    (tmp_path / "fleet.yaml").write_text(yaml.safe_dump(FLEET))
    arguments = ("--prometheus", prometheus, "--from", f"{BEGAN}", "--to", f"{END}", "--weeks", "2")
    [told] = planner("forecast", *arguments, "--fleet", str(tmp_path / "fleet.yaml"))["queues"]
    history = hours(PrometheusSource(prometheus), END + 60)["email"]
    ahead = Ahead("email", history, 2, UTC, read(FLEET, "fleet").queues[0])
    known = {key: job() for key, job in ahead.first().items()}
    known |= {key: job() for key, job in ahead.then(known).items()}
    answer = ahead.answer(known)
    assert answer is not None
    mine = values(answer, UTC)
    assert mine["peak"]["hour"] == told["peak"]["hour"]
    for word in ("jobs", "low", "high"):
        assert mine["peak"][word] == pytest.approx(told["peak"][word], rel=1e-6)
    assert mine["breaks"] == {
        **told["breaks"],
        "bears_jobs_per_hour": pytest.approx(told["breaks"]["bears_jobs_per_hour"]),
    }
    slots = [hour["slots_high"] for hour in mine["hours"]]
    assert len(slots) == 2 * 168 and set(slots) == {1, 2}
    assert slots == [hour["slots_high"] for hour in told["hours"]]


# What follows is held against what was put there, by formulas of the tests' own.


def waits_longer(slots: int, per_second: float, bound: float) -> float:
    """Erlang's C: the share of jobs that wait longer than a bound, of services that are exponential."""
    load, blocked = per_second * SERVICE_SECONDS, 1.0
    if load >= slots:
        return 1.0
    for count in range(1, slots + 1):
        blocked = load * blocked / (count + load * blocked)
    wait = blocked / (1 - load / slots * (1 - blocked))
    return wait * math.exp(-(slots / SERVICE_SECONDS - per_second) * bound)


def answered(prometheus: str, weeks: int, fleet: dict[str, Any]) -> Answer:
    ahead = Ahead(
        "email",
        hours(PrometheusSource(prometheus), END + 60)["email"],
        weeks,
        UTC,
        read(fleet, "fleet").queues[0],
    )
    known = {key: job() for key, job in ahead.first().items()}
    known |= {key: job() for key, job in ahead.then(known).items()}
    answer = ahead.answer(known)
    assert answer is not None and answer.found is not None
    return answer


def test_days_of_growth_left_are_those_of_the_growth_that_was_put_there(prometheus: str) -> None:
    slots = 2
    fleet = {"queues": [{**FLEET["queues"][0], "concurrency": slots}]}
    source = SharedSource(PrometheusSource(prometheus))
    recent = Span(END - 4 * SCRAPE, END, 4 * SCRAPE)
    file = user_file.understood(yaml.safe_dump(fleet), Path("fleet.yaml"))
    seen = overview(Page(source, fitted(3600, END, 960), recent, END, "1h", file.thresholds, file=file.asked))
    assert seen.growth.days == 27
    assert seen.growth.per_day == pytest.approx(WEEKLY_GROWTH ** (1 / 7) - 1, rel=0.15)
    used = jobs_an_hour()[-1] / 3600 * SERVICE_SECONDS / slots
    assert seen.capacity.used == pytest.approx(used, rel=0.05)
    days = seen.growth.days_until(1 / used)
    assert days == pytest.approx(7 * math.log(1 / used) / math.log(WEEKLY_GROWTH), rel=0.15)


def test_the_hour_when_the_objective_breaks_is_the_one_that_the_growth_leads_to(prometheus: str) -> None:
    ahead = END + 3600 * np.arange(4 * 168)
    coming = mean_an_hour(ahead)
    peaks = np.flatnonzero((ahead // 3600 % 24 == 14) & (coming > 1200))
    # Between two peaks of weekdays, a week and a half from now.
    borne = math.sqrt(coming[peaks[7]] * coming[peaks[8]]) / 3600
    bound = math.log(borne * SERVICE_SECONDS / 0.05) / (1 / SERVICE_SECONDS - borne)
    assert waits_longer(1, borne, bound) == pytest.approx(0.05)
    found = answered(
        prometheus, 4, {"queues": [{**FLEET["queues"][0], "objectives": {"p95_wait": f"{bound:.4f}s"}}]}
    )
    assert found.breaks is not None and found.breaks.expected_at is not None
    assert found.breaks.jobs_per_hour == pytest.approx(borne * 3600, rel=0.012)
    assert found.found is not None
    [first, *_] = ahead[np.flatnonzero(found.found.ahead.expected > found.breaks.jobs_per_hour)]
    assert found.breaks.expected_at == first
    [truth] = ahead[peaks[8:9]]
    # A day is 0.4 % of growth, about what 40,000 jobs a week tell of the height of one hour.
    assert abs(found.breaks.expected_at - truth) <= 4 * 86_400
    assert (found.breaks.expected_at // 3600) % 24 in (13, 14, 15)


def test_slots_by_the_hour_are_the_fewest_that_meet_the_objective(prometheus: str) -> None:
    found = answered(prometheus, 1, {"queues": [{**FLEET["queues"][0], "objectives": {"p95_wait": "750ms"}}]})
    assert found.staffing is not None and found.found is not None
    expected = found.found.ahead.expected
    truth = mean_an_hour(END + 3600 * np.arange(len(expected)))
    assert expected == pytest.approx(truth, rel=0.15)
    assert expected.sum() == pytest.approx(truth.sum(), rel=0.03)

    def fewest(jobs: float) -> int:
        return next(n for n in range(1, 50) if waits_longer(n, jobs / 3600, 0.75) <= 0.05)

    # Slots are found at a hundred loads, 5 % apart at most, and an hour takes those of the next load up.
    for jobs, slots in zip(expected, found.staffing.expected, strict=True):
        assert fewest(jobs) <= slots <= fewest(jobs * 1.06)


def test_a_live_workload_is_what_the_command_fits(prometheus: str) -> None:
    source = PrometheusSource(prometheus)
    span = fitted(86_400.0, END, 960)
    found = seen(source, span)
    arguments = (
        "--prometheus",
        prometheus,
        "--from",
        f"{span.start_seconds:.0f}",
        "--to",
        f"{span.end_seconds:.0f}",
    )
    [told] = planner("fit", *arguments)["queues"]
    fits = fit(found["email"])
    assert fits.arrivals is not None and fits.service is not None
    assert fits.arrivals.rate.value == pytest.approx(told["arrivals_per_second"]["value"], rel=0.01)
    assert fits.service.mean.value == pytest.approx(SERVICE_SECONDS, rel=0.01)
    assert fits.service.mean.value == pytest.approx(told["service_seconds"]["value"], rel=0.01)
    assert fits.service.scv.value == pytest.approx(1.0, abs=0.02)
    # The truth of what was put there: jobs lie evenly within their hour, and the span ends within one.
    truth = put_there(span.start_seconds, span.end_seconds) / span.seconds
    assert fits.arrivals.rate.value == pytest.approx(truth, rel=0.02)


def test_slots_that_nothing_tells_are_unknown_and_said(prometheus: str) -> None:
    found = seen(PrometheusSource(prometheus), Span(END - 86_400, END, 960))
    without = live(found, None, None)
    assert without.document is None
    assert "give --config" in without.left_out["email"]
    with_file = live(found, read(FLEET, "fleet"), FLEET)
    assert with_file.document is not None
    [entry] = with_file.document["queues"]
    assert entry["concurrency"] == 1
    assert "jobs_per_hour" not in entry
    assert read(with_file.document, "live").queues[0].question.fleet.slots == 1


def test_work_is_done_once_and_what_is_not_asked_for_any_more_is_dropped() -> None:
    done: list[str] = []
    work = Work(threads=1)
    jobs = {name: (lambda name=name: done.append(name) or name) for name in ("a", "b")}  # type: ignore[misc]
    assert work.answers("one", jobs, 5.0) == {"a": "a", "b": "b"}
    assert work.answers("two", jobs, 5.0) == {"a": "a", "b": "b"}
    assert done == ["a", "b"]
