"""The rules: read by Prometheus, true to the lint, and their tests kept by promtool under many configurations."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from alerts import lint, output, render
from alerts.cases import proving, ruletests
from alerts.cases.all_cases import CASES
from tests.alerts.conftest import USERS_BLOCK, plan, promtool, tool

OVERRIDES = """\
buckets: [2]
overrides:
- {queue: "reports", queue_processing_latency: {warning: 30s, critical: 60s},
   queue_throughput: {critical: <10 jobs/hour}}
- {pattern: "route-.*", job_duration: {warning: 30s}, job_failure_rate: off}
queue_processing_latency: {warning: 1s, critical: 2s}
job_failure_rate: {warning: >10%, critical: >30%}
queue_throughput: {warning: <600 jobs/hour, critical: <100 jobs/hour}
labels: {service: waste}
team: platform
owners: [{queue: reports, team: finance}]
page_on_burn: true
"""
FAR_OFF = """\
queue_processing_latency: {warning: 100ms, critical: 60s}
queue_throughput: {warning: <10 jobs/hour, critical: <2 jobs/hour}
redis_connection_utilization: {warning: >30%, critical: >99%}
job_failure_rate: {warning: >0.1%, critical: >0.2%}
oldest_waiting_job: {warning: 1m, critical: 2m}
drain_time: {warning: 1m, critical: 3h}
retry_rate: {warning: >1%}
dead_letters: {warning: >1 jobs, critical: >5 jobs}
redis_memory_utilization: {warning: >20%, critical: >40%}
cache_hit_rate: {warning: <20%}
objective: 99.99%
page_on_burn: true
"""
RENAMED = "job: queues\nreplica_labels: [instance]\nseverities: {BullJobsStalled: critical}\n"
CONFIGS = {
    "defaults": "",
    "everything different": OVERRIDES + RENAMED,
    "bullmq": "profile: bullmq",
    "overrides": OVERRIDES,
    "another job, bounds far off": RENAMED + FAR_OFF,
    "guards off": "guards: {enough_work: off, held_queues: off, few_jobs: off, coverage: off, hold_while_blind: off}",
}


@pytest.mark.parametrize("name", CONFIGS)
def test_promtool_accepts_the_rules_and_the_lint_finds_nothing(
    name: str, generated: Callable[[str], Path]
) -> None:
    made = plan(CONFIGS[name])
    assert list(lint.findings(made.groups, made.ground.config)) == []
    promtool("check", "rules", "--lint=all", "--lint-fatal", str(generated(CONFIGS[name]) / "rules.yaml"))


@pytest.mark.parametrize("name", CONFIGS)
def test_the_generated_rule_tests_pass(name: str) -> None:
    tool("promtool", "prometheus", "--version")
    assert proving.prove(plan(CONFIGS[name]), "promtool") == (True, "")


def test_the_written_files_hold_the_tests_that_are_proved(generated: Callable[[str], Path]) -> None:
    files = [yaml.safe_load((generated("") / name).read_text()) for name in output.TEST_FILES]
    written = [test["name"] for file in files for test in file["tests"]]
    assert sorted(written) == sorted(case.promise for case in output.cases(plan()))
    assert {file["evaluation_interval"] for file in files} == {"1m", "5m"}


def test_a_rule_that_is_wrong_is_told() -> None:
    """Of many tests run at once, one that fails is enough."""
    tool("promtool", "prometheus", "--version")
    made = plan(f"{CONFIGS['bullmq']}\n{CONFIGS['guards off']}")
    stuck = next(alert for alert in made.alerts if alert.name == "BullQueueStuck")
    left = made.only([place for place, rule in enumerate(made.rules) if rule is not stuck])
    passed, words = proving.prove(left, "promtool")
    assert not passed
    assert "BullQueueStuck" in words


def test_every_alert_has_a_rule_test(generated: Callable[[str], Path]) -> None:
    config = "overrides: [{queue: slow, job_duration: {warning: 30s, critical: 60s}}]"
    text = "".join((generated(config) / name).read_text() for name in output.TEST_FILES)
    assert [name for name in plan(config).names if name not in text] == []


def test_the_same_configuration_makes_the_same_bytes(tmp_path: Path) -> None:
    from alerts import output

    source = output.Source("alerts.yaml", USERS_BLOCK)
    first, second = (output.texts(plan(USERS_BLOCK), source) for _ in range(2))
    assert first == second


def test_each_rule_carries_what_an_alert_needs(generated: Callable[[str], Path]) -> None:
    document = yaml.safe_load((generated("") / "rules.yaml").read_text())
    alerts = [rule for group in document["groups"] for rule in group["rules"] if "alert" in rule]
    for alert in alerts:
        assert {"for", "keep_firing_for", "labels", "annotations"} <= alert.keys()
        assert alert["labels"]["severity"] in ("warning", "critical")
        assert set(alert["annotations"]) == {"summary", "description", "runbook_url", "dashboard_url"}


def test_the_lint_finds_what_it_should() -> None:
    from alerts.rules import Alert, Group, Recording

    config = plan().ground.config
    bad = Group(
        "bullgauge-bad",
        (
            Recording("queue_size_sum", 'sum(queue_size{job="bullgauge"})'),
            Recording("queue:queue_size:a", 'sum(queue_sizes{job="bullgauge"})'),
            Recording("queue:queue_size:b", "sum(queue_size)"),
            Alert(
                "BullA", "warning", "queue_size > 1", 0, "a", "{{ $value }", labels=(("x", "{{ $value }}"),)
            ),
            Alert("BullB", "warning", "1 +", 0, "", "b"),
        ),
    )
    found = "\n".join(lint.findings((bad,), config))
    for expected in (
        "queue_size_sum: is not level:metric:operations",
        "queue:queue_size:a: reads queue_sizes, which nothing makes",
        "queue:queue_size:b: reads queue_size of every job",
        "BullA: reads queue_size, which nothing makes",
        "BullA: label x holds $value",
        "BullA: description is empty or a broken template",
        "BullB: is no PromQL",
        "BullB: summary is empty",
    ):
        assert expected in found


@pytest.mark.parametrize("edge", ["1", "1.0"])
def test_a_whole_edge_is_found_however_the_exporter_writes_it(edge: str, tmp_path: Path) -> None:
    made = plan("queue_processing_latency: {warning: 1s, critical: 30s}")
    case = next(
        case
        for case in (maker(made.ground) for maker in CASES)
        if case and case.promise.startswith("waits are")
    )
    for world in case.worlds:
        world.series = {
            name.replace('le="1.0"', f'le="{edge}"').replace('le="30.0"', 'le="30"'): values
            for name, values in world.series.items()
        }
    assert any(f'le="{edge}"' in name for world in case.worlds for name in world.series)
    document = ruletests.document([output.RULES], made.ground, [case], made.groups, strict=False)
    (tmp_path / output.RULES).write_text(render.dump(output.rules(made)))
    (tmp_path / output.TESTS).write_text(render.dump(document))
    promtool("test", "rules", str(tmp_path / output.TESTS))
