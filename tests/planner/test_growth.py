"""Proves how much a counter grew, of days on which exporters and scrapes fail, as a real Prometheus holds them.

The moments of the jobs are made here and counted by numpy; no code of ours counts them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest

from planner.fit.prometheus import observe_range
from planner.forecast.stored_hours import counts_of_prometheus
from planner.stored.http import address
from planner.stored.ranges import Prometheus, Range
from tests.planner.stored import served, take_in

BEGIN = 1_761_523_200  # Monday 2025-10-27 00:00 UTC
HOUR, HOURS, SCRAPE, OFFSET = 3600, 6, 60, 7
END = BEGIN + HOURS * HOUR
STEP = 4 * SCRAPE
NAME = "queue_job_wait_seconds_count"
PER_HOUR = 1800


def at(hours: float) -> float:
    return BEGIN + hours * HOUR


@dataclass(frozen=True, slots=True)
class Copy:
    """One exporter's series: scraped from `since` to `until` but not in `gaps`, counting from 0 at each of `births`."""

    queue: str
    instance: str = "a:1"
    since: float = BEGIN
    until: float = END
    births: tuple[float, ...] = (BEGIN,)
    gaps: tuple[tuple[float, float], ...] = ()
    base: float = 0.0

    def moments(self) -> np.ndarray:
        every = np.arange(BEGIN + OFFSET - SCRAPE, END + 1, SCRAPE)
        held = (every >= self.since) & (every <= self.until)
        for first, last in self.gaps:
            held &= (every < first) | (every > last)
        return every[held]

    def values(self, jobs: np.ndarray) -> np.ndarray:
        """Of the jobs so far, those since the last birth."""
        moments = self.moments()
        born = np.array(self.births)[np.searchsorted(self.births, moments, side="right") - 1]
        return (
            self.base
            + np.searchsorted(jobs, moments, side="right")
            - np.searchsorted(jobs, born, side="right")
        )


EARLY = (BEGIN - HOUR,)
# Scrapes at which a counter is met for the first time, at 0.
BORN, MOVED = BEGIN + 8467, BEGIN + 8767
READY_AT_LAST = 7
COPIES = (
    Copy("steady", since=0, births=EARLY),
    Copy("restarts", since=0, births=(*EARLY, at(2.5)), gaps=((at(2.5) - 30, at(2.5) + 30),)),
    Copy("new", since=BORN, births=(BORN,)),
    Copy("met late", since=BORN, births=EARLY, base=5000.0),
    Copy("gap", since=0, births=EARLY, gaps=((at(1.83), at(2.67)), (at(3.2), at(3.6)))),
    Copy("pair", "a:1", since=0, births=EARLY),
    Copy("pair", "b:1", since=0, births=(*EARLY, at(2.5)), gaps=((at(2.4), at(2.5)),)),
    Copy("moves", "a:1", since=0, until=at(2.41), births=EARLY),
    Copy("moves", "b:1", since=MOVED, births=(MOVED,)),
)


@dataclass(frozen=True, slots=True)
class Stored:
    """A server, and when the jobs of each queue started."""

    server: Prometheus
    jobs: dict[str, np.ndarray]

    def truth(self, queue: str, over: Range) -> np.ndarray:
        """Jobs between the scrapes next before both ends of each window."""
        ends = over.begin + over.step * np.arange(over.moments + 1)
        scraped = np.floor((ends - OFFSET) / SCRAPE) * SCRAPE + OFFSET
        return np.diff(np.searchsorted(self.jobs[queue], scraped, side="right")).astype(float)

    def asked(self, queue: str, query: str, over: Range) -> np.ndarray:
        [series] = self.server.range(query, over)
        assert series.labels["queue"] == queue
        return series.values

    def growth(self, queue: str, window: float, kind: str, over: Range) -> np.ndarray:
        found = self.server.growth(NAME, window, SCRAPE, f'queue="{queue}"')
        return self.asked(queue, getattr(found, kind), over)


def lines(jobs: dict[str, np.ndarray]) -> Iterator[str]:
    for copy in COPIES:
        labels = f'job="bullgauge",prefix="bull",queue="{copy.queue}",instance="{copy.instance}"'
        for moment, value in zip(copy.moments(), copy.values(jobs[copy.queue]), strict=True):
            yield f"{NAME}{{{labels}}} {value:.0f} {moment}"
    for moment, ready in ((BORN, 40), (BORN + SCRAPE, 90), (BORN + 2 * SCRAPE, 20), (END, READY_AT_LAST)):
        for state in ("waiting", "paused", "prioritized"):
            size = ready if state == "waiting" else 0
            yield f'queue_size{{job="bullgauge",prefix="bull",queue="new",state="{state}"}} {size} {moment}'
    yield from (
        f'queue_redis_up{{job="bullgauge"}} 1 {moment}' for moment in range(BEGIN - HOUR, END + 1, SCRAPE)
    )


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stored]:
    place, random = tmp_path_factory.mktemp("growth"), np.random.default_rng(5)
    jobs = {
        queue: np.sort(random.uniform(BEGIN - HOUR, END, PER_HOUR * (HOURS + 1)))
        for queue in dict.fromkeys(copy.queue for copy in COPIES)
    }
    take_in(place, lines(jobs))
    with served(place) as where:
        yield Stored(Prometheus(address("--prometheus", f"http://{where}", 30.0), 'job="bullgauge"'), jobs)


FINE, WHOLE = Range(BEGIN, END, STEP), Range(BEGIN, END, HOUR)


