"""Proves what a fit and a forecast make of days that a real Prometheus holds, whose making is known.

The days are made here (no code of ours counts them), written as OpenMetrics and taken in by promtool.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest

from planner import cli
from tests.planner.stored import served, take_in

BEGIN, DAYS, SCRAPE = 1_761_523_200, 4, 120  # Monday 2025-10-27 00:00 UTC
END = BEGIN + DAYS * 86400
EDGES = (0.1, 0.25, 0.5, 1.0, 2.5, 10.0, math.inf)
RESTART, AWAY = BEGIN + 50 * 3600, 40 * 60
YOUNG = 840


@dataclass(frozen=True, slots=True)
class Made:
    """The days as they were, and where they are held."""

    url: str
    arrivals: np.ndarray
    services: np.ndarray
    failed: int
    retried: int

    def by_hour(self) -> np.ndarray:
        return np.bincount(((self.arrivals - BEGIN) // 3600).astype(int), minlength=DAYS * 24).astype(float)


def make(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Arrivals with the shape of a day, lognormal services, and what fails (0 no, 1 retry, 2 for good)."""
    hours = np.arange(DAYS * 24)
    rates = 700 * (1 + 0.8 * np.sin((hours % 24 - 9) / 24 * 2 * np.pi))
    counts = random.poisson(rates)
    arrivals = np.concatenate(
        [BEGIN + h * 3600 + np.sort(random.random(n)) * 3600 for h, n in enumerate(counts)]
    )
    services = random.lognormal(-1.0, 1.0, len(arrivals))
    return arrivals, services, random.choice(3, len(arrivals), p=(0.9, 0.09, 0.01))


