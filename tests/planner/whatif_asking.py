"""Knows how the tests ask what-if questions, and Erlang's formula written once more."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from planner.cli import main


def ask(folder: Path, capsys: pytest.CaptureFixture[str], text: str, *options: str) -> list[dict[str, Any]]:
    """The answers to all scenarios."""
    path = folder / "fleet.yaml"
    path.write_text(text)
    assert main(["whatif", str(path), *options, "--json"]) == 0
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)["scenarios"]
    return found


def mean_wait(slots: int, per_second: float, service_seconds: float) -> float:
    """Mean wait of a Poisson stream of exponential work."""
    offered = per_second * service_seconds
    last = offered**slots / math.factorial(slots) * slots / (slots - offered)
    waits = last / (sum(offered**k / math.factorial(k) for k in range(slots)) + last)
    return waits * service_seconds / (slots - offered)
