"""Routes and inhibitions: read by amtool, sent where the configuration says, silent only where they may be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from alerts.alertmanager.inhibitions import inhibitions
from tests.alerts.conftest import amtool, plan

FULL = """\
team: platform
owners: [{queue: reports, team: finance}]
receivers:
  pager: {pagerduty: {routing_key_file: /etc/alertmanager/pagerduty}}
  chat:
    slack: {api_url_file: /etc/alertmanager/slack, channel: "#queues"}
    email: {to: a@example.com, from: b@example.com, smarthost: "mail.example.com:587"}
  money: {webhook: {url: "http://127.0.0.1:9/hook", bearer_token_file: /etc/alertmanager/token}}
  old: {opsgenie: {api_key_file: /etc/alertmanager/opsgenie}}
  dead-man: {webhook: {url: "http://127.0.0.1:9/alive"}}
routes:
- {critical: pager, warning: chat}
- {team: finance, critical: money}
watchdog: dead-man
quiet_hours: {times: ["22:00-07:00"], weekdays: ["monday:friday"], location: Europe/Berlin}
"""


@pytest.mark.parametrize(
    "text", ["", FULL, "receivers: {x: {teams: {webhook_url_file: /x}}}\ntargets: {alertmanager: '0.28'}"]
)
def test_amtool_accepts_what_its_version_knows(text: str, generated: Callable[[str], Path]) -> None:
    path = generated(text) / "alertmanager.yaml"
    if "teams" in text:
        assert "msteams_configs" in path.read_text()
    else:
        amtool("check-config", str(path))


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        ("alertname=BullRedisDown severity=critical team=platform", "pager"),
        ("alertname=BullLatencyHigh severity=warning team=platform queue=email", "chat"),
        ("alertname=BullLatencyHigh severity=critical team=finance queue=reports", "money"),
        ("alertname=BullLatencyHigh severity=warning team=finance queue=reports", "money"),
        ("alertname=BullWatchdog severity=warning", "dead-man"),
        ("alertname=BullExporterAbsent severity=critical", "pager"),
        ("alertname=DiskFull severity=critical", "nowhere"),
    ],
)
def test_an_alert_goes_to_its_receiver(labels: str, receiver: str, generated: Callable[[str], Path]) -> None:
    path = generated(FULL) / "alertmanager.yaml"
    text = amtool(
        "config", "routes", "test", f"--config.file={path}", f"--verify.receivers={receiver}", *labels.split()
    )
    assert receiver in text


def test_every_secret_is_a_file(generated: Callable[[str], Path]) -> None:
    document = yaml.safe_load((generated(FULL) / "alertmanager.yaml").read_text())
    keys = [
        key
        for receiver in document["receivers"]
        for kinds in receiver.values()
        if isinstance(kinds, list)
        for kind in kinds
        for key in kind
    ]
    assert not {"api_url", "routing_key", "service_key", "api_key", "auth_password"}.intersection(keys)


def test_nothing_silences_another_team_or_redis_or_queue() -> None:
    config = plan(FULL).ground.config
    for inhibition in inhibitions(config):
        assert {"team", *config.redis_labels} <= set(inhibition.equal)
        if "severity" not in str(inhibition.sources):
            assert {"prefix", "queue"} <= set(inhibition.equal)


def test_quiet_hours_hold_warnings_only(generated: Callable[[str], Path]) -> None:
    document = yaml.safe_load((generated(FULL) / "alertmanager.yaml").read_text())
    routes = document["route"]["routes"][0]["routes"]
    muted = {route["matchers"][-1] for route in routes if "mute_time_intervals" in route}
    assert muted == {'severity="warning"'}
    assert document["time_intervals"][0]["time_intervals"][0]["times"] == [
        {"start_time": "22:00", "end_time": "24:00"},
        {"start_time": "00:00", "end_time": "07:00"},
    ]
