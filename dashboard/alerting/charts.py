"""This file knows how the times at which alerts fired are drawn: a strip an alert, two sets beside each other."""

import altair as alt
import pandas as pd

from dashboard.axes import MOMENTS
from dashboard.look import BLUE, ORANGE

_STRIP = 34


def strips(bars: pd.DataFrame, start: pd.Timestamp, end: pd.Timestamp) -> alt.Chart:
    """The set in force above, the changed one below, in each alert's row."""
    order = sorted(bars["row"].unique())
    scale = alt.Scale(domain=[start.isoformat(), end.isoformat()])
    chart = alt.Chart(bars, height=max(90, _STRIP * len(order) + 40), width="container")
    drawn: alt.Chart = chart.mark_bar(cornerRadius=2).encode(
        x=alt.X("start:T", title=None, scale=scale, axis=MOMENTS),
        x2=alt.X2("end:T"),
        y=alt.Y("row:N", title=None, sort=order, axis=alt.Axis(labelLimit=340)),
        yOffset=alt.YOffset("set:N", sort=["in force", "changed"]),
        color=alt.Color(
            "set:N",
            title=None,
            scale=alt.Scale(domain=["in force", "changed"], range=[BLUE, ORANGE]),
            legend=alt.Legend(orient="top"),
        ),
        stroke=alt.Stroke(
            "set:N", scale=alt.Scale(domain=["in force", "changed"], range=[BLUE, ORANGE]), legend=None
        ),
        fillOpacity=alt.FillOpacity(
            "set:N", scale=alt.Scale(domain=["in force", "changed"], range=[0.95, 0.35]), legend=None
        ),
        tooltip=[
            alt.Tooltip("row:N", title="alert"),
            alt.Tooltip("set:N", title="bounds"),
            alt.Tooltip("start:T", format="%d %b %H:%M"),
            alt.Tooltip("told:N", title="for"),
        ],
    )
    return drawn


def described(bars: pd.DataFrame) -> str:
    """The chart in words."""
    counts = bars.groupby(["row", "set"]).size()
    told = [f"{row} fired {count} times with the bounds {which}" for (row, which), count in counts.items()]
    return "; ".join(told) + "." if told else "No alert would have fired."
