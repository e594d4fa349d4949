"""The screen What-if, run as Streamlit runs it; without a source it still plans on the report's two fleets."""

from __future__ import annotations

import time
from pathlib import Path

import pandas as pd
import pytest
import yaml
from streamlit.testing.v1 import AppTest

from tests.dashboard.test_whatif_plan import planner

PLAN = "written-plan"
"""What opens the plan as it would be written."""
EXAMPLE = Path(__file__).parent.parent.parent / "docs/examples/planner/fleet.yaml"


def without_a_source() -> None:
    """The script that is run: the screen on a Prometheus that does not answer."""
    import time

    from alerts.config_file import parse
    from dashboard.page import Page, fitted, latest
    from dashboard.screens import whatif
    from dashboard.sources.prometheus import PrometheusSource
    from dashboard.sources.shared import SharedSource

    now = time.time()
    source = SharedSource(PrometheusSource("http://127.0.0.1:1"))
    thresholds = parse("", "defaults").ground.thresholds
    whatif.show(Page(source, fitted(3600, now, 60), latest(900, now, 15), now, "1h", thresholds))


def on_a_file(path: str) -> None:
    """The same with `--config`."""
    import time
    from pathlib import Path

    from dashboard import user_file
    from dashboard.page import Page, fitted, latest
    from dashboard.screens import whatif
    from dashboard.sources.prometheus import PrometheusSource
    from dashboard.sources.shared import SharedSource

    file, now = user_file.read(Path(path)), time.time()
    times = (fitted(3600, now, 60), latest(900, now, 15), now, "1h")
    source = SharedSource(PrometheusSource("http://127.0.0.1:1"))
    whatif.show(Page(source, *times, file.thresholds, None, file.asked, file.path))


@pytest.fixture(scope="module")
def screen() -> AppTest:
    return AppTest.from_function(without_a_source, default_timeout=60).run()


def metrics(screen: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in screen.metric}


def tables(screen: AppTest, column: str) -> list[pd.DataFrame]:
    """Tables that have a column, by queue."""
    return [
        table.value.set_index("queue") for table in screen.dataframe if {"queue", column} <= {*table.value}
    ]


def sides(screen: AppTest) -> list[pd.DataFrame]:
    return [table for table in tables(screen, "p95 wait") if "needed" not in table]


def test_a_source_that_is_away_is_told_and_the_reports_fleets_are_there(screen: AppTest) -> None:
    assert not screen.exception
    assert "No live workload: http://127.0.0.1:1/api/v1/query: Connection refused" in screen.warning[0].value
    assert screen.selectbox(key="fleet").options == ["report: today", "report: proposed"]
    first, second = sides(screen)
    assert list(first.index) == list(second.index)
    assert (first.loc["reports", "slots"], second.loc["reports", "slots"]) == ("2", "15")
    told = [markdown.value for markdown in screen.markdown]
    assert "reports and route-optimization would wait too long" in told
    assert "meets the objectives of all 8 queues" in told


def test_what_is_on_the_screen_is_what_the_command_prints(screen: AppTest) -> None:
    told = {row["name"]: row for row in planner("predict", str(EXAMPLE))["queues"]}
    shown = sides(screen)[1]
    assert len(shown) == len(told)
    for name, row in told.items():
        assert shown.loc[name, "slots"] == str(row["slots"])
        milliseconds = 1000 * row["wait_seconds"]["p95"]
        assert shown.loc[name, "p95 wait"] == (
            "<1 ms" if 0 < milliseconds < 0.5 else f"{milliseconds:.0f} ms"
        )


def test_a_turned_knob_is_answered_within_a_second() -> None:
    screen = AppTest.from_function(without_a_source, default_timeout=60).run()
    seconds = []
    for load in (2.0, 5.0, 10.0):
        began = time.perf_counter()
        screen.select_slider[0].set_value(load).run()
        seconds.append(time.perf_counter() - began)
    print("answered and drawn in " + ", ".join(f"{1000 * one:.0f} ms" for one in seconds))
    assert min(seconds) < 1.0
    assert metrics(screen)["Slots used"] == "100 %"
    assert "can't keep up" in screen.error[0].value


def test_slots_that_are_turned_change_the_queue_and_can_be_undone() -> None:
    screen = AppTest.from_function(without_a_source, default_timeout=60)
    screen.session_state[PLAN] = True
    screen.run()
    screen.select_slider[0].set_value(5.0).run()
    assert metrics(screen)["Slots needed"] == "6"
    concurrency = next(slider for slider in screen.slider if slider.label == "Concurrency")
    concurrency.set_value(6).run()
    assert screen.success[0].value == "**email** ✓ holds."
    assert "concurrency: 6" in screen.code[0].value
    screen.button[0].click().run()
    assert metrics(screen)["Slots used"] == "13.3 %"
    assert "concurrency: 5" in screen.code[0].value


def test_changes_of_one_queue_stay_while_another_is_turned() -> None:
    screen = AppTest.from_function(without_a_source, default_timeout=60).run()
    next(slider for slider in screen.slider if slider.label == "Workers").set_value(3).run()
    screen.selectbox[1].set_value("reports").run()
    next(slider for slider in screen.slider if slider.label == "Concurrency").set_value(7).run()
    [table] = tables(screen, "needed")
    slots = table["slots"]
    assert (slots["email"], slots["reports"]) == (15, 7)


def test_a_simulated_queue_is_told_with_its_band(tmp_path: Path) -> None:
    """Uneven services that come back after a while: no formula answers this."""
    entry = {
        "name": "email",
        "concurrency": 2,
        "jobs_per_hour": 4000,
        "service": {"law": "lognormal", "mean": 1.5, "scv": 4},
        "retries": {"failure_ratio": 0.05, "attempts": 3, "delay": 5},
    }
    plan = tmp_path / "fleet.yaml"
    plan.write_text(yaml.safe_dump({"queues": [entry]}))
    screen = AppTest.from_function(on_a_file, default_timeout=60, kwargs={"path": str(plan)}).run()
    assert not screen.exception
    assert " ± " in metrics(screen)["p95 wait"]


def test_a_budget_is_shared_and_stands_in_the_plan() -> None:
    screen = AppTest.from_function(without_a_source, default_timeout=120)
    screen.session_state[PLAN] = True
    screen.run()
    memory = next(one for one in screen.number_input if one.label == "Connections")
    memory.set_value(9.0).run()
    assert not screen.exception
    assert "budgets: {connections: 9.0}" in screen.code[0].value
    assert metrics(screen)["Connections"] == "✕ 12"
    assert "Not even the least slots" in screen.error[0].value
