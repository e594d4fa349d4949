"""Knows which totals must equal what workers noted: not nearly, exactly."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from tests.exporter.truth.conftest import Seen
from tests.exporter.truth.runs import Run, scenarios_of

UNKNOWN = "__unknown__"
REASONS = ("delayed", "waiting", "stalled", "waiting_children")
UNKNOWN_SHARE = 0.05
# To learn a name, a message must be heard, Redis asked and its answer heard; on a busy machine each has to wait for
# its turn, and more often than a program that does nothing else.
ASKING_SECONDS = 0.003
WAKE_UPS = 10


def test_every_scenario_was_played(run: Run) -> None:
    expected = {f"{run.library}-{scenario}" for scenario in scenarios_of(run.library)}
    assert expected == set(run.queues) - {f"{run.library}-warm-up"}


def test_handlers_and_library_agree_on_the_ends(seen: Seen) -> None:
    ends = [how for how, _ in seen.truth.ends.values()]
    assert ends.count("completed") == seen.truth.completed
    assert len(ends) - ends.count("completed") == seen.truth.failed


def test_finished_jobs_are_counted_exactly(seen: Seen) -> None:
    expected = {"completed": seen.truth.completed, "failed": seen.truth.failed}
    assert expected == {
        status: seen.page.value("queue_jobs_processed_total", status=status, **seen.labels)
        for status in expected
    }


def test_requeued_jobs_are_counted_exactly(seen: Seen) -> None:
    expected = {reason: seen.truth.requeued(reason) for reason in REASONS}
    assert expected == {
        reason: seen.page.value("queue_jobs_requeued_total", reason=reason, **seen.labels)
        for reason in expected
    }


def test_added_jobs_are_counted_exactly(seen: Seen) -> None:
    # A repeated job is added by the library; that it ran, or still waits, tells that it was.
    repeated = sum(job.startswith("repeat:") for job in seen.truth.first_starts)
    expected = len(seen.truth.names) + repeated
    assert seen.page.value("queue_jobs_added_total", **seen.labels) == expected


def test_every_attempt_gives_one_duration_of_its_status_and_job_type(seen: Seen) -> None:
    expected: Counter[tuple[str, ...]] = Counter(
        (attempt.job_type, attempt.outcome) for attempt in seen.truth.measured
    )
    found = seen.page.counts_by("queue_job_duration_seconds", ("job_type", "status"), **seen.labels)
    if seen.library in ("bull3", "bull4"):
        assert_all_but_few_are_named(expected, found, gone_before_asked(seen))
    else:
        assert dict(expected) == found


def gone_before_asked(seen: Seen) -> int:
    """Attempts of jobs that had ended before anybody could ask for their name, as late as the machine was."""
    needed = ASKING_SECONDS + WAKE_UPS * seen.run.late_seconds
    ready = seen.truth.ready
    return sum(a.left - ready[a.job_id].low < needed for a in seen.truth.measured if a.job_id in ready)


def assert_all_but_few_are_named(
    expected: Counter[tuple[str, ...]], found: Mapping[tuple[str, ...], float], gone: int
) -> None:
    """All attempts are there under their names, but for the few whose name nobody could have known.

    Bull tells no names, and a removed job has none any more: of a job that ends before it could be asked, the
    name is gone.
    """
    named = Counter({key: int(count) for key, count in found.items() if key[0] != UNKNOWN})
    unknown = Counter({key[1]: int(count) for key, count in found.items() if key[0] == UNKNOWN})
    assert named <= expected
    assert Counter(status for _, status in (expected - named).elements()) == unknown
    assert unknown.total() <= max(1, UNKNOWN_SHARE * expected.total(), gone)


def test_every_first_start_gives_one_wait(seen: Seen) -> None:
    found = seen.page.histogram("queue_job_wait_seconds", **seen.labels)
    assert found.count == len(seen.truth.waits())
