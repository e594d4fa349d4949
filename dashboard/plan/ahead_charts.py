"""This file knows how the weeks ahead are drawn: what was, what is expected with its band, and slots by the hour."""

from collections.abc import Sequence

import altair as alt
import pandas as pd

from dashboard.amounts import jobs
from dashboard.axes import DAYS, THOUSANDS
from dashboard.chart_bounds import Rule, drawn
from dashboard.look import BLUE, CRITICAL, GREY, ORANGE

HEIGHT = 320
_X = alt.X("time:T", title=None, axis=DAYS)
_JOBS_AXIS = alt.Axis(format="~s", labelExpr=THOUSANDS)


def ahead(past: pd.DataFrame, coming: pd.DataFrame, borne: float | None) -> alt.LayerChart:
    """Jobs an hour: the past as it was, the hours ahead with a 90 % band, and what the slots bear."""
    band = (
        alt.Chart(coming)
        .mark_area(color=ORANGE, opacity=0.25)
        .encode(_X, y=alt.Y("low:Q"), y2=alt.Y2("high:Q"))
    )
    layers = [
        band,
        _line(past, "jobs", BLUE, [1, 0], "as it was"),
        _line(coming, "expected", ORANGE, [6, 3], "expected"),
        *_labels(past, coming),
    ]
    if borne is not None:
        layers += _bound(borne, f"borne {jobs(borne)}")
    return _finished(layers, HEIGHT)


def _line(frame: pd.DataFrame, column: str, colour: str, dash: Sequence[int], name: str) -> alt.Chart:
    tips = [alt.Tooltip("time:T", format="%a %d %b %H:%M", title=name)]
    tips.append(alt.Tooltip(f"{column}:Q", format=",.0f", title="jobs an hour"))
    if "low" in frame:
        tips += [
            alt.Tooltip("low:Q", format=",.0f", title="from"),
            alt.Tooltip("high:Q", format=",.0f", title="to"),
        ]
    drawn: alt.Chart = (
        alt.Chart(frame)
        .mark_line(color=colour, strokeDash=list(dash), strokeWidth=1.6)
        .encode(_X, y=alt.Y(f"{column}:Q", title="jobs an hour", axis=_JOBS_AXIS), tooltip=tips)
    )
    return drawn


def _labels(past: pd.DataFrame, coming: pd.DataFrame) -> list[alt.Chart]:
    """Names at the place of each line, so that nobody needs the colours."""
    placed = pd.DataFrame(
        {
            "time": [frame["time"].iloc[0] for frame in (past, coming) if len(frame)],
            "text": [
                name for name, frame in (("as it was", past), ("expected, 90 % band", coming)) if len(frame)
            ],
        }
    )
    text = alt.Chart(placed).mark_text(align="left", dx=6, color=GREY, fontWeight=600)
    return [text.encode(x=alt.X("time:T"), y=alt.value(10), text=alt.Text("text:N"))]


def _bound(value: float, label: str) -> list[alt.Chart]:
    """As in other charts: its name stands beside the lines, not over them."""
    return drawn([Rule(value, label, CRITICAL)], (0.0, value), log=False)


def described(past: pd.DataFrame, coming: pd.DataFrame, borne: float | None) -> str:
    """The weeks ahead in words."""
    top = coming.loc[coming["expected"].idxmax()]
    told = f"At most {jobs(top['expected'])} jobs an hour are expected, on {top['time']:%a %d %b %H:%M} UTC"
    was = f"; the most before was {jobs(past['jobs'].max())}" if past["jobs"].notna().any() else ""
    return f"{told}{was}" + (f"; the slots bear {jobs(borne)}." if borne is not None else ".")


def staffing(table: pd.DataFrame, slots: int | None) -> alt.LayerChart:
    """Slots by the hour: for the expected jobs, and for the upper end of the band."""
    layers = [_steps(table.rename(columns=NEEDED).melt("time", var_name="line", value_name="slots"))]
    if slots is not None:
        layers += _bound(float(slots), f"there {slots}")
    return _finished(layers, HEIGHT - 80)


NEEDED = {"slots_high": "upper end of the band", "slots": "expected jobs"}


def staffing_described(table: pd.DataFrame, slots: int | None) -> str:
    """The slots by the hour in words."""
    most = table["slots_high"].max()
    told = f"Slots by the hour, at most {most:,.0f}" if pd.notna(most) else "No number of slots is enough"
    return f"{told}; {slots} are there." if slots is not None else f"{told}."


def _steps(table: pd.DataFrame) -> alt.Chart:
    names = list(NEEDED.values())
    legend = alt.Legend(title=None, orient="top", symbolType="stroke")
    drawn_: alt.Chart = (
        alt.Chart(table)
        .mark_line(interpolate="step-after", strokeWidth=1.8)
        .encode(
            _X,
            y=alt.Y("slots:Q", title="slots", axis=alt.Axis(tickMinStep=1)),
            color=alt.Color("line:N", scale=alt.Scale(domain=names, range=[BLUE, ORANGE]), legend=legend),
            strokeDash=alt.StrokeDash(
                "line:N", scale=alt.Scale(domain=names, range=[[1, 0], [6, 3]]), legend=legend
            ),
            tooltip=[
                alt.Tooltip("time:T", format="%a %d %b %H:%M"),
                alt.Tooltip("line:N", title="needed"),
                alt.Tooltip("slots:Q", title="slots", format=",.0f"),
            ],
        )
    )
    return drawn_


def _finished(layers: Sequence[alt.Chart], height: int) -> alt.LayerChart:
    whole = alt.LayerChart(layer=list(layers), height=height, width="container")
    whole = whole.resolve_scale(color="independent", strokeDash="independent")  # bounds have their own
    plain: alt.LayerChart = whole.configure_view(strokeWidth=0).configure_axis(domain=False)
    return plain
