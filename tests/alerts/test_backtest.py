"""The backtest, on history that a real Prometheus has stored and that no rule has ever seen."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from alerts.cases.world import World, between
from tests.alerts.conftest import plan, promtool, tool
from tests.alerts.test_cli import alerts
from tests.processes import Program
from tests.servers import free_port

BEGAN = (int(time.time()) // 3600 - 12) * 3600
"""Twelve full hours ago."""
MINUTES = 10 * 60


@dataclass(frozen=True)
class Stored:
    url: str
    start: str
    end: str


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stored]:
    """Ten hours of three queues: from the eighth hour on half an hour of failures, and no workers at the end."""
    tool("prometheus", "prometheus", "--version")
    place = tmp_path_factory.mktemp("history")
    world = World(plan().ground, MINUTES).begin()
    world.queue("reports", finished=20, failed=between(480, 510, 5, 0))
    world.queue(
        "email",
        ready=between(560, 580, 40, 0),
        finished=between(560, 580, 0, 20),
        workers=between(560, 580, 0, 2),
    )
    (place / "history.om").write_text(openmetrics(world))
    promtool("tsdb", "create-blocks-from", "openmetrics", str(place / "history.om"), str(place / "tsdb"))
    (place / "prometheus.yaml").write_text("{}\n")
    port = free_port()
    program = Program(
        [
            "prometheus",
            f"--config.file={place}/prometheus.yaml",
            f"--storage.tsdb.path={place}/tsdb",
            f"--web.listen-address=127.0.0.1:{port}",
        ]
    )
    program.wait_for("Server is ready to receive web requests", 30)
    moments = (BEGAN + minute * 60 for minute in (360, MINUTES))
    yield Stored(
        f"http://127.0.0.1:{port}", *(time.strftime("%Y-%m-%dT%H:%MZ", time.gmtime(at)) for at in moments)
    )
    program.kill()


def openmetrics(world: World) -> str:
    lines = []
    for name, values in sorted(world.series.items()):
        lines += [
            f"{name} {value} {BEGAN + minute * 60}"
            for minute, value in enumerate(values)
            if value is not None
        ]
    return "\n".join([*lines, "# EOF", ""])


def test_it_tells_how_often_each_alert_would_have_fired(stored: Stored) -> None:
    done = alerts(
        "backtest", "--prometheus", stored.url, "--from", stored.start, "--to", stored.end, "--json"
    )
    assert (done.returncode, done.stderr) == (0, "")
    fired = {
        (alert, severity, about): (times, steps)
        for alert, severity, about, times, steps in json.loads(done.stdout)["fired"]
    }
    times, steps = fired["BullFailureRateHigh", "critical", "reports"]
    assert times == 1
    # Failures began two hours into the time asked for; half an hour's window, five minutes, and as long to be sure.
    assert 120 + 5 <= steps[0] <= 120 + 40
    times, steps = fired["BullNoWorkers", "critical", "email"]
    assert (times, steps[0]) == (1, 200 + 5)
    others = {key[0] for key in fired} - {"BullFailureRateHigh", "BullNoWorkers", "BullErrorBudgetBurn"}
    assert others == set()


def test_two_configurations_are_compared(stored: Stored, tmp_path: Path) -> None:
    lax = tmp_path / "lax.yaml"
    lax.write_text("job_failure_rate: {warning: >50%}\nalerts: {BullErrorBudgetBurn: off}\n")
    arguments = ("--from", stored.start, "--to", stored.end, "--against", str(lax))
    done = alerts("backtest", "--prometheus", stored.url, *arguments)
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.split(f"{lax}:\n")
    assert "BullFailureRateHigh" in first.split("did not fire")[0]
    assert "BullFailureRateHigh" in second.split("did not fire")[1]
    assert "█" in first
    print(done.stdout)


def test_a_history_without_the_exporter_is_told(stored: Stored) -> None:
    """Silent are all alerts of a job that is called otherwise, too."""
    done = alerts(
        "backtest", "--prometheus", stored.url, "--from", "2001-01-01T00:00", "--to", "2001-01-01T01:00"
    )
    assert (done.returncode, done.stderr.count("\n")) == (0, 1)
    assert 'nothing is stored of job="bullgauge"' in done.stderr


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--from", "yesterday"), "yesterday: must be a time such as 2025-11-03T08:00 or now-7d"),
        (("--from", "now", "--to", "now-1h"), "--from now must be before --to now-1h"),
        ((), "http://127.0.0.1:1/api/v1/query_range: "),
    ],
)
def test_what_can_not_be_asked_is_told_in_one_line(arguments: tuple[str, ...], expected: str) -> None:
    done = alerts("backtest", "--prometheus", "http://127.0.0.1:1", *arguments)
    assert done.returncode == 2
    assert expected in done.stderr
    assert done.stderr.count("\n") == 1
