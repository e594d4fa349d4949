"""This file knows the shared look of charts: series told apart by more than their colour, bounds drawn in."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, cast

import altair as alt
import numpy as np
import pandas as pd

from dashboard.axes import THOUSANDS
from dashboard.chart_bounds import DASH, Rule, band, drawn
from dashboard.look import CRITICAL, FINE, GREY, SERIES, UNKNOWN, WARNING

DASHES = ([1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [4, 4], [1, 3])
HEIGHT = 240
BAR_PIXELS = 30


def lines(
    table: pd.DataFrame,
    unit: str,
    rules: Sequence[Rule] = (),
    *,
    log: bool = False,
    format_: str = ",.3~r",
    height: int = HEIGHT,
    between: tuple[float, float] | None = None,
) -> alt.LayerChart:
    """One line for each column over the table's times. What is not known leaves a gap."""
    names = [str(column) for column in table.columns]
    x = alt.X("time:T", title=None, axis=_time_axis(table.index))
    decades = _decades(table, rules) if log else []
    domain = _domain(table, rules, between, decades)
    # A line that is alone has no legend, which would tell what it is.
    title = f"{names[0]}, {unit}" if len(names) == 1 else unit
    y = alt.Y(
        "value:Q",
        title=title,
        scale=_scale(domain, log and bool(decades)),
        axis=_value_axis(decades, format_),
    )
    colour = alt.Color("series:N", scale=_colours(names), legend=_legend(names), sort=names)
    dash = alt.StrokeDash("series:N", scale=_dashes(names), legend=_legend(names), sort=names)
    tips = [
        alt.Tooltip("time:T", format="%d %b %H:%M:%S"),
        alt.Tooltip("series:N"),
        alt.Tooltip("value:Q", title=unit, format=format_),
    ]
    base = alt.Chart(_long(table, names))
    # A single known sample between gaps has no line; a point shows it.
    point = alt.OverlayMarkDef(size=14, opacity=0.55)
    line = base.mark_line(strokeWidth=2, interpolate="monotone", point=point).encode(
        x, y, colour, dash, tooltip=tips
    )
    marks = [*band(between), line, *drawn(rules, domain, bool(decades))]
    return _finish(marks, height)


def _scale(domain: tuple[float, float], log: bool) -> alt.Scale:
    return alt.Scale(type="log" if log else "linear", clamp=log, nice=False, domain=list(domain))


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
    ends = (float(positive.min()), float(positive.max())) if len(positive) else ()
    seen = [*ends, *(rule.value for rule in rules)]
    if not seen:
        return []
    low, high = math.floor(math.log10(min(seen))), math.ceil(math.log10(max(seen)))
    return [10.0**power for power in range(low, max(high, low + 1) + 1)]


def _value_axis(decades: Sequence[float], format_: str) -> alt.Axis:
    """Of a logarithmic axis the powers of ten alone: lines between them would be a grid of grids."""
    if decades:
        return alt.Axis(format=format_, values=list(decades))
    return alt.Axis(format=format_, tickCount=5, labelExpr=THOUSANDS)


def _time_axis(times: pd.Index) -> alt.Axis:
    """Hours where a day or less is shown, else days; of a history that has only begun, seconds."""
    length = times[-1] - times[0] if len(times) else pd.Timedelta(0)
    format_ = "%H:%M" if length <= pd.Timedelta(days=1.5) else "%d %b"
    format_ = "%H:%M:%S" if length <= pd.Timedelta(minutes=4) else format_
    return alt.Axis(grid=False, tickCount=6, labelOverlap=True, format=format_)


