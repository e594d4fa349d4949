"""Knows how growth is told from weekdays and from chance, and which work counts as webhooks."""

from __future__ import annotations

import math

import numpy as np
import pytest

from dashboard.growth import FEWEST_DAYS, of_days
from dashboard.queues_now import queues_now
from dashboard.sources.exporter import ExporterSource
from dashboard.sources.source import Span
from dashboard.webhooks import webhooks
from exporter import catalogue as c

WEEK = np.array([1.0, 1.1, 1.05, 1.0, 0.9, 0.3, 0.25])


def days(per_day: float, count: int = 28, first: int = 0, noise: float = 0.0, seed: int = 3) -> np.ndarray:
    at = np.arange(count)
    jitter = np.random.default_rng(seed).normal(0, noise, count)
    return np.asarray(10_000 * WEEK[(at + first) % 7] * (1 + per_day) ** at * np.exp(jitter))


@pytest.mark.parametrize("first", range(7))
@pytest.mark.parametrize("per_day", [0.002, 0.01, 0.05])
def test_growth_is_found_below_weekends_whatever_day_it_begins_on(per_day: float, first: int) -> None:
    found = of_days(days(per_day, first=first))
    assert found.per_day == pytest.approx(per_day, rel=1e-6)
    assert found.days_until(2.0) == pytest.approx(math.log(2) / math.log1p(per_day), rel=1e-6)


@pytest.mark.parametrize("count", [15, 20, 28])
def test_chance_above_a_week_that_repeats_is_seldom_taken_for_growth(count: int) -> None:
    """One in forty by Student's law: 17.5 of 700, with a standard deviation of 4."""
    tries = [of_days(days(0.0, count, seed % 7, noise=0.05, seed=seed)) for seed in range(700)]
    assert sum(bool(one.per_day) for one in tries) <= 17.5 + 4 * 4
    quiet = next(one for one in tries if not one.per_day)
    assert quiet.per_day == 0.0 and "no growth that stands out" in quiet.why
    assert quiet.days_until(2.0) is None


@pytest.mark.parametrize("count", range(FEWEST_DAYS + 1))
def test_of_less_than_two_weeks_nothing_is_said(count: int) -> None:
    """The first day is never counted: it is seldom whole."""
    found = of_days(days(0.05, count))
    assert found.per_day is None and found.why.startswith("needs 14 whole days of history")


def test_days_that_are_missing_are_left_out_and_days_of_one_weekday_tell_nothing() -> None:
    holes = days(0.01)
    holes[[3, 4, 11, 20]] = [np.nan, 0.0, np.nan, np.nan]
    assert of_days(holes).per_day == pytest.approx(0.01, rel=1e-6)


def test_a_fall_is_no_growth() -> None:
    assert of_days(days(-0.02, noise=0.01)).days_until(1.5) is None


# --- webhooks ------------------------------------------------------------------------------------------------------


def page(started: int, queue: str, kind: str) -> str:
    """What an exporter tells when so many jobs of a type have each waited 0.2 s and worked 0.3 s."""
    own = f'prefix="bull",queue="{queue}"'
    work = f'{own},job_type="{kind}",status="completed"'
    lines = [f"{c.REDIS_UP.name} 1"]
    lines += [f'{c.SIZE.name}{{{own},state="{state}"}} 0' for state in c.JOB_STATES]
    lines += [f'{c.JOB_WAIT.name}_bucket{{{own},le="{edge}"}} {started}' for edge in ("0.25", "0.5", "+Inf")]
    lines += [
        f"{c.JOB_WAIT.name}_count{{{own}}} {started}",
        f"{c.JOB_WAIT.name}_sum{{{own}}} {0.2 * started}",
    ]
    lines += [f"{c.JOB_DURATION.name}_count{{{work}}} {started}"]
    lines += [f"{c.JOB_DURATION.name}_sum{{{work}}} {0.3 * started}"]
    return "\n".join([*lines, ""])


def looked_at(queue: str, kind: str) -> tuple[ExporterSource, Span]:
    source = ExporterSource("http://there")
    for at in range(0, 245, 5):
        source.history.add(at, page(at, queue, kind))
    return source, Span(0, 240, 240)


@pytest.mark.parametrize(
    ("queue", "kind", "name"),
    [
        ("external-api-coordination", "contract-webhook", "contract-webhook of external-api-coordination"),
        ("webhooks", "signed", "webhooks"),
    ],
)
def test_webhooks_are_queues_and_job_types_of_that_name(queue: str, kind: str, name: str) -> None:
    """None of the report's queues is called so: its webhooks are jobs among others."""
    source, recent = looked_at(queue, kind)
    [found] = webhooks(source, queues_now(source, recent), recent)
    assert found.name == name
    assert found.work_mean_seconds == pytest.approx(0.3)
    assert found.wait_p95_seconds == pytest.approx(0.95 * 0.25, abs=0.02)
    assert found.seconds == pytest.approx(0.5375, abs=0.02)


def test_without_a_webhook_there_is_none() -> None:
    source, recent = looked_at("email", "invoice")
    assert webhooks(source, queues_now(source, recent), recent) == ()
