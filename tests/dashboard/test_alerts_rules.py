"""Bounds, changed bounds and the sets of rules that they make, held against what the generator's command does."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from alerts.backtest import Line
from alerts.config_file import ConfigError, parse
from dashboard.alerting.bounds import table, written
from dashboard.alerting.history import Days, can_be_played, spells
from dashboard.alerting.rules import affected, only, rules_of, runbook, zipped
from dashboard.alerting.sets import in_force, made
from tests.alerts.conftest import promtool

DEFAULTS = parse("", "defaults").ground.thresholds
MIDNIGHT = 1_760_054_400.0  # 2025-10-10


def test_every_bound_in_force_stands_in_the_table_as_people_write_it() -> None:
    shown = table(DEFAULTS).set_index("signal")
    assert shown.loc["queue processing latency", ["warning", "critical"]].tolist() == ["> 750 ms", "> 1.5 s"]
    assert shown.loc["queue throughput", "warning"] == "< 8000 jobs/hour"
    assert shown.loc["dead letters", "critical"] == "—"
    assert len(shown) == len({one.signal.name for one in DEFAULTS.all})


def test_bounds_of_single_queues_have_rows_of_their_own() -> None:
    text = "overrides: [{queue: reports, queue_processing_latency: {warning: 30s, critical: 60s}}]"
    shown = table(parse(text, "x").ground.thresholds)
    assert shown[shown["for"] == 'queue="reports"']["warning"].tolist() == ["> 30 s"]


def test_the_bounds_written_out_make_the_same_rules() -> None:
    assert affected(parse("", "x"), in_force(DEFAULTS, "bullgauge").plan) == []


def test_a_changed_bound_changes_its_own_alerts_and_no_other() -> None:
    before = in_force(DEFAULTS, "bullgauge").plan
    after = made({**written(DEFAULTS), ("queue_processing_latency", "warning"): "500ms"}, "bullgauge").plan
    assert affected(before, after) == ["BullBucketMissing", "BullLatencyHigh"]


def test_a_bound_that_can_not_be_is_told_in_one_line_with_its_line() -> None:
    bounds = {**written(DEFAULTS), ("job_failure_rate", "warning"): ">20%"}
    with pytest.raises(ConfigError, match=r"bounds:12: job_failure_rate\.critical: warning >20% and") as told:
        made(bounds, "bullgauge")
    assert "\n" not in str(told.value)


def test_further_settings_and_another_job_are_in_the_rules() -> None:
    one = made(written(DEFAULTS), "queues", "overrides: [{queue: reports, dead_letters: {warning: 9 jobs}}]")
    assert one.plan.ground.config.job == "queues"
    assert 'queue="reports"' in table(one.plan.ground.thresholds)["for"].tolist()


def test_a_part_of_the_rules_is_a_set_that_promtool_accepts(tmp_path: Path) -> None:
    plan = parse("", "x")
    (tmp_path / "rules.yaml").write_text(rules_of(plan, "BullFailureRateHigh"))
    assert "SUCCESS" in promtool("check", "rules", str(tmp_path / "rules.yaml"))
    small = only(plan, {"BullFailureRateHigh"})
    assert small.names == ["BullFailureRateHigh"]
    assert 2 < sum(len(group.rules) for group in small.groups) < 40


def test_the_download_is_what_the_command_generates_from_the_configuration_in_it(tmp_path: Path) -> None:
    one = made({**written(DEFAULTS), ("job_failure_rate", "warning"): ">3%"}, "bullgauge")
    packed = zipped(one.plan, one.source)
    assert packed == zipped(one.plan, one.source)
    zipfile.ZipFile(io.BytesIO(packed)).extractall(tmp_path / "set")
    command = [sys.executable, "-m", "alerts", "generate", "--config", str(tmp_path / "set/alerts.yaml")]
    subprocess.run([*command, "--out", str(tmp_path / "made")], check=True, capture_output=True)
    files = {file.relative_to(tmp_path / "made") for file in (tmp_path / "made").rglob("*") if file.is_file()}
    assert len(files) > 30
    for file in files:
        assert (tmp_path / "set" / file).read_bytes() == (tmp_path / "made" / file).read_bytes(), file


def test_a_runbook_stands_below_the_headings_of_the_screen() -> None:
    text = runbook(parse("", "x"), "BullLatencyHigh")
    assert text.startswith("#### BullLatencyHigh")
    assert "\n# " not in text


def test_days_are_cut_at_midnight_and_end_with_a_full_hour() -> None:
    days = Days.back(2, MIDNIGHT + 10 * 3600 + 1234)
    assert [(end - start) / 3600 for start, end in days.parts] == [14, 24, 10]
    assert days.parts[0][0] == MIDNIGHT - 38 * 3600
    assert Days.back(1, MIDNIGHT).parts == [(MIDNIGHT - 86_400, MIDNIGHT)]


def test_alerts_over_days_are_not_played_on_a_day() -> None:
    plan = parse("", "x")
    assert can_be_played(plan, ["BullFailureRateHigh", "BullErrorBudgetBurn", "NoSuch"]) == [
        "BullFailureRateHigh"
    ]


def test_steps_in_a_row_are_one_spell() -> None:
    line = Line("BullLatencyHigh", "warning", "email", frozenset({3, 4, 5, 9}))
    assert spells(line, MIDNIGHT, 60.0) == [
        (MIDNIGHT + 180, MIDNIGHT + 360),
        (MIDNIGHT + 540, MIDNIGHT + 600),
    ]
    assert pd.Timestamp(MIDNIGHT, unit="s").hour == 0
