"""Proves that kept jobs of every library are read right: attempts, failures, delays and times, as the program noted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from exporter.settings import TargetSettings
from planner.fit.fitting import fit
from planner.fit.observed import Observed
from planner.fit.redis import observe_redis
from tests.conftest import Servers
from tests.processes import Program
from tests.servers import missing

NODE = Path(__file__).parents[1] / "node"
LIBRARIES = ("bull3", "bull4", *(f"bullmq{major}" for major in range(1, 7)))


# Programs that mostly wait, so several at a time; more would be late because of each other.
AT_ONCE = 4

Told = tuple[dict[str, Any], Observed]


@pytest.fixture(scope="module")
def told(shared_servers: Servers) -> Iterator[dict[str, Future[Told]]]:
    """What each program noted, and what was read of its jobs, which have a prefix of their own."""
    server = shared_servers("redis7")
    server.client().flushall()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        installed = [one for one in LIBRARIES if (NODE / "node_modules" / one).exists()]
        yield {library: pool.submit(lived, library, server.url) for library in installed}


def lived(library: str, url: str) -> Told:
    program = Program(["node", str(NODE / "kept.mjs"), library, url, library, "email"])
    try:
        truth = json.loads(program.wait_for('"failedJobs"', 60))
        reached = TargetSettings.model_validate({"redis": {"url": url}, "prefixes": [library]})
        _, [seen] = observe_redis(reached, 1000, 10.0)
    finally:
        program.stop()
    return truth, seen


@pytest.mark.parametrize("library", LIBRARIES)
def test_kept_jobs_say_what_the_program_noted(library: str, told: dict[str, Future[Told]]) -> None:
    if library not in told:
        missing(library, "npm ci in tests/node")
    truth, seen = told[library].result()
    assert seen.completed == truth["completed"] and seen.failed == truth["failedJobs"]
    assert seen.retried == truth["failedAttempts"] - truth["failedJobs"]
    found = fit(seen)
    assert found.failures.attempt.value == pytest.approx(truth["failedAttempts"] / truth["attempts"])
    assert found.failures.retries is not None and found.failures.retries.attempts == 3
    added = np.sort(truth["added"])
    assert seen.arrivals == len(added) - 1
    assert seen.seconds == pytest.approx(float(np.ptp(added)), abs=0.15), (
        "delayed jobs arrive when they are due"
    )
    assert found.service is not None
    assert found.service.mean.value == pytest.approx(np.mean(truth["seconds"]), rel=0.35), (
        "last attempts only"
    )
    assert seen.payload is not None and seen.payload.mean_bytes == pytest.approx(335, abs=4)
