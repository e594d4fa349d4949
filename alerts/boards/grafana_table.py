"""This file knows how a table is told to Grafana: columns, their order, colours, and where a queue's name leads."""

from collections.abc import Iterator
from typing import Any

from grafana_foundation_sdk.builders import common, table
from grafana_foundation_sdk.models import dashboard as models

from alerts.boards import grafana_colours as colours
from alerts.boards.panels import Column, Panel
from alerts.links import QUEUE
from alerts.rules import Ground

_ALERTS_FIRST = ("severity", "alertname", "queue")
_LINK = {
    "title": "Open this queue's board",
    "url": f"/d/{QUEUE}?${{datasource:queryparam}}&var-queue=${{__value.raw:percentencode}}&${{__url_time_range}}",
}


def table_of(panel: Panel, g: Ground) -> table.Panel:
    """A line for each set of labels."""
    made = table.Panel().override_by_name("queue", [_property("links", [_LINK])])
    return _queues(made, panel, g) if panel.columns else _alerts(made)


def _alerts(made: table.Panel) -> table.Panel:
    """Labels alone; `critical` goes before `warning` also in the alphabet."""
    shades = {"critical": colours.RED, "warning": colours.YELLOW}
    mapped = {name: {"color": shade, "index": index} for index, (name, shade) in enumerate(shades.items())}
    coloured = [
        _property("mappings", [{"type": "value", "options": mapped}]),
        _property("custom.cellOptions", {"type": "color-text"}),
    ]
    return (
        made.with_transformation(_organised({"Time": True, "Value": True}, _ALERTS_FIRST))
        .override_by_name("severity", coloured)
        .sort_by([common.TableSortByFieldState().display_name("severity")])
    )


def _queues(made: table.Panel, panel: Panel, g: Ground) -> table.Panel:
    renamed = {f"Value #{column.letter}": column.heading for column in panel.columns}
    made = made.with_transformation(models.DataTransformerConfig("merge", options={}))
    made = made.with_transformation(_organised({"Time": True}, ("queue", "prefix"), renamed))
    for column in panel.columns:
        made = made.override_by_name(column.heading, list(_looks(column, g)))
    first = panel.columns[0].heading
    return made.sort_by([common.TableSortByFieldState().display_name(first).desc(True)])


def _looks(column: Column, g: Ground) -> Iterator[models.DynamicConfigValue]:
    yield _property("unit", column.unit)
    if steps := colours.steps(column.signal, None, g):
        shown = [{"value": step.value, "color": step.color} for step in steps]
        yield _property("thresholds", {"mode": "absolute", "steps": shown})
        yield _property("custom.cellOptions", {"type": "color-text"})


def _property(name: str, value: Any) -> models.DynamicConfigValue:
    return models.DynamicConfigValue(name, value)


def _organised(
    hidden: dict[str, bool], first: tuple[str, ...], renamed: dict[str, str] | None = None
) -> models.DataTransformerConfig:
    order = {name: place for place, name in enumerate(first)}
    options = {"excludeByName": hidden, "renameByName": renamed or {}, "indexByName": order}
    return models.DataTransformerConfig("organize", options=options)
