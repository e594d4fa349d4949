"""Knows the sources that the dashboard's tests share: the recording in memory and in a real Prometheus."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.dashboard.recorded import RecordedPrometheus


@pytest.fixture(scope="session")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RecordedPrometheus]:
    """The recording, moved so that it ended when the tests began, as two exporters of one Redis hold it."""
    made = RecordedPrometheus(tmp_path_factory.mktemp("prometheus"), now=True, replicas=2)
    yield made
    made.stop()
