"""Knows the Redis on which plans are played with the installed libraries."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.planner.bull_plans import NODE
from tests.servers import Server, missing


@pytest.fixture(scope="session")
def libraries() -> None:
    """The installed Bull and BullMQ."""
    if not (NODE / "node_modules" / "bull4").exists():
        missing("bull4", "npm ci in tests/node")


@pytest.fixture(scope="module")
def plan_redis(libraries: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    one = Server("redis7", tmp_path_factory.mktemp("redis")).start()
    yield one
    one.stop()
