"""Knows how tests make a set of rules, and how they run Prometheus' own tools on it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from alerts import config_file, folder, output
from tests.servers import missing

USERS_BLOCK = """\
queue_processing_latency:
  warning: 750ms
  critical: 1500ms

queue_throughput:
  warning: <8000 jobs/hour
  critical: <5000 jobs/hour

redis_connection_utilization:
  warning: >85%
  critical: >95%

job_failure_rate:
  warning: >2%
  critical: >5%
"""


def plan(text: str = "") -> output.Plan:
    return config_file.parse(text, "alerts.yaml")


def tool(name: str, package: str, *arguments: str) -> str:
    """Run a program of Prometheus' that must succeed; returns what it wrote."""
    if shutil.which(name) is None:
        missing(name, f"apt-get install {package}")
    done = subprocess.run([name, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout[-4000:]
    return done.stdout


def promtool(*arguments: str) -> str:
    return tool("promtool", "prometheus", *arguments)


def amtool(*arguments: str) -> str:
    return tool("amtool", "prometheus-alertmanager", *arguments)


@pytest.fixture
def generated(tmp_path: Path) -> Callable[[str], Path]:
    """`generated(text)`: the folder that a configuration makes."""

    def make(text: str = "") -> Path:
        made = plan(text)
        folder.write(tmp_path / "out", output.texts(made, output.Source("alerts.yaml", text)))
        return tmp_path / "out"

    return make