def counters(
    arrivals: np.ndarray, services: np.ndarray, fails: np.ndarray
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Each counter as moments and how much it grows at each."""
    ends = arrivals + services
    gaps = np.diff(arrivals, prepend=arrivals[0])
    one = np.ones(len(arrivals))
    found = {
        "queue_job_wait_seconds_count": (arrivals, one),
        "queue_job_arrival_interval_square_seconds_total": (arrivals, gaps**2),
        'queue_job_duration_seconds_sum{job_type="a",status="completed"}': (ends, services),
        'queue_job_duration_seconds_count{job_type="a",status="completed"}': (ends, one),
        "queue_job_duration_square_seconds_total": (ends, services**2),
        'queue_jobs_processed_total{status="completed"}': (ends, (fails == 0) * 1.0),
        'queue_jobs_processed_total{status="failed"}': (ends, (fails == 2) * 1.0),
        'queue_jobs_requeued_total{reason="delayed"}': (ends, (fails == 1) * 1.0),
        'queue_jobs_requeued_total{reason="stalled"}': (ends, np.zeros(len(ends))),
    }
    for edge in EDGES:
        name = "+Inf" if math.isinf(edge) else f"{edge:g}"
        text = f'queue_job_duration_seconds_bucket{{job_type="a",status="completed",le="{name}"}}'
        found[text] = (ends, (services <= edge) * 1.0)
    return found


def lines(
    name: str, moments: np.ndarray, grows: np.ndarray, labels: str, since: int, until: int, scrape: int
) -> list[str]:
    """Samples of a counter that begins at 0 at `since`, as scrapes see it."""
    at = np.arange(since, until + 1, scrape)
    order = np.argsort(moments)
    total = np.append(0.0, np.cumsum(grows[order]))
    seen = total[np.searchsorted(moments[order], at, side="right")]
    base = total[np.searchsorted(moments[order], since, side="right")] if since > BEGIN else 0.0
    metric, _, own = name.partition("{")
    inside = ",".join(part for part in (own.rstrip("}"), labels) if part)
    return [
        f"{metric}{{{inside}}} {value - base:.9g} {moment}" for moment, value in zip(at, seen, strict=True)
    ]


def written(made: dict[str, tuple[np.ndarray, np.ndarray]]) -> Iterator[str]:
    """Two exporters on one Redis; the second is started anew after being away. A third job is 15 minutes old."""
    whose = 'prefix="bull",queue="email",env="prod"'
    for name in sorted(made):
        moments, grows = made[name]
        yield from lines(name, moments, grows, f'{whose},job="bullgauge",instance="a:1"', BEGIN, END, SCRAPE)
        for since, until in ((BEGIN, RESTART), (RESTART + AWAY, END)):
            yield from lines(
                name, moments, grows, f'{whose},job="bullgauge",instance="b:1"', since, until, SCRAPE
            )
        yield from lines(
            name, moments, grows, f'{whose},job="young",instance="c:1"', END - YOUNG, END, SCRAPE
        )
    for job in ("bullgauge", "young"):
        since = BEGIN if job == "bullgauge" else END - YOUNG
        yield from (
            f'queue_redis_up{{env="prod",job="{job}",instance="a:1"}} 1 {at}'
            for at in range(since, END + 1, SCRAPE)
        )


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    place = tmp_path_factory.mktemp("stored")
    arrivals, services, fails = make(np.random.default_rng(21))
    take_in(place, written(counters(arrivals, services, fails)))
    with served(place) as where:
        yield Made(f"http://{where}", arrivals, services, int((fails == 2).sum()), int((fails == 1).sum()))


def answered(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, object]:
    status = cli.main([*words, "--json"])
    told = capsys.readouterr()
    assert status == 0, told.err
    queues: list[dict[str, object]] = json.loads(told.out)["queues"]
    return queues[0]


def span(made: Made, job: str = "bullgauge") -> list[str]:
    words = ["--prometheus", made.url, "--from", str(BEGIN), "--to", str(END)]
    return [*words, "--selector", f'job="{job}"']


def test_days_seen_by_two_exporters_of_which_one_was_away_are_fitted_once(
    stored: Made, capsys: pytest.CaptureFixture[str]
) -> None:
    found = answered(capsys, "fit", *span(stored))
    jobs, services = len(stored.arrivals), stored.services
    assert found["arrivals_per_second"]["value"] == pytest.approx(jobs / (DAYS * 86400), rel=0.005)
    assert found["arrivals_per_second"]["count"] == pytest.approx(jobs, rel=0.005)
    assert found["service_seconds"]["value"] == pytest.approx(services.mean(), rel=0.005)
    assert found["service_squared_cv"]["value"] == pytest.approx(
        services.var() / services.mean() ** 2, rel=0.02
    )
    assert found["job_failure_ratio"]["value"] == pytest.approx(
        stored.failed / (jobs - stored.retried), rel=0.02
    )
    assert found["attempt_failure_ratio"]["value"] == pytest.approx(
        (stored.failed + stored.retried) / jobs, rel=0.02
    )
    assert found["target"] == {"env": "prod", "job": "bullgauge"}


def test_the_day_has_its_shape_and_within_the_hour_arrivals_are_poisson(
    stored: Made, capsys: pytest.CaptureFixture[str]
) -> None:
    found = answered(capsys, "fit", *span(stored))
    truth = stored.by_hour().reshape(DAYS, 24).sum(axis=0)
    assert found["arrivals_by_hour_utc"] == pytest.approx((truth / truth.mean()).tolist(), abs=0.06)
    intervals = np.diff(stored.arrivals)
    assert intervals.var() / intervals.mean() ** 2 > 1.5, "naively the shape of the day looks like bursts"
    assert found["arrivals_squared_cv"]["value"] == pytest.approx(1.0, abs=0.05)
    assert found["queue"]["arrivals"]["process"] == "profile"


def test_the_law_of_services_is_told_from_buckets_and_square_sums(
    stored: Made, capsys: pytest.CaptureFixture[str]
) -> None:
    found = answered(capsys, "fit", *span(stored))
    assert found["queue"]["service"]["law"] == "lognormal"
    assert found["queue"]["service"]["sigma"] == pytest.approx(1.0, abs=0.03)


def test_capacity_is_not_known_where_no_saturated_worker_was_seen(
    stored: Made, capsys: pytest.CaptureFixture[str]
) -> None:
    slots = answered(capsys, "fit", *span(stored))["slots"]
    assert slots["kind"] == "unknown" and slots["count"] is None and "can't be known" in slots["why"]
    given = answered(capsys, "fit", *span(stored), "--slots", "email=7")["slots"]
    assert (given["kind"], given["count"]) == ("known", 7)


def test_a_forecast_of_what_prometheus_holds_is_made_of_the_hours_as_they_were(
    stored: Made, capsys: pytest.CaptureFixture[str]
) -> None:
    found = answered(capsys, "forecast", *span(stored))
    hours = stored.by_hour().reshape(DAYS, 24)
    assert found["hours_known"] == pytest.approx(DAYS * 24, abs=1)
    assert found["model"]["level_per_hour"] == pytest.approx(hours.mean(), rel=0.05)
    expected = np.array([hour["expected"] for hour in found["hours"][:24]])
    assert np.abs(expected - hours.mean(axis=0)).mean() < 0.08 * hours.mean()
    assert found["peak"]["low"] < hours.max() * 1.02 and found["peak"]["high"] > hours.mean(axis=0).max()


def test_a_prometheus_that_holds_minutes_of_days_is_refused_with_what_would_fit(
    stored: Made, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["fit", *span(stored, "young")]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert "holds 14m of the 4d asked for; give --from now-14m" in line
    assert cli.main(["forecast", *span(stored, "young")]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert "holds no whole hour" in line or "too short" in line


def test_the_time_before_the_exporter_began_is_not_taken_for_time_without_jobs(
    stored: Made, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--prometheus", stored.url, "--from", str(END - 1200), "--to", str(END)]
    found = answered(capsys, "fit", *words, "--selector", 'job="young"')
    [came] = np.histogram(stored.arrivals, [END - YOUNG, END])[0]
    # It began amid a step of ten minutes: its jobs over whole steps would be a third too few a second.
    assert found["seconds"] == pytest.approx(YOUNG, abs=SCRAPE / 5)
    assert found["arrivals_per_second"]["value"] == pytest.approx(came / YOUNG, rel=0.02)


@pytest.mark.parametrize(
    ("selector", "said"),
    [('job="other"', "holds no queue with"), ("job=", "parse error"), ('job="bullgauge"}', "parse error")],
)
def test_a_selector_that_finds_nothing_or_is_none_is_told_in_one_line(
    stored: Made, capsys: pytest.CaptureFixture[str], selector: str, said: str
) -> None:
    words = [
        "fit",
        "--prometheus",
        stored.url,
        "--from",
        str(BEGIN),
        "--to",
        str(END),
        "--selector",
        selector,
    ]
    assert cli.main(words) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert said in line
