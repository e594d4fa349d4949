"""This file knows how a board becomes Grafana's JSON, through Grafana's own builders."""

import json
from typing import Any

from grafana_foundation_sdk.builders import common, dashboard, prometheus, stat, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common as common_models
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from alerts import names as n
from alerts.boards import grafana_colours as colours
from alerts.boards import grafana_table
from alerts.boards.grafana_left import without_leftovers
from alerts.boards.panels import Board, Kind, Panel, Query, Row
from alerts.rules import Ground

SOURCE = common_models.DataSourceRef(type_val="prometheus", uid="${datasource}")
WIDTH = 24


def render(board: Board, g: Ground, heading: str = "") -> str:
    """The JSON of a dashboard, as Grafana imports it; `heading` ends its description."""
    text = "\n\n".join(filter(None, (board.description, heading)))
    built = _dashboard(board, g).description(text).build()
    document: dict[str, Any] = json.loads(json.dumps(built, cls=JSONEncoder))
    return json.dumps(without_leftovers(document), indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def _dashboard(board: Board, g: Ground) -> dashboard.Dashboard:
    made = (
        dashboard.Dashboard(board.title)
        .uid(board.uid)
        .tags(["bullgauge"])
        .editable()
        .timezone("browser")
        .refresh("1m")
        .time("now-6h", "now")
        .with_variable(dashboard.DatasourceVariable("datasource").label("Data source").type("prometheus"))
        .annotation(_firing(g))
        .link(_siblings())
    )
    for narrower, name in enumerate(board.variables):
        made = made.with_variable(_variable(name, board.variables[:narrower]))
    identity, y = 1, 0
    for row in board.rows:
        made = made.with_row(_row(row, identity, y))
        identity, y = identity + 1, y + 1
        x, tallest = 0, 0
        for panel in row.panels:
            if x + panel.width > WIDTH:
                x, y, tallest = 0, y + tallest, 0
            place = models.GridPos(h=panel.height, w=panel.width, x=x, y=y)
            made = made.with_panel(_panel(panel, g).id(identity).grid_pos(place))
            identity, x, tallest = identity + 1, x + panel.width, max(tallest, panel.height)
        y += tallest
    return made


def _row(row: Row, identity: int, y: int) -> dashboard.Row:
    return dashboard.Row(row.title).id(identity).grid_pos(models.GridPos(h=1, w=WIDTH, x=0, y=y))


def _variable(name: str, wider: tuple[str, ...]) -> dashboard.QueryVariable:
    conditions = ", ".join(f'{other}=~"${other}"' for other in wider)
    query = f"label_values({n.READY}{{{conditions}}}, {name})"
    return (
        dashboard.QueryVariable(name)
        .label(name.capitalize())
        .datasource(SOURCE)
        .query({"query": query, "refId": name})
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(models.VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        .all_value(".*")
    )


def _firing(g: Ground) -> dashboard.AnnotationQuery:
    distinct = [name for name in g.config.redis_labels if name != "job"]
    expr = f'{n.ALERTS}{{alertstate="firing", alertname=~"Bull.+", alertname!="BullWatchdog"}}'
    return (
        dashboard.AnnotationQuery()
        .name("Alerts")
        .datasource(SOURCE)
        .enable(True)
        .icon_color(colours.RED)
        .expr(expr)
        .title_format("{{alertname}} {{severity}}")
        # As tags, since in a text Grafana puts a label's name where an alert has no such label.
        .tag_keys(",".join(("queue", "pool", "cache", "window", "instance", *distinct)))
        .step("60s")
    )


def _siblings() -> dashboard.DashboardLink:
    return (
        dashboard.DashboardLink("Bull")
        .type(models.DashboardLinkType.DASHBOARDS)
        .tags(["bullgauge"])
        .as_dropdown(True)
        .include_vars(True)
        .keep_time(True)
    )


def _panel(panel: Panel, g: Ground) -> Any:
    """A panel's builder; the three kinds share these methods, but no type."""
    made: Any
    match panel.kind:
        case Kind.LINES:
            made = _lines(panel)
        case Kind.TABLE:
            made = grafana_table.table_of(panel, g)
        case Kind.NUMBER:
            made = _number()
    made = made.title(panel.title).description(panel.description).datasource(SOURCE).unit(panel.unit)
    for index, query in enumerate(panel.queries):
        made = made.with_target(_target(query, chr(ord("A") + index), instant=panel.kind is Kind.TABLE))
    steps = colours.steps(panel.signal, panel.target, g)
    if steps:
        made = made.thresholds(dashboard.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(steps))
    return made if panel.maximum is None else made.min(0).max(panel.maximum)


def _target(query: Query, letter: str, *, instant: bool) -> prometheus.Dataquery:
    made = prometheus.Dataquery().expr(query.expr).ref_id(letter).datasource(SOURCE)
    if instant:
        return made.instant().format(PromQueryFormat.TABLE)
    return made.range().legend_format(query.legend or "__auto")


def _lines(panel: Panel) -> timeseries.Panel:
    legend = (
        common.VizLegendOptions()
        .show_legend(True)
        .display_mode(common_models.LegendDisplayMode.TABLE)
        .placement(common_models.LegendPlacement.BOTTOM)
        .calcs(["lastNotNull", "max"])
    )
    made = timeseries.Panel().legend(legend).fill_opacity(5).line_width(1)
    dashed = [models.DynamicConfigValue("custom.lineStyle", {"fill": "dash", "dash": [8, 8]})]
    return made.override_by_regexp("^(warning|critical): .*", dashed) if panel.signal else made


def _number() -> stat.Panel:
    reduce = common.ReduceDataOptions().calcs(["lastNotNull"]).values(False)
    return stat.Panel().reduce_options(reduce).no_value("unknown")
