"""This file knows how the times at which alerts fired are drawn: a strip an alert, two sets beside each other."""

import pandas as pd

from dashboard.look import BLUE, ORANGE
from dashboard.vega import Spec, channel, chart, layer, scale

_STRIP = 34
_SETS = ("in force", "changed")


def strips(bars: pd.DataFrame, start: pd.Timestamp, end: pd.Timestamp) -> Spec:
    """The set in force above, the changed one below, in each alert's row."""
    order = sorted(bars["row"].unique())
    encoding = {
        "x": channel(
            "start:T", title=None, scale={"domain": [1000 * start.timestamp(), 1000 * end.timestamp()]}
        ),
        "x2": {"field": "end"},
        "y": channel("row:N", title=None, sort=order, axis={"labelLimit": 340}),
        "yOffset": channel("set:N", sort=list(_SETS)),
        "color": channel("set:N", title=None, scale=scale(_SETS, (BLUE, ORANGE)), legend={"orient": "top"}),
        "stroke": channel("set:N", scale=scale(_SETS, (BLUE, ORANGE)), legend=None),
        "fillOpacity": channel("set:N", scale=scale(_SETS, (0.95, 0.35)), legend=None),
        "tooltip": [
            channel("row:N", title="alert"),
            channel("set:N", title="bounds"),
            channel("start:T", format="%d %b %H:%M"),
            channel("told:N", title="for"),
        ],
    }
    return chart(
        [layer("bar", {"cornerRadius": 2}, encoding)], {"fired": bars}, max(90, _STRIP * len(order) + 40)
    )


def described(bars: pd.DataFrame) -> str:
    """The chart in words."""
    counts = bars.groupby(["row", "set"]).size()
    told = [f"{row} fired {count} times with the bounds {which}" for (row, which), count in counts.items()]
    return "; ".join(told) + "." if told else "No alert would have fired."
