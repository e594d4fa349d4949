"""A hundred overrides: how long they take to generate. What they cost Prometheus is measured in tests/bench."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench import alerts_scale


@pytest.mark.slow  # a time, which wants the machine to itself; make bench tells it too
def test_a_hundred_overrides_are_generated_in_under_a_second(tmp_path: Path) -> None:
    assert alerts_scale.generation_seconds(tmp_path)[0] < alerts_scale.LIMIT_SECONDS
