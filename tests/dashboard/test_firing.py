"""Knows that the alerts a real Prometheus holds now stand on Overview and Alerts, each with what it is about."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.alerts.conftest import promtool, tool
from tests.dashboard.apps import demo_plan, on_prometheus, screen, words
from tests.processes import Program
from tests.servers import free_port

LABELS = [
    ("firing", 'alertname="BullLatencyHigh",severity="warning",prefix="bull",queue="email"'),
    ("pending", 'alertname="BullLatencyHigh",severity="critical",prefix="bull",queue="email"'),
    ("firing", 'alertname="BullLatencyHigh",severity="critical",prefix="mail",queue="email"'),
    ("firing", 'alertname="BullPoolConnectionsHigh",severity="critical",pool="queue"'),
    ("firing", 'alertname="BullWatchdog",severity="warning"'),
    ("firing", 'alertname="SomebodyElses",severity="critical"'),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tool("prometheus", "prometheus", "--version")
    (tmp_path / "prometheus.yaml").write_text("{}\n")
    return tmp_path


@pytest.fixture
def prometheus(folder: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """One that holds the alerts of the test's parameter, as its rules would have stored them a moment ago."""
    now = int(time.time()) - 5
    lines = [
        f'ALERTS{{alertstate="{state}",job="bullgauge",{labels}}} 1 {now}' for state, labels in request.param
    ]
    (folder / "alerts.om").write_text("\n".join(["# TYPE ALERTS gauge", *lines, "# EOF", ""]))
    promtool("tsdb", "create-blocks-from", "openmetrics", str(folder / "alerts.om"), str(folder / "tsdb"))
    port = free_port()
    options = [f"--storage.tsdb.path={folder}/tsdb", f"--web.listen-address=127.0.0.1:{port}"]
    program = Program(["prometheus", f"--config.file={folder}/prometheus.yaml", *options])
    program.wait_for("Server is ready to receive web requests", 30)
    yield f"http://127.0.0.1:{port}"
    program.kill()


@pytest.mark.parametrize("prometheus", [LABELS], indirect=True)
def test_each_alert_is_told_with_its_severity_in_words_and_what_it_is_about(prometheus: str) -> None:
    told = words(screen(on_prometheus(prometheus, demo_plan()), "alerts"))
    found = [line for line in told.splitlines() if "Bull" in line and ("▲" in line or "△" in line)]
    assert found == [
        ":red[▲ **BullLatencyHigh** firing, critical] · mail/email",
        ":red[▲ **BullPoolConnectionsHigh** firing, critical] · pool queue",
        ":orange[▲ **BullLatencyHigh** firing, warning] · email",
    ]


@pytest.mark.parametrize("prometheus", [LABELS[4:]], indirect=True)
def test_rules_of_which_none_fires_say_so(prometheus: str) -> None:
    assert "No alert is pending or firing" in words(screen(on_prometheus(prometheus), "alerts"))


MANY = [
    ("firing", f'alertname="BullLatencyHigh",severity="critical",prefix="bull",queue="q{number}"')
    for number in range(20)
]


@pytest.mark.parametrize("prometheus", [MANY], indirect=True)
def test_more_than_there_is_room_for_are_counted(prometheus: str) -> None:
    told = words(screen(on_prometheus(prometheus), "alerts"))
    assert told.count(":red[▲") == 12
    assert "And 8 more: 20 fire and 0 are pending in all." in told
