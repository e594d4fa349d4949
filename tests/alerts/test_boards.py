"""The dashboards: complete panels whose queries read what the rules make."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from alerts import lint
from alerts.boards import all_boards as boards
from alerts.boards import grafana
from alerts.links import Links
from tests.alerts.conftest import plan

GRAFANA = Path(__file__).with_name("grafana")
UNITS = set(json.loads((GRAFANA / "units.json").read_text())["units"])
SCHEMA = json.loads((GRAFANA / "board.schema.json").read_text())
CONFIGS = ("", "profile: bullmq", "overrides: [{queue: slow, job_duration: {warning: 30s}}]", "job: queues")


def made(text: str = "") -> list[dict[str, Any]]:
    ground = plan(text).ground
    return [json.loads(grafana.render(board, ground)) for board in boards.boards(ground)]


def panels(board: dict[str, Any]) -> list[dict[str, Any]]:
    return [panel for panel in board["panels"] if panel["type"] != "row"]


@pytest.mark.parametrize("text", CONFIGS)
def test_grafanas_own_schema_accepts_every_board(text: str) -> None:
    judge = jsonschema.Draft7Validator(SCHEMA)
    for board in made(text):
        assert [error.message[:300] for error in judge.iter_errors(board)] == []


@pytest.mark.parametrize(
    "mistake",
    [
        lambda board: board["panels"][1].update(type="singlestat"),
        lambda board: board["panels"][1]["options"].update(legendary=True),
        lambda board: board["panels"][1]["gridPos"].update(w="12"),
        lambda board: board["templating"]["list"][0].update(type="databases"),
        lambda board: board.update(refreshing="1m"),
    ],
)
def test_the_schema_refuses_what_grafana_does_not_know(mistake: Callable[[dict[str, Any]], None]) -> None:
    board = made()[0]
    mistake(board)
    assert not jsonschema.Draft7Validator(SCHEMA).is_valid(board)


def test_every_unit_is_one_that_grafana_has() -> None:
    used = {value for board in made() for panel in panels(board) for value in _units(panel["fieldConfig"])}
    assert used <= UNITS, used - UNITS


def _units(config: dict[str, Any]) -> list[str]:
    overridden = [part for override in config["overrides"] for part in override["properties"]]
    return [config["defaults"]["unit"], *(part["value"] for part in overridden if part["id"] == "unit")]


@pytest.mark.parametrize("text", ["", "profile: bullmq"])
def test_every_query_reads_series_that_there_are(text: str) -> None:
    config = plan(text)
    known = lint.known_series(config.groups)
    for board in made(text):
        for panel in panels(board):
            for target in panel["targets"]:
                names = {selector.name for selector in lint.selectors(target["expr"])}
                assert names <= known, (panel["title"], names - known)


def test_every_panel_is_told_apart_described_and_legible() -> None:
    for board in made():
        identities = [panel["id"] for panel in board["panels"]]
        assert min(identities) >= 1
        assert len(set(identities)) == len(identities)
        for panel in panels(board):
            assert panel["title"]
            assert panel["description"]
            assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
            if panel["type"] == "timeseries":
                assert panel["options"]["legend"]["showLegend"] is True
                assert "lastNotNull" in panel["options"]["legend"]["calcs"]
            if panel["type"] == "stat":
                assert panel["options"]["reduceOptions"]["calcs"] == ["lastNotNull"]


def test_panels_lie_side_by_side_and_never_on_each_other() -> None:
    for board in made():
        taken: set[tuple[int, int]] = set()
        for panel in board["panels"]:
            place = panel["gridPos"]
            cells = {
                (x, y)
                for x in range(place["x"], place["x"] + place["w"])
                for y in range(place["y"], place["y"] + place["h"])
            }
            assert max(x for x, _ in cells) < 24
            assert not taken & cells, panel["title"]
            taken |= cells


def test_there_is_one_variable_for_the_data_source_and_queues_are_chosen_by_prefix_and_name() -> None:
    overview, queue, redis = made()
    for board in (overview, queue, redis):
        kinds = [variable["type"] for variable in board["templating"]["list"]]
        assert kinds.count("datasource") == 1
        assert board["annotations"]["list"][0]["expr"].startswith("ALERTS")
        assert board["links"][0]["tags"] == ["bullgauge"]
    assert [variable["name"] for variable in queue["templating"]["list"]] == ["datasource", "prefix", "queue"]


def test_colours_change_at_the_configured_bounds() -> None:
    _, queue, _ = made("job_failure_rate: {warning: >10%, critical: >30%}")
    failures = next(panel for panel in panels(queue) if panel["title"] == "Failures")
    steps = failures["fieldConfig"]["defaults"]["thresholds"]["steps"]
    assert [(step["value"], step["color"]) for step in steps] == [
        (None, "green"),
        (0.1, "yellow"),
        (0.3, "red"),
    ]
    overview = made()[0]
    throughput = next(
        panel
        for panel in panels(overview)
        if panel["type"] == "timeseries" and panel["title"] == "Throughput"
    )
    steps = throughput["fieldConfig"]["defaults"]["thresholds"]["steps"]
    assert [(step["value"], step["color"]) for step in steps] == [
        (None, "red"),
        (5000, "yellow"),
        (8000, "green"),
    ]


def test_the_bounds_of_all_queues_colour_the_table_of_queues() -> None:
    table = next(panel for panel in panels(made()[0]) if panel["title"] == "Queues")
    coloured = {
        override["matcher"]["options"]: [step["value"] for step in part["value"]["steps"]]
        for override in table["fieldConfig"]["overrides"]
        for part in override["properties"]
        if part["id"] == "thresholds"
    }
    assert coloured == {
        "Drain time": [None, 1800, 7200],
        "Failed": [None, 0.02, 0.05],
        "p95 wait": [None, 0.75, 1.5],
    }


def test_critical_alerts_stand_first() -> None:
    table = next(panel for panel in panels(made()[0]) if panel["title"] == "Firing alerts")
    assert table["options"]["sortBy"] == [{"displayName": "severity"}]
    assert sorted(["warning", "critical"])[0] == "critical"


def test_two_redis_servers_are_told_apart_in_every_table() -> None:
    tables = [panel for board in made() for panel in panels(board) if panel["type"] == "table"]
    for expr in (target["expr"] for table in tables for target in table["targets"]):
        assert " by (" not in expr, "what is kept by name loses the labels that are not named"


def test_every_link_leads_to_a_board_that_has_what_it_sets() -> None:
    known = {board["uid"]: {variable["name"] for variable in board["templating"]["list"]} for board in made()}
    found = [*_links_of_alerts(), *_links_of_tables()]
    assert len(found) > 20
    for link in found:
        uid = re.search(r"/d/([\w-]+)", link)
        assert uid is not None, link
        assert uid[1] in known, link
        assert set(re.findall(r"var-(\w+)=", link)) <= known[uid[1]], link


def test_a_link_sets_a_prefix_only_where_the_series_has_one() -> None:
    """BullMQ's own metrics know none, and a variable that a board lacks is an address that nobody wrote."""
    queues = [link for link in _links_of_alerts("profile: bullmq") if "var-queue=" in link]
    assert queues
    for link in queues:
        assert "var-prefix" not in re.sub(r"{{ with \$labels\.prefix }}.*?{{ end }}", "", link)


def _links_of_alerts(text: str = "") -> Iterator[str]:
    config = plan(text)
    links = Links(config.ground.config.addresses)
    return (links.of(alert)["dashboard_url"] for alert in config.alerts)


def _links_of_tables() -> Iterator[str]:
    for panel in (panel for board in made() for panel in panels(board)):
        for override in panel["fieldConfig"]["overrides"]:
            for part in override["properties"]:
                yield from (link["url"] for link in part["value"] if part["id"] == "links")


def test_what_an_annotation_is_about_are_tags() -> None:
    """Where an alert lacks a label of a text, Grafana writes the label's name: `queue` for an alert on no queue."""
    for board in made():
        (alerts,) = board["annotations"]["list"]
        assert "textFormat" not in alerts
        assert set(re.findall(r"{{(\w+)}}", alerts["titleFormat"])) == {"alertname", "severity"}
        assert {"queue", "pool", "redis"} <= set(alerts["tagKeys"].split(","))