def _long(table: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """A row for each value: `time`, `series`, `value`."""
    return pd.DataFrame(
        {
            "time": table.index[np.tile(np.arange(len(table)), len(names))],
            "series": np.repeat(np.array(names, dtype=object), len(table)),
            "value": table.to_numpy(dtype=float).ravel(order="F"),
        }
    )


def bars(
    table: pd.DataFrame, unit: str, ceiling: Rule, *, most: float, format_: str = ".0%"
) -> alt.LayerChart:
    """A bar for each row, in their order: columns `name`, `value`, `level`, `text`; the ceiling is drawn in."""
    names = alt.Axis(labelLimit=190, ticks=False, domain=False)
    y = alt.Y("name:N", sort=list(table["name"]), title=None, axis=names)
    shown = alt.Axis(format=format_, grid=True, tickCount=5)
    x = alt.X("value:Q", title=unit, scale=alt.Scale(domain=[0, most], clamp=True), axis=shown)
    colour = alt.Color("level:N", scale=level_colours(), legend=None)
    tips = [alt.Tooltip("name:N", title="queue"), alt.Tooltip("text:N", title="says")]
    rows = alt.Chart(table)
    end, line, words = f"datum.value / {most} * width", f"{ceiling.value / most} * width", _WORDS_PIXELS
    is_inside = f"({end} + {words} > width && {end} > {words})"
    # In a row whose words would be crossed the line is left out; the other rows show where it is.
    is_crossed = f"(!{is_inside} && {end} < {line} && {end} + {words} > {line})"
    text = alt.Text("text:N")
    layers = [
        rows.mark_bar(height={"band": 0.62}, cornerRadiusEnd=3).encode(x, y, colour, tooltip=tips),
        rows.mark_text(align="left", dx=5, color=GREY).encode(
            x, y, opacity=_unless(is_inside), text=text, tooltip=tips
        ),
        rows.mark_text(align="right", dx=-5, color="white", fontWeight=600).encode(
            x, y, opacity=_unless(f"!{is_inside}"), text=text, tooltip=tips
        ),
        rows.mark_rule(color=ceiling.colour, strokeDash=DASH).encode(
            opacity=_unless(is_crossed),
            x=alt.datum(ceiling.value),
            y=alt.Y("name:N", sort=list(table["name"]), bandPosition=0),
            y2=alt.Y2("name:N", bandPosition=1),
        ),
    ]
    return _finish(layers, max(90, BAR_PIXELS * len(table) + 40))


_WORDS_PIXELS = "(12 + 6 * length(datum.text))"
"""How wide the words beside a bar may be at most, and the gap before them."""


def _unless(is_so: str) -> Any:
    """Drawn but where `is_so` holds, which is known once the chart has its width."""
    return alt.condition(is_so, alt.value(0), alt.value(1))


def level_colours() -> alt.Scale:
    colours: Mapping[str, str] = {"critical": CRITICAL, "warning": WARNING, "unknown": UNKNOWN, "fine": FINE}
    return alt.Scale(domain=list(colours), range=list(colours.values()))


def heat(
    table: pd.DataFrame, unit: str, edges: Sequence[str], what: str = "jobs", height: int = HEIGHT
) -> alt.LayerChart:
    """How many of `what` fell into each bucket at each time: columns `time`, `until`, `edge`, `count`."""
    box = (
        alt.Chart(table)
        .mark_rect()
        .encode(
            alt.X("time:T", title=None, axis=_time_axis(pd.Index(table["time"].sort_values()))),
            alt.X2("until:T"),
            alt.Y("edge:N", sort=list(reversed(edges)), title=unit, axis=alt.Axis(labelOverlap=True)),
            alt.Color(
                "count:Q",
                scale=alt.Scale(scheme="viridis", type="symlog"),
                legend=alt.Legend(title=what, orient="right", gradientLength=height - 60),
            ),
            tooltip=[
                alt.Tooltip("time:T", format="%d %b %H:%M"),
                alt.Tooltip("edge:N", title="up to"),
                alt.Tooltip("count:Q", title=what, format=",.0f"),
            ],
        )
    )
    return _finish([box], height)


def _colours(names: Sequence[str]) -> alt.Scale:
    return alt.Scale(domain=list(names), range=[SERIES[place % len(SERIES)] for place in range(len(names))])


def _dashes(names: Sequence[str]) -> alt.Scale:
    return alt.Scale(domain=list(names), range=[DASHES[place % len(DASHES)] for place in range(len(names))])


def _legend(names: Sequence[str]) -> alt.Legend | None:
    if len(names) < 2:
        return None
    return alt.Legend(
        title=None, orient="top", direction="horizontal", labelLimit=180, symbolType="stroke", columns=3
    )


def _finish(layers: Sequence[alt.Chart], height: int) -> alt.LayerChart:
    # Bounds have their own colours. Said all at once: each step of a chain would copy the whole.
    independent = alt.Resolve(scale=alt.ScaleResolveMap(color="independent", strokeDash="independent"))
    config = alt.Config(view=alt.ViewConfig(strokeWidth=0), axis=alt.AxisConfig(domain=False))
    whole = alt.layer(*layers, height=height, width="container", resolve=independent, config=config)
    return cast(alt.LayerChart, whole)
