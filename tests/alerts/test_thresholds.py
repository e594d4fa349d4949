"""The configuration: the user's block is one, and every mistake is told in one line."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from alerts import config_file
from alerts.aims import aim
from alerts.boards import all_boards as boards
from alerts.config_file import ConfigError
from alerts.signals import CACHE_HITS, CONNECTIONS, DRAIN, FAILURES, LATENCY, THROUGHPUT
from tests.alerts.conftest import USERS_BLOCK, plan


def test_the_users_block_is_no_yaml_and_yet_a_configuration() -> None:
    with pytest.raises(yaml.YAMLError):
        yaml.safe_load(USERS_BLOCK)
    assert plan(USERS_BLOCK).ground.thresholds == plan("").ground.thresholds


def test_the_quoted_form_says_the_same() -> None:
    quoted = USERS_BLOCK.replace(": >", ": '>").replace("%\n", "%'\n")
    assert yaml.safe_load(quoted)["job_failure_rate"]["critical"] == ">5%"
    assert plan(quoted).ground.thresholds == plan(USERS_BLOCK).ground.thresholds


def test_the_documented_bounds_are_what_they_say() -> None:
    found = {(t.signal.name, t.severity): t.bound for t in plan(USERS_BLOCK).ground.thresholds.all}
    assert found["queue_processing_latency", "warning"] == 0.75
    assert found["queue_processing_latency", "critical"] == 1.5
    assert found["queue_throughput", "warning"] == 8000
    assert found["queue_throughput", "critical"] == 5000
    assert found["redis_connection_utilization", "critical"] == 0.95
    assert found["job_failure_rate", "warning"] == 0.02


@pytest.mark.parametrize(
    ("text", "bound"),
    [
        ("30s", 30.0),
        ("1800 s", 1800.0),
        ("2.5s", 2.5),
        (">10 s", 10.0),
        ("0.5 s", 0.5),
        ("1m", 60.0),
        ("5min", 300.0),
    ],
)
def test_a_time_is_read_as_people_write_it(text: str, bound: float) -> None:
    made = plan(f"queue_processing_latency: {{warning: '{text}'}}")
    assert made.ground.thresholds.default(LATENCY, "warning") == bound


@pytest.mark.parametrize(
    ("text", "bound"),
    [("<100 jobs/minute", 6000), ("<2 jobs/s", 7200), ("8,000 jobs/hour", 8000), ("< 50 jobs / h", 50)],
)
def test_a_rate_is_read_as_people_write_it(text: str, bound: float) -> None:
    made = plan(f"queue_throughput: {{critical: '{text}'}}")
    assert made.ground.thresholds.default(THROUGHPUT, "critical") == bound


def test_a_queues_own_bound_goes_before_a_patterns_and_both_before_the_default() -> None:
    made = plan(
        'overrides:\n- {pattern: "rep.*", job_failure_rate: {warning: >10%}}\n'
        '- {queue: "reports", queue_processing_latency: {warning: 30s, critical: 60s},\n'
        "   job_failure_rate: {warning: >20%}}\n"
    )
    of_latency = made.ground.thresholds.of(LATENCY, "warning")
    assert [(t.bound, [str(m) for m in t.matchers]) for t in of_latency] == [
        (30, ['queue="reports"']),
        (0.75, ['queue!="reports"']),
    ]
    of_failures = made.ground.thresholds.of(FAILURES, "warning")
    assert [(t.bound, [str(m) for m in t.matchers]) for t in of_failures] == [
        (0.2, ['queue="reports"']),
        (0.1, ['queue=~"rep.*"', 'queue!="reports"']),
        (0.02, ['queue!="reports"', 'queue!~"rep.*"']),
    ]


def test_a_signal_is_switched_off_for_all_or_for_a_queue() -> None:
    assert plan("drain_time: off").ground.thresholds.of(DRAIN) == ()
    made = plan('overrides: [{queue: "batch", drain_time: off}]')
    assert [str(t.matchers[0]) for t in made.ground.thresholds.of(DRAIN)] == ['queue!="batch"'] * 2


BAD = {
    "unknown key": (
        "job_failure_rates: {warning: >2%}",
        "alerts.yaml:1: job_failure_rates: no such key; did you mean",
    ),
    "unknown key inside": (
        "guards:\n  enough_wrk: off",
        "alerts.yaml:2: guards.enough_wrk: no such key; did you mean enough_work?",
    ),
    "wrong way round": (
        "\njob_failure_rate:\n  warning: >5%\n  critical: >2%",
        "alerts.yaml:4: job_failure_rate.critical: warning >5%",
    ),
    "wrong unit": (
        "queue_processing_latency:\n  warning: 5%",
        "alerts.yaml:2: queue_processing_latency.warning: '5%' must be a time",
    ),
    "no unit": ("redis_connection_utilization: {warning: 85}", "must be a percentage such as 85%"),
    "wrong side": (
        "queue_throughput:\n  warning: >8000 jobs/hour",
        "alerts.yaml:2: queue_throughput.warning: '>8000 jobs/hour' must begin with <",
    ),
    "no bucket edge": ("queue_processing_latency:\n  warning: 2s", "`--bucket 2` and write `buckets: [2]`"),
    "above 100 %": ("job_failure_rate: {warning: >200%}", "is more than 100%"),
    "same queue twice": (
        "overrides:\n- {queue: a, drain_time: {warning: 5m}}\n- {queue: a}",
        "alerts.yaml:3: overrides.2: 'a' is named twice",
    ),
    "same key twice": ("job: a\njob: b", "alerts.yaml:2: job is given twice"),
    "queue listed twice": (
        "queues:\n- {name: email}\n- {name: email}",
        "alerts.yaml:3: queues.2.name: 'email' is listed twice",
    ),
    "unreadable pattern": (
        "overrides:\n- pattern: 'a(b'",
        "alerts.yaml:2: overrides.1.pattern: 'a(b' is no regular expression",
    ),
    "lookahead": (
        "owners: [{pattern: '(?=a)b', team: x}]",
        "is no regular expression that Prometheus can read",
    ),
    "pattern of another engine": (
        "overrides:\n- pattern: '(?x)a b'",
        "alerts.yaml:2: overrides.1.pattern: '(?x)a b' is no regular expression",
    ),
    "too many repetitions": ("owners: [{pattern: 'a{1001}', team: x}]", "is no regular expression"),
    "secret": (
        "receivers:\n  chat:\n    slack: {channel: x, api_url: 'https://hooks.example/x'}",
        "alerts.yaml:2: receivers.chat: api_url is a secret in the clear; put it into a file",
    ),
    "password in address": (
        "receivers: {a: {webhook: {url: 'https://u:p@example.com'}}}",
        "holds a secret in the clear",
    ),
    "token in address": (
        "receivers: {a: {webhook: {url: 'https://example.com/hook?access_token=abc'}}}",
        "holds a secret in the clear",
    ),
    "address that is a secret": (
        "receivers: {a: {webhook: {url: 'https://hooks.slack.com/services/T/B/x'}}}",
        "holds a secret in the clear; put the address into a file and name it in url_file",
    ),
    "receiver of a newer version": (
        "receivers: {a: {teams: {webhook_url_file: /x}}}",
        "teams needs Alertmanager 0.28",
    ),
    "unknown receiver": ("routes: [{critical: pager}]", "receiver 'pager' is not among none"),
    "unknown alert": (
        "alerts: {BullNoWorker: off}",
        "alerts.BullNoWorker: no such alert; did you mean BullNoWorkers?",
    ),
    "label with a template": (
        "labels: {a: '{{ $value }}'}",
        "a template in a label would make a new alert at each change",
    ),
    "reserved label": ("labels: {severity: x}", "'severity' is no label that can be added"),
    "target of another unit": (
        "redis_connection_utilization:\n  target: 5ms",
        "alerts.yaml:2: redis_connection_utilization.target: '5ms' must be a percentage",
    ),
    "target that is no band": ("redis_connection_utilization: {target: 80-60%}", "is no band"),
    "no objective": ("objective: abc", "alerts.yaml:1: objective: 'abc' is not a percentage"),
    "objective without a unit": ("objective: '99.9'", "objective: '99.9' must be a percentage"),
    "objective of all jobs": ("objective: 100%", "must be between 0% and 100%"),
    "old Prometheus": (
        "targets:\n  prometheus: '2.41'",
        "alerts.yaml:2: targets.prometheus: 2.41 is too old: these files need prometheus 2.42",
    ),
    "old Alertmanager": ("targets: {alertmanager: '0.24'}", "these files need alertmanager 0.25"),
    "version as a number": ("targets: {prometheus: 2.50}", "must be in quotes"),
    "unknown watchdog": ("watchdog: switch", "alerts.yaml:1: watchdog: receiver 'switch' is not among none"),
    "receiver of a taken name": (
        "receivers: {nowhere: {webhook: {url: 'http://x'}}}",
        "receivers.nowhere: this name is taken",
    ),
    "webhook that is no address": ("receivers: {a: {webhook: {url: x.example}}}", "must begin with http://"),
    "two routes of a team": (
        "receivers: {a: {webhook: {url: 'http://x'}}}\nroutes:\n- {team: x, critical: a}\n- {team: x}",
        "alerts.yaml:4: routes.2: there is a route for team 'x' already",
    ),
    "severity of an alert that has two": (
        "severities: {BullLatencyHigh: critical}",
        "alerts.yaml:1: severities.BullLatencyHigh: can't be changed here",
    ),
    "no PromQL": ("figures: {worker_memory_bytes: 'sum('}", "is no PromQL"),
    "no weekday": ("quiet_hours: {times: ['22:00-07:00'], weekdays: [funday]}", "must be a day such as"),
    "weekdays backwards": (
        "quiet_hours: {times: ['22:00-07:00'], weekdays: ['friday:monday']}",
        "runs backwards",
    ),
    "no time zone": ("quiet_hours: {times: ['22:00-07:00'], location: Mars}", "is no time zone"),
    "no time of day": ("quiet_hours: {times: ['24:30-07:00']}", "must be HH:MM-HH:MM"),
    "no time at all": ("quiet_hours: {times: ['22:00-22:00']}", "has no length"),
    "no label": ("replica_labels: ['a b']", "'a b' is no name of a label"),
    "queue as a server": ("redis_labels: [queue]", "tells queues apart"),
    "no address": ("addresses: {grafana: grafana.example}", "must begin with http://"),
    "bucket below 0": ("buckets: [-1]", "greater than 0"),
    "bucket without an end": ("buckets: [.inf]", "finite number"),
    "number as a key": ("1: 2", "alerts.yaml:1: key 1: a key must be a word"),
    "word for a mapping": (
        "queue_processing_latency: 750ms",
        "alerts.yaml:1: queue_processing_latency: '750ms': must be a mapping",
    ),
    "number for text": ("job: 5", "alerts.yaml:1: job: 5: must be text; put it into quotes"),
    "character that is none": ('job: a\nteam: "b\0"', "alerts.yaml:2: not YAML: holds the character #x00"),
    "mapping that holds itself": (
        "labels: &a {x: *a}",
        "alerts.yaml:1: labels.x: {'x': {...}}: must be text",
    ),
    "secret where a mapping belongs": (
        "receivers: {p: {slack: 'https://hooks.example/secret'}}",
        "alerts.yaml:1: receivers.p.slack: must be a mapping",
    ),
    "secret in place of its file": (
        "receivers: {p: {slack: {channel: x, api_url_file: 'https://hooks.example/x'}}}",
        "receivers.p.slack.api_url_file: is an address, perhaps a secret one; put it into a file",
    ),
    "password in a link": (
        "addresses:\n  grafana: https://u:p@grafana.example",
        "alerts.yaml:2: addresses.grafana: holds a password in the clear",
    ),
    "team with a template": (
        "owners:\n- {queue: a, team: '{{ $value }}'}",
        "alerts.yaml:2: owners.1.team: '{{ $value }}' must be a plain name",
    ),
    "override without a bound": (
        "overrides:\n- queue: a\n  drain_time: {target: 5m}",
        "alerts.yaml:3: overrides.1.drain_time: gives no bound: write warning, critical, or `off`",
    ),
    "PromQL that gives text": ("figures: {worker_cpu_cores: '\"a\"'}", "gives text or a range"),
    "no mapping": ("- a", "must hold a mapping"),
    "not YAML": ("a: [", "alerts.yaml:1: not YAML"),
}


@pytest.mark.parametrize("mistake", BAD)
def test_a_mistake_is_told_in_one_line_that_says_where(mistake: str) -> None:
    text, expected = BAD[mistake]
    with pytest.raises(ConfigError) as caught:
        plan(text)
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_target_is_shown_on_the_scorecard_and_alarms_nobody() -> None:
    made = plan(
        "queue_throughput: {critical: <100 jobs/hour, target: 12000 jobs/hour}\n"
        "redis_connection_utilization: {target: 50-70%}\nqueue_processing_latency: {target: 300ms}\n"
        "objective: 99%\n"
    )
    config = made.ground.config
    aims = [aim(config, signal) for signal in (THROUGHPUT, CONNECTIONS, LATENCY, CACHE_HITS, DRAIN)]
    assert [(found.text, found.value) if found else None for found in aims] == [
        ("12000 jobs/hour", 12000),
        ("50-70%", 0.7),
        ("300ms", 0.3),
        ("85%", 0.85),
        None,
    ]
    cards = next(row for row in boards.boards(made.ground)[0].rows if row.title == "Scorecard").panels
    shown = {card.title: card.target for card in cards}
    assert shown["Throughput"] == (12000, "above")
    assert shown["Connections"] == (0.7, "below")
    assert shown["Mean wait, worst queue"] == (0.3, "below")
    assert shown["Jobs processed"] == (0.99, "above")


def test_a_target_alone_leaves_the_bounds_as_they_are() -> None:
    made = plan("redis_connection_utilization: {target: 60-80%}\njob_failure_rate: {}")
    assert made.ground.thresholds.all == plan().ground.thresholds.all


def test_what_is_in_quotes_or_a_comment_is_no_bound() -> None:
    made = plan(
        "labels: {a: \"warning: >85%, critical: x\", b: 'critical: >9%, y'}  # warning: >1%, don't\n"
        "job_failure_rate: {warning: >3%, critical: >9%}\n"
    )
    assert made.ground.config.labels == {"a": "warning: >85%, critical: x", "b": "critical: >9%, y"}
    assert made.ground.thresholds.default(FAILURES, "warning") == 0.03


def test_a_file_that_is_no_text_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "alerts.yaml").write_bytes(b"job: a\nteam: \xe9\n")
    with pytest.raises(ConfigError, match=r"alerts.yaml:2: not UTF-8 text"):
        config_file.load(tmp_path / "alerts.yaml")


def test_an_edge_that_the_exporter_was_given_is_a_bound() -> None:
    made = plan("buckets: [2]\nqueue_processing_latency: {warning: 2s, critical: 5s}")
    assert made.ground.thresholds.default(LATENCY, "warning") == 2


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        config_file.load(tmp_path / "none.yaml")