def test_windows_of_four_scrapes_guess_nothing_and_add_up(stored: Stored) -> None:
    found = stored.growth("steady", STEP, "exact", FINE)
    assert found.tolist() == stored.truth("steady", FINE).tolist()
    plain = stored.asked("steady", f'sum by (queue) (increase({NAME}{{queue="steady"}}[{STEP}s]))', FINE)
    assert np.abs(plain - found).mean() > 1, "PromQL's increase guesses"
    assert stored.growth("steady", HOUR, "exact", WHOLE).tolist() == stored.truth("steady", WHOLE).tolist()


def test_a_window_in_which_the_only_exporter_began_anew_is_a_guess_and_the_next_ones_are_exact(
    stored: Stored,
) -> None:
    truth, exact = stored.truth("restarts", FINE), stored.growth("restarts", STEP, "exact", FINE)
    [guessed] = np.flatnonzero(np.isnan(exact))
    assert BEGIN + guessed * STEP <= at(2.5) <= BEGIN + (guessed + 1) * STEP
    known = np.isfinite(exact)
    assert exact[known].tolist() == truth[known].tolist()
    found = stored.growth("restarts", STEP, "throughout", FINE)
    assert found[guessed] == pytest.approx(truth[guessed], rel=0.35), "a scrape of four was lost"


def test_a_queue_that_appears_has_grown_since_then_where_it_began_at_0(stored: Stored) -> None:
    born = (BORN - BEGIN) // STEP
    new = stored.growth("new", STEP, "since_begun", FINE)
    assert np.isnan(new[:born]).all() and np.isfinite(new[born:]).all()
    last = BEGIN + (born + 1) * STEP - SCRAPE + OFFSET
    own = stored.jobs["new"]
    assert new[born] == ((own > BORN) & (own <= last)).sum()
    late = stored.growth("met late", STEP, "since_begun", FINE)
    assert np.isnan(late[: born + 1]).all(), "what it counted before it was met is not of this window"
    assert late[born + 1 :].tolist() == stored.truth("met late", FINE)[born + 1 :].tolist()


def test_within_a_gap_of_scrapes_nothing_is_known_and_over_it_all_is(stored: Stored) -> None:
    found, truth = stored.growth("gap", STEP, "throughout", FINE), stored.truth("gap", FINE)
    ends = BEGIN + STEP * np.arange(1, len(found) + 1)
    inside = (ends > at(2.0)) & (ends <= at(2.6))
    assert np.isnan(found[inside]).all()
    known = np.isfinite(found)
    # A sample before each end speaks for it, two scrapes old at most; windows side by side still add up.
    assert np.abs(found[known] - truth[known]).max() <= 2 * 1.5 * PER_HOUR * SCRAPE / HOUR
    hour = stored.growth("gap", HOUR, "exact", WHOLE)
    assert hour[3] == stored.truth("gap", WHOLE)[3], "scrapes failed from 3:12 to 3:36, counting went on"


def test_of_two_exporters_the_one_that_did_not_restart_is_believed(stored: Stored) -> None:
    for step, over in ((STEP, FINE), (HOUR, WHOLE)):
        for kind in ("exact", "throughout", "since_begun", "in_part"):
            assert stored.growth("pair", step, kind, over).tolist() == stored.truth("pair", over).tolist()


def test_where_an_exporter_moved_only_the_window_of_the_move_is_unknown(stored: Stored) -> None:
    found, truth = stored.growth("moves", STEP, "since_begun", FINE), stored.truth("moves", FINE)
    [moved] = np.flatnonzero(np.isnan(found))
    assert BEGIN + moved * STEP <= MOVED <= BEGIN + (moved + 1) * STEP
    known = np.isfinite(found)
    assert found[known].tolist() == truth[known].tolist()


def test_hours_are_exact_or_mended_from_their_parts_or_unknown(stored: Stored) -> None:
    found = counts_of_prometheus(stored.server, BEGIN, END, ())
    truth = {queue: stored.truth(queue, WHOLE) for queue in stored.jobs}
    for queue in ("steady", "pair"):
        assert found[queue].counts.tolist() == truth[queue].tolist()
    for queue in ("restarts", "moves"):
        hours = found[queue].counts
        assert np.delete(hours, 2).tolist() == np.delete(truth[queue], 2).tolist()
        assert hours[2] == pytest.approx(truth[queue][2], rel=0.05), "the hour of the move, from its parts"
    gap = found["gap"].counts
    assert np.isnan(gap[2]), "of 50 minutes of it nothing is held"
    assert gap[1] == pytest.approx(truth["gap"][1], rel=0.08), "of 10 minutes nothing is held"
    assert gap[3:].tolist() == truth["gap"][3:].tolist()
    assert found["new"].start == at(2), "its first hour is known from its parts"
    assert found["new"].counts[1:].tolist() == truth["new"][3:].tolist()


def test_what_was_ready_when_a_queue_was_first_seen_is_where_its_growth_begins(stored: Stored) -> None:
    [seen] = observe_range(stored.server, BEGIN, END, ["new"])
    started = (stored.jobs["new"] > BORN).sum() - (stored.jobs["new"] > END - SCRAPE + OFFSET).sum()
    assert seen.arrivals == started + READY_AT_LAST - 40


def test_a_rate_is_of_the_steps_that_are_known_so_that_a_gap_makes_it_neither_larger_nor_smaller(
    stored: Stored,
) -> None:
    for seen in observe_range(stored.server, BEGIN, END):
        assert seen.arrivals is not None
        assert seen.arrivals / seen.seconds == pytest.approx(PER_HOUR / HOUR, rel=0.03), seen.queue
        if seen.queue == "gap":
            assert seen.seconds < 0.85 * HOURS * HOUR
