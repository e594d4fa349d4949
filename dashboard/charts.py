"""This file knows the shared look of charts: series told apart by more than their colour, bounds drawn in."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from dashboard.chart_bounds import DASH, Rule, band, drawn
from dashboard.look import CRITICAL, FINE, GREY, SERIES, UNKNOWN, WARNING
from dashboard.vega import Spec, channel, chart, layer, scale

DASHES = ([1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [4, 4], [1, 3])
HEIGHT = 240
BAR_PIXELS = 30
LEVELS: Mapping[str, str] = {
    "critical": CRITICAL, "warning": WARNING, "unknown": UNKNOWN, "fine": FINE,
}  # fmt: skip


def lines(
    table: pd.DataFrame,
    unit: str,
    rules: Sequence[Rule] = (),
    *,
    log: bool = False,
    format_: str = ",.3~r",
    height: int = HEIGHT,
    between: tuple[float, float] | None = None,
) -> Spec:
    """One line for each column over the table's times. What is not known leaves a gap."""
    names = [str(column) for column in table.columns]
    decades = _decades(table, rules) if log else []
    domain = _domain(table, rules, between, decades)
    legend = _legend(names)
    encoding = {
        "x": channel("time:T", title=None, axis=_time_axis(table.index)),
        "y": channel(
            "value:Q", title=unit, scale=_scale(domain, bool(decades)), axis=_value_axis(decades, format_)
        ),
        "color": channel("series:N", scale=scale(names, SERIES), legend=legend, sort=names),
        "strokeDash": channel("series:N", scale=scale(names, DASHES), legend=legend, sort=names),
        "tooltip": [
            channel("time:T", format="%d %b %H:%M:%S"),
            channel("series:N"),
            channel("value:Q", title=unit, format=format_),
        ],
    }
    # A single known sample between gaps has no line; a point shows it.
    style = {"strokeWidth": 2, "interpolate": "monotone", "point": {"size": 14, "opacity": 0.55}}
    marks = [*band(between), layer("line", style, encoding), *drawn(rules, domain, bool(decades))]
    return chart(marks, {"lines": _long(table, names)}, height)


def _scale(domain: tuple[float, float], log: bool) -> Spec:
    return {"type": "log" if log else "linear", "clamp": log, "nice": False, "domain": list(domain)}


def _domain(
    table: pd.DataFrame, rules: Sequence[Rule], between: tuple[float, float] | None, decades: Sequence[float]
) -> tuple[float, float]:
    """From 0, or the power of ten below, to a little above all that is drawn; of nothing but zeros to 1."""
    if decades:
        return decades[0], decades[-1]
    tops = [float(table.max(axis=None)), *(rule.value for rule in rules), *(between or ())]
    return 0.0, max((top for top in tops if top > 0), default=1 / 1.05) * 1.05


def _decades(table: pd.DataFrame, rules: Sequence[Rule]) -> list[float]:
    """The powers of ten around all that is drawn; what is 0 has no place on a logarithmic axis."""
    values = table.to_numpy(dtype=float).ravel()
    positive = values[values > 0]
    seen = [
        *((float(positive.min()), float(positive.max())) if len(positive) else ()),
        *(r.value for r in rules),
    ]
    if not seen:
        return []
    low, high = math.floor(math.log10(min(seen))), math.ceil(math.log10(max(seen)))
    return [10.0**power for power in range(low, max(high, low + 1) + 1)]


def _value_axis(decades: Sequence[float], format_: str) -> Spec:
    """Of a logarithmic axis the powers of ten alone: lines between them would be a grid of grids."""
    return {"format": format_, **({"values": list(decades)} if decades else {"tickCount": 5})}


def _time_axis(times: pd.Index) -> Spec:
    """Hours where a day or less is shown, else days."""
    length = times[-1] - times[0] if len(times) else pd.Timedelta(0)
    format_ = "%H:%M" if length <= pd.Timedelta(days=1.5) else "%d %b"
    return {"grid": False, "tickCount": 6, "labelOverlap": True, "format": format_}


def _long(table: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """A row for each value: `time`, `series`, `value`."""
    return pd.DataFrame(
        {
            "time": table.index[np.tile(np.arange(len(table)), len(names))],
            "series": np.repeat(np.array(names, dtype=object), len(table)),
            "value": table.to_numpy(dtype=float).ravel(order="F"),
        }
    )


def bars(table: pd.DataFrame, unit: str, ceiling: Rule, *, most: float, format_: str = ".0%") -> Spec:
    """A bar for each row, in their order: columns `name`, `value`, `level`, `text`; the ceiling is drawn in."""
    x = channel(
        "value:Q",
        title=unit,
        scale={"domain": [0, most], "clamp": True},
        axis={"format": format_, "grid": True, "tickCount": 5},
    )
    y = channel(
        "name:N",
        sort=list(table["name"]),
        title=None,
        axis={"labelLimit": 190, "ticks": False, "domain": False},
    )
    tips = [channel("name:N", title="queue"), channel("text:N", title="says")]
    colour = channel("level:N", scale={"domain": list(LEVELS), "range": list(LEVELS.values())}, legend=None)
    bar = layer(
        "bar",
        {"height": {"band": 0.62}, "cornerRadiusEnd": 3},
        {"x": x, "y": y, "color": colour, "tooltip": tips},
    )
    label = layer(
        "text",
        {"align": "left", "dx": 5, "color": GREY},
        {"x": x, "y": y, "text": channel("text:N"), "tooltip": tips},
    )
    across = layer(
        "rule",
        {"color": ceiling.colour, "strokeDash": DASH},
        {"x": channel("at:Q")},
        [{"at": ceiling.value}],
    )
    return chart([bar, label, across], {"bars": table}, max(90, BAR_PIXELS * len(table) + 40))


def heat(table: pd.DataFrame, unit: str, edges: Sequence[str], height: int = HEIGHT) -> Spec:
    """How many jobs fell into each bucket at each time: columns `time`, `until`, `edge`, `count`."""
    encoding = {
        "x": channel("time:T", title=None, axis=_time_axis(pd.Index(table["time"].sort_values()))),
        "x2": {"field": "until"},
        "y": channel("edge:N", sort=list(reversed(edges)), title=unit, axis={"labelOverlap": True}),
        "color": channel(
            "count:Q",
            scale={"scheme": "viridis", "type": "symlog"},
            legend={"title": "jobs", "orient": "right", "gradientLength": height - 60},
        ),
        "tooltip": [
            channel("time:T", format="%d %b %H:%M"),
            channel("edge:N", title="up to"),
            channel("count:Q", title="jobs", format=",.0f"),
        ],
    }
    return chart([layer("rect", {}, encoding)], {"boxes": table}, height)


def _legend(names: Sequence[str]) -> Spec | None:
    if len(names) < 2:
        return None
    return {
        "title": None, "orient": "top", "direction": "horizontal", "labelLimit": 180, "symbolType": "stroke",
        "columns": 4,
    }  # fmt: skip
