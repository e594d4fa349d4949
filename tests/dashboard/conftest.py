"""Knows the sources that the dashboard's tests share: the recording in memory and in a real Prometheus."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.dashboard.recorded import RecordedPrometheus


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RecordedPrometheus]:
    """The recording, moved so that it ended when a file's tests began, as two exporters of one Redis hold it.

    After five minutes it would be too old to be of now, so each file has one of its own.
    """
    made = RecordedPrometheus(tmp_path_factory.mktemp("prometheus"), now=True, replicas=2)
    yield made
    made.stop()
