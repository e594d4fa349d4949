"""The screens Forecast and What-if on a real Prometheus that holds five weeks."""

from __future__ import annotations

from pathlib import Path

import yaml
from streamlit.testing.v1 import AppTest

from tests.dashboard.test_forecast_history import END, FLEET, prometheus

__all__ = ["prometheus"]


def screen(url: str, name: str, config: str, now: float) -> None:
    """The script that is run: one screen at a moment."""
    import importlib
    from pathlib import Path

    from dashboard import user_file
    from dashboard.page import Page, fitted, latest
    from dashboard.sources.prometheus import PrometheusSource
    from dashboard.sources.shared import SharedSource

    file = user_file.read(Path(config) if config else None)
    source = SharedSource(PrometheusSource(url))
    page = Page(
        source,
        fitted(86_400, now, 960),
        latest(900, now, 15),
        now,
        "24h",
        file.thresholds,
        "email",
        file.asked,
        file.path,
    )
    importlib.import_module(f"dashboard.screens.{name}").show(page)


def run(url: str, name: str, config: Path | None = None) -> AppTest:
    given = {"url": url, "name": name, "config": str(config or ""), "now": float(END + 60)}
    shown = AppTest.from_function(screen, default_timeout=120, kwargs=given).run()
    assert not shown.exception
    return shown


def fleet(folder: Path, concurrency: int = 1) -> Path:
    [queue] = FLEET["queues"]
    path = folder / "fleet.yaml"
    path.write_text(yaml.safe_dump({"queues": [{**queue, "concurrency": concurrency}]}))
    return path


def test_the_hour_in_which_the_objective_breaks_is_told(prometheus: str, tmp_path: Path) -> None:
    shown = run(prometheus, "forecast", fleet(tmp_path))
    assert "The objective breaks on " in shown.error[0].value
    assert "1 slot bears " in shown.error[0].value
    labels = [metric.label for metric in shown.metric]
    assert labels == ["Peak hour ahead", "Most likely at", "Growth a week", "Error when tried"]
    [every] = [table.value for table in shown.dataframe if "peak at" in table.value]
    assert every.set_index("queue").loc["email", ""] == "✕ breaks"


def test_enough_slots_hold_in_every_hour_ahead(prometheus: str, tmp_path: Path) -> None:
    shown = run(prometheus, "forecast", fleet(tmp_path, 8))
    assert shown.success[0].value.startswith("The objective holds in every hour ahead: 8 slots bear ")
    [grid] = [table.value for table in shown.dataframe if "14" in table.value]
    assert grid.shape[1] == 24
    assert max(int(cell) for cell in grid.to_numpy().ravel() if cell) <= 8


def test_without_slots_the_weeks_ahead_are_there_and_the_break_is_unknown(prometheus: str) -> None:
    shown = run(prometheus, "forecast")
    assert shown.info[0].value.startswith("When the objective breaks can't be known")
    assert shown.metric[0].value.endswith(" jobs")


def test_a_plan_starts_from_the_live_workload_on_the_slots_of_the_file(
    prometheus: str, tmp_path: Path
) -> None:
    shown = run(prometheus, "whatif", fleet(tmp_path, 4))
    fleets = shown.selectbox(key="fleet")
    assert fleets.options == ["live now", "fleet", "report: today", "report: proposed"]
    assert fleets.value == "live now"
    shown.session_state["written-plan"] = True
    assert "arrivals:" in shown.run().code[0].value
    [table] = [one.value for one in shown.dataframe if "needed" in one.value and "queue" in one.value]
    assert table.set_index("queue").loc["email", "slots"] == 4
