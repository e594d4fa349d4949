"""Proves what pages of an exporter say of the time between them: restarts, new queues, missed reads, names alike."""

from __future__ import annotations

import numpy as np
import pytest
import yaml

from planner.fit.counters import arrived_in_steps
from planner.fit.exporter import Page, observe_pages, read_page
from planner.fit.fitting import fit
from planner.fit.fleet import KnownFleet
from planner.fit.output import as_yaml, names_of

BEGAN = 1_762_160_400.0


def page(
    at: float,
    *,
    prefix: str = "bull",
    queue: str = "email",
    starts: float,
    active: float = 1,
    waiting: float = 0,
) -> Page:
    """A page of one queue on which as many jobs started as ended, each after half a second."""
    whose = f'prefix="{prefix}",queue="{queue}"'
    duration = f'{{{whose},job_type="a",status="completed"'
    states = {"waiting": waiting, "paused": 0, "prioritized": 0, "active": active}
    lines = [f'queue_size{{{whose},state="{state}"}} {count}' for state, count in states.items()]
    lines += [
        f"queue_job_wait_seconds_count{{{whose}}} {starts}",
        f"queue_job_arrival_interval_square_seconds_total{{{whose}}} {2 * starts}",
        f"queue_job_duration_seconds_sum{duration}}} {starts / 2}",
        f"queue_job_duration_seconds_count{duration}}} {starts}",
        f'queue_job_duration_seconds_bucket{duration},le="0.5"}} {starts}',
        f'queue_job_duration_seconds_bucket{duration},le="+Inf"}} {starts}',
        f"queue_job_duration_square_seconds_total{{{whose}}} {starts / 4}",
        f'queue_jobs_processed_total{{{whose},status="completed"}} {starts}',
        f'queue_jobs_processed_total{{{whose},status="failed"}} 0',
        f'queue_jobs_requeued_total{{{whose},reason="delayed"}} 0',
        f"queue_workers{{{whose}}} 2",
        f"queue_workers_saturated{{{whose}}} {2 if active == 6 else 0}",
    ]
    return read_page("\n".join(lines) + "\n", at)


def test_the_difference_of_pages_is_what_happened_between_them() -> None:
    [seen] = observe_pages(
        [page(0, starts=1000), page(10, starts=1010), page(20, starts=1030, active=6)], BEGAN
    )
    assert (seen.arrivals, seen.completed, seen.seconds) == (30, 30, 20)
    assert seen.service is not None and (seen.service.mean, seen.service.scv) == (0.5, 0.0)
    assert seen.steps is not None and seen.steps.counts.tolist() == [10, 20]
    slots = fit(seen).slots
    assert (slots.kind, slots.count) == ("lower bound", 6) and "1 moment seen" in slots.why


def test_an_exporter_that_was_started_anew_goes_on_from_nought_and_is_doubted() -> None:
    [seen] = observe_pages([page(0, starts=1000), page(10, starts=1010), page(20, starts=7)], BEGAN)
    assert seen.arrivals == 17
    assert any("started anew" in doubt for doubt in seen.doubts)
    assert seen.steps is None, "what arrived in the step of the restart is not known"


def test_jobs_that_wait_when_a_page_lacks_the_sizes_are_counted_all_the_same() -> None:
    started, waiting = np.array([5.0, 5.0, 5.0, 5.0]), np.array([0.0, 0.0, np.nan, 60.0, 55.0])
    assert arrived_in_steps(started, waiting).sum() == started.sum() + 55.0
    assert arrived_in_steps(started, np.full(5, np.nan)).tolist() == started.tolist()


def test_a_queue_that_is_younger_than_the_first_page_began_at_nought() -> None:
    first, second = page(0, starts=5), page(10, queue="young", starts=37, waiting=3)
    last = Page(10.0, {**page(10, starts=9).queues, **second.queues})
    seen = {one.queue: one for one in observe_pages([first, last], BEGAN)}
    assert (seen["email"].arrivals, seen["young"].arrivals) == (4, 40)


def test_a_queue_that_stands_still_can_not_be_fitted_and_says_why() -> None:
    found = fit(observe_pages([page(0, starts=5), page(10, starts=5)], BEGAN)[0])
    assert found.workload is None and "no job arrived in 10 s" in found.why


def test_queues_of_one_name_are_told_apart_in_the_file() -> None:
    pages = [
        Page(at, {**page(at, starts=n).queues, **page(at, prefix="other", starts=2 * n).queues})
        for at, n in ((0.0, 0), (10.0, 50), (20.0, 90))
    ]
    fits = [fit(seen) for seen in observe_pages(pages, BEGAN)]
    assert names_of(fits) == ["bull/email", "other/email"]
    document = yaml.safe_load(as_yaml(fits, KnownFleet({}, {}, {}), "test"))
    assert [queue["name"] for queue in document["queues"]] == ["bull/email", "other/email"]


def test_what_is_no_page_is_refused() -> None:
    with pytest.raises(ValueError):
        read_page('queue_size{prefix="bull" 3', 0.0)
