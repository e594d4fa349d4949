"""What silences what, asked of a real Alertmanager that has the generated routes."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.alerts.conftest import tool
from tests.processes import Program
from tests.servers import free_port

PATIENCE_SECONDS = 20
Labels = dict[str, str]


def of(redis: str, queue: str = "", team: str = "platform") -> Labels:
    about = {"prefix": "bull", "queue": queue} if queue else {}
    return {"job": "bullgauge", "redis": redis, "team": team, **about}


def fires(name: str, severity: str = "critical", **labels: str) -> Labels:
    return {"alertname": name, "severity": severity, **labels}


@pytest.fixture
def alertmanager(generated: Callable[[str], Path], tmp_path: Path) -> Iterator[str]:
    tool("prometheus-alertmanager", "prometheus-alertmanager", "--version")
    address = f"127.0.0.1:{free_port()}"
    files = [f"--config.file={generated('')}/alertmanager.yaml", f"--storage.path={tmp_path}/am"]
    server = Program(
        ["prometheus-alertmanager", *files, f"--web.listen-address={address}", "--cluster.listen-address="]
    )
    server.wait_for("Listening on", 30)
    yield f"http://{address}/api/v2/alerts"
    server.kill()


DEAD = fires("BullExporterDown", **of("dead"), instance="x")
LONELY = fires("BullNoWorkers", **of("lonely", "email"))
LATE = fires("BullLatencyHigh", **of("late", "email"))
SILENT = {
    "the warning of what is critical": (LATE, fires("BullLatencyHigh", "warning", **of("late", "email"))),
    "a queue that stands for want of workers": (
        LONELY,
        fires("BullOldestJobWaiting", **of("lonely", "email")),
    ),
    "a backlog of a queue that is stuck": (
        fires("BullQueueStuck", **of("stuck", "email")),
        fires("BullBacklogSlow", "warning", **of("stuck", "email")),
    ),
    "few failures, where there are many": (
        fires("BullFailureRateHigh", **of("failing", "email")),
        fires("BullFailuresLowVolume", **of("failing", "email")),
    ),
    "a queue while its exporter is dead": (DEAD, fires("BullFailureRateHigh", **of("dead", "email"))),
    "a Redis that no exporter can see": (
        fires("BullExporterAbsent", **of("gone")),
        fires("BullRedisDown", **of("gone")),
    ),
}
HEARD = {
    "what is critical": LATE,
    "missing workers": LONELY,
    "the exporter itself": DEAD,
    "another team, though its exporter is dead": fires("BullFailureRateHigh", **of("dead", "bills", "money")),
    "another Redis than that of the dead exporter": fires("BullFailureRateHigh", **of("alive", "email")),
    "another queue than that without workers": fires("BullOldestJobWaiting", **of("lonely", "reports")),
    "failures on the queue without workers": fires("BullFailureRateHigh", **of("lonely", "email")),
    "few failures of another queue than that of many": fires(
        "BullFailuresLowVolume", **of("failing", "reports")
    ),
    "a warning of another queue": fires("BullLatencyHigh", "warning", **of("late", "reports")),
    "a warning of another team's queue": fires("BullLatencyHigh", "warning", **of("late", "email", "money")),
    "another warning of the same queue": fires("BullRetryStorm", "warning", **of("late", "email")),
    "the watchdog": fires("BullWatchdog", "warning"),
    "somebody else's alert": fires("DiskFull", "warning", **of("dead")),
}


def test_only_what_is_known_already_is_silent(alertmanager: str) -> None:
    """All of them fire at once, so that each has every chance to be silenced."""
    targets = {_key(target) for _, target in SILENT.values()}
    everything = [*(labels for pair in SILENT.values() for labels in pair), *HEARD.values()]
    body = json.dumps([{"labels": labels} for labels in everything]).encode()
    urllib.request.urlopen(
        urllib.request.Request(alertmanager, body, {"Content-Type": "application/json"}), timeout=10
    ).close()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not targets <= (silent := _silent(alertmanager)):
        assert time.monotonic() < deadline, targets - silent
    for what, labels in HEARD.items():
        assert _key(labels) not in silent, what


def _silent(url: str) -> set[str]:
    with urllib.request.urlopen(url, timeout=10) as answer:
        found: list[dict[str, Any]] = json.load(answer)
    return {_key(alert["labels"]) for alert in found if alert["status"]["inhibitedBy"]}


def _key(labels: Labels) -> str:
    return json.dumps(labels, sort_keys=True)
