"""Proves that kept jobs of every library are read right: attempts, failures, delays and times, as the program noted."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from exporter.settings import TargetSettings
from planner.fit_redis import observe_redis
from planner.fitting import fit
from tests.processes import Program
from tests.servers import Server, missing

NODE = Path(__file__).parents[1] / "node"
LIBRARIES = ("bull3", "bull4", *(f"bullmq{major}" for major in range(1, 7)))


@pytest.mark.parametrize("library", LIBRARIES)
def test_kept_jobs_say_what_the_program_noted(library: str, redis_server: Server) -> None:
    if not (NODE / "node_modules" / library).exists():
        missing(library, "npm ci in tests/node")
    reached = TargetSettings.model_validate({"redis": {"url": redis_server.url}})
    program = Program(["node", str(NODE / "kept.mjs"), library, redis_server.url, "bull", "email"])
    try:
        truth = json.loads(program.wait_for('"failedJobs"', 60))
        _, [seen] = observe_redis(reached, 1000, 10.0)
    finally:
        program.stop()
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
