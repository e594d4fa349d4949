"""Knows what must hold of every gauge at a moment when a queue stands still."""

from __future__ import annotations

from tests.exporter.truth.conftest import Seen
from tests.exporter.truth.mapping import expected_sizes


def test_jobs_of_every_state_are_as_many_as_the_library_counts(seen: Seen) -> None:
    for label, note in seen.truth.counts.items():
        page = seen.checkpoint(label)
        expected = expected_sizes(seen.library, note)
        found = {state: page.value("queue_size", state=state, **seen.labels) for state in expected}
        assert found == expected, f"at {label!r}"


def test_a_queue_is_paused_when_the_library_says_so(seen: Seen) -> None:
    for label, note in seen.truth.counts.items():
        assert seen.checkpoint(label).value("queue_paused", **seen.labels) == float(note["paused"]), label


def test_workers_are_as_many_as_there_are_worker_objects(seen: Seen) -> None:
    for label, workers in seen.truth.workers.items():
        assert seen.checkpoint(label).value("queue_workers", **seen.labels) == workers, label
