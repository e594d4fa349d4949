"""Proves that buckets asked for at a lower price are those of the planner's question, whatever exporters went through.

The counts at each scrape are written here by hand; the quiet hour is counted without any of our code.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from dashboard.sources.prometheus import PrometheusSource
from dashboard.sources.query import increase_query
from dashboard.sources.source import Span
from exporter import catalogue as c
from tests.planner.stored import served, take_in

SCRAPE, BEGIN, END = 15, 1_700_000_000, 1_700_007_200
TIMES = np.arange(BEGIN, END + 1, SCRAPE)
AMID = (BEGIN + END) // 2
EDGES = {"0.1": 0.25, "0.25": 0.5, "+Inf": 1.0}
A_SECOND = 4
BY = ("queue", "le")


def grown(since: int = BEGIN, start: int = 0) -> dict[str, np.ndarray]:
    """Four jobs a second, of which a half took at most a quarter of a second."""
    jobs = start + A_SECOND * (TIMES - since)
    return {edge: jobs * share for edge, share in EDGES.items()}


def anew() -> dict[str, np.ndarray]:
    before, after = grown(), grown(AMID)
    return {edge: np.where(TIMES < AMID, before[edge], after[edge]) for edge in EDGES}


def anew_and_further() -> dict[str, np.ndarray]:
    """Begun anew, and within a scrape further than before: only the shorter waits tell."""
    counts = {"0.1": (40, 9), "0.25": (40, 20), "+Inf": (40, 70)}
    return {edge: np.where(TIMES < AMID, one, other) for edge, (one, other) in counts.items()}


QUIET = {"calm": [(grown(), TIMES == TIMES)], "pair": [(grown(), TIMES == TIMES), (grown(), TIMES >= AMID)]}
EVENTS = {
    "comes": [(grown(AMID), TIMES >= AMID)],
    "comes-with-jobs": [(grown(AMID, 50), TIMES >= AMID)],
    "leaves": [(grown(), TIMES <= AMID)],
    "moves": [(grown(), TIMES < AMID), (grown(AMID), TIMES >= AMID)],
    "begins-anew": [(anew(), TIMES == TIMES)],
    "begins-anew-beside-one": [(anew(), TIMES == TIMES), (grown(), TIMES == TIMES)],
    "begins-anew-and-further": [(anew_and_further(), TIMES == TIMES)],
    "missed": [(grown(), (TIMES < AMID) | (TIMES > AMID + 120))],
}


def lines() -> Iterator[str]:
    for job, copies in {**QUIET, **EVENTS}.items():
        for number, (buckets, held) in enumerate(copies):
            own = f'job="{job}",instance="{number}",prefix="bull",queue="email"'
            for edge, counts in buckets.items():
                yield from samples(f'{c.JOB_WAIT.name}_bucket{{{own},le="{edge}"}}', counts, held)
            yield from samples(f"{c.JOB_WAIT.name}_count{{{own}}}", buckets["+Inf"], held)


def samples(series: str, counts: np.ndarray, held: np.ndarray) -> Iterator[str]:
    return (f"{series} {count:g} {at}" for count, at in zip(counts[held], TIMES[held], strict=True))


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    place = tmp_path_factory.mktemp("buckets")
    take_in(place, sorted(lines(), key=lambda line: line.partition(" ")[0]))
    with served(place) as where:
        yield f"http://{where}"


@pytest.mark.parametrize("job", QUIET)
def test_buckets_of_a_quiet_hour_are_counted_to_the_job(url: str, job: str) -> None:
    source = PrometheusSource(url, select={"job": job}, scrape_seconds=SCRAPE)
    found = source.increase(c.JOB_WAIT, BY, Span(END - 3600, END, 600.0), part="bucket")
    assert set(found.columns) == {("email", edge) for edge in EDGES}
    for edge, share in EDGES.items():
        assert found["email", edge].tolist() == [600 * A_SECOND * share] * 6


@pytest.mark.parametrize("step_seconds", [120.0, 600.0, 3600.0])
@pytest.mark.parametrize("job", {**QUIET, **EVENTS})
def test_buckets_are_those_of_the_planners_question(url: str, job: str, step_seconds: float) -> None:
    source = PrometheusSource(url, select={"job": job}, scrape_seconds=SCRAPE)
    span = Span(AMID - 1800, AMID + 1800, step_seconds)
    found = source.increase(c.JOB_WAIT, BY, span, part="bucket")
    query = increase_query(c.JOB_WAIT, BY, {"job": job}, "bucket", step_seconds, SCRAPE)
    wanted = source.ask(query, BY, span)
    assert len(wanted.columns) == len(EDGES)
    assert found.equals(wanted)
