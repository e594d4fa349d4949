"""The order of start and the back-off of each library."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from planner.simulation.bull_rules import ranks
from planner.workload import Retries

PRIORITIES = np.array([0, 5, 1, 0])


def test_plain_jobs_start_first_from_bullmq_4_on() -> None:
    assert ranks(PRIORITIES, "bullmq", 5).tolist() == [0, 2, 1, 0]


@pytest.mark.parametrize(("library", "major"), [("bull", 4), ("bull", 3), ("bullmq", 3)])
def test_plain_jobs_start_last_before(library: str, major: int) -> None:
    assert ranks(PRIORITIES, library, major).tolist() == [2, 1, 0, 2]


def test_bull_and_bullmq_back_off_differently() -> None:
    bullmq, bull = (Retries(0.1, 5, 2.0, name) for name in ("exponential", "bull_exponential"))  # type: ignore[arg-type]
    assert [bullmq.delay_after(k) for k in (1, 2, 3)] == [2.0, 4.0, 8.0]
    assert [bull.delay_after(k) for k in (1, 2, 3)] == [2.0, 6.0, 14.0]


NODE_MODULES = Path(__file__).parents[1] / "node" / "node_modules"


@pytest.mark.skipif(not (NODE_MODULES / "bull4").exists(), reason="the Node libraries are not installed")
@pytest.mark.parametrize(
    ("module", "call", "backoff"),
    [
        ("bull4/lib/backoffs", "b.calculate(o, k, {})", "bull_exponential"),
        ("bullmq5/dist/cjs/classes/backoffs", "b.Backoffs.calculate(o, k)", "exponential"),
    ],
)
def test_the_installed_libraries_wait_as_long_as_ours(module: str, call: str, backoff: str) -> None:
    program = f"""
        const b = require('{module}'), o = {{type: 'exponential', delay: 2000}};
        console.log(JSON.stringify([1, 2, 3, 4].map(k => {call})))"""
    said = subprocess.run(
        ["node", "-e", program], cwd=NODE_MODULES.parent, capture_output=True, text=True, check=True
    )
    ours = Retries(0.1, 9, 2.0, backoff)  # type: ignore[arg-type]
    assert [delay / 1000 for delay in json.loads(said.stdout)] == [ours.delay_after(k) for k in (1, 2, 3, 4)]
