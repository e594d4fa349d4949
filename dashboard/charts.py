"""This file knows the shared look of charts: bounds drawn in, series told apart by more than their colour."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import altair as alt
import pandas as pd

from dashboard.look import CRITICAL, FINE, GREY, SERIES, UNKNOWN, WARNING

DASHES = ([1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [4, 4], [1, 3])
HEIGHT = 240
LABEL_LINE = 0.075
"""The height of a line of text as a share of the chart's."""
MOST_SERIES = len(SERIES)


@dataclass(frozen=True, slots=True)
class Rule:
    """A bound that is drawn in: where, and what it is called."""

    value: float
    label: str
    colour: str = GREY


def lines(
    table: pd.DataFrame,
    unit: str,
    rules: Sequence[Rule] = (),
    *,
    log: bool = False,
    format_: str = ",.3~r",
    height: int = HEIGHT,
    band: tuple[float, float] | None = None,
) -> alt.LayerChart:
    """One line for each column over the table's times. What is not known leaves a gap."""
    names = [str(column) for column in table.columns]
    long = _long(table, unit)
    x = alt.X("time:T", title=None, axis=_time_axis(table.index))
    decades = _decades(table, rules) if log else []
    domain = _domain(table, rules, band, decades)
    y = alt.Y(
        "value:Q", title=unit, scale=_scale(domain, log and bool(decades)), axis=_value_axis(decades, format_)
    )
    colour = alt.Color("series:N", scale=_colours(names), legend=_legend(names), sort=names)
    dash = alt.StrokeDash("series:N", scale=_dashes(names), legend=_legend(names), sort=names)
    tips = [
        alt.Tooltip("time:T", format="%d %b %H:%M:%S"),
        "series:N",
        alt.Tooltip("value:Q", title=unit, format=format_),
    ]
    base = alt.Chart(long)
    # A single known sample between gaps has no line; a point shows it.
    point = alt.OverlayMarkDef(size=14, opacity=0.55)
    line = base.mark_line(strokeWidth=2, interpolate="monotone", point=point).encode(
        x, y, colour, dash, tooltip=tips
    )
    marks = [*_bands(band), line, *_rules(rules, domain, bool(decades))]
    return _finish(marks, height)


def _scale(domain: tuple[float, float], log: bool) -> alt.Scale:
    return alt.Scale(type="log" if log else "linear", clamp=log, nice=False, domain=list(domain))


def _domain(
    table: pd.DataFrame, rules: Sequence[Rule], band: tuple[float, float] | None, decades: Sequence[float]
) -> tuple[float, float]:
    """From 0, or the power of ten below, to a little above all that is drawn; of nothing but zeros to 1."""
    if decades:
        return decades[0], decades[-1]
    tops = [float(table.max(axis=None)), *(rule.value for rule in rules), *(band or ())]
    return 0.0, max((top for top in tops if top > 0), default=1 / 1.05) * 1.05


def _decades(table: pd.DataFrame, rules: Sequence[Rule]) -> list[float]:
    """The powers of ten around all that is drawn; what is 0 has no place on a logarithmic axis."""
    seen = [float(value) for value in table.to_numpy().ravel() if value > 0] + [rule.value for rule in rules]
    if not seen:
        return []
    low, high = math.floor(math.log10(min(seen))), math.ceil(math.log10(max(seen)))
    return [10.0**power for power in range(low, max(high, low + 1) + 1)]


def _value_axis(decades: Sequence[float], format_: str) -> alt.Axis:
    """Of a logarithmic axis the powers of ten alone: lines between them would be a grid of grids."""
    return (
        alt.Axis(format=format_, values=list(decades)) if decades else alt.Axis(format=format_, tickCount=5)
    )


def _time_axis(times: pd.Index) -> alt.Axis:
    """Hours where a day or less is shown, else days."""
    length = times[-1] - times[0] if len(times) else pd.Timedelta(0)
    format_ = "%H:%M" if length <= pd.Timedelta(days=1.5) else "%d %b"
    return alt.Axis(grid=False, tickCount=6, labelOverlap=True, format=format_)


def _long(table: pd.DataFrame, unit: str) -> pd.DataFrame:
    plain = table.set_axis([str(column) for column in table.columns], axis=1)
    long = plain.reset_index(names="time").melt("time", var_name="series", value_name="value")
    return long.assign(unit=unit)


def bars(
    table: pd.DataFrame,
    unit: str,
    rules: Sequence[Rule] = (),
    *,
    format_: str = ".0%",
    most: float | None = None,
) -> alt.LayerChart:
    """A bar for each row: columns `name`, `value`, `level`, `text`; worst first as given."""
    order = list(table["name"])
    y = alt.Y("name:N", sort=order, title=None, axis=alt.Axis(labelLimit=190, ticks=False, domain=False))
    domain = [0, most] if most is not None else alt.Undefined
    x = alt.X(
        "value:Q",
        title=unit,
        scale=alt.Scale(domain=domain, clamp=True),
        axis=alt.Axis(format=format_, grid=True, tickCount=5),
    )
    colour = alt.Color("level:N", scale=level_colours(), legend=None)
    tips = [alt.Tooltip("name:N", title="queue"), alt.Tooltip("text:N", title="says")]
    bar = (
        alt.Chart(table).mark_bar(height={"band": 0.62}, cornerRadiusEnd=3).encode(x, y, colour, tooltip=tips)
    )
    label = (
        alt.Chart(table)
        .mark_text(align="left", dx=5, color=GREY)
        .encode(x=x, y=y, text="text:N", tooltip=tips)
    )
    marks = [
        alt.Chart(pd.DataFrame({"at": [rule.value]}))
        .mark_rule(color=rule.colour, strokeDash=[5, 3])
        .encode(x="at:Q")
        for rule in rules
    ]
    return _finish([bar, label, *marks], max(90, 30 * len(order) + 40))


def level_colours() -> alt.Scale:
    colours: Mapping[str, str] = {"critical": CRITICAL, "warning": WARNING, "unknown": UNKNOWN, "fine": FINE}
    return alt.Scale(domain=list(colours), range=list(colours.values()))


def heat(table: pd.DataFrame, unit: str, edges: Sequence[str], height: int = HEIGHT) -> alt.LayerChart:
    """How many jobs fell into each bucket at each time: columns `time`, `until`, `edge`, `count`."""
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
                legend=alt.Legend(title="jobs", orient="right", gradientLength=height - 60),
            ),
            tooltip=[
                alt.Tooltip("time:T", format="%d %b %H:%M"),
                alt.Tooltip("edge:N", title="up to"),
                alt.Tooltip("count:Q", title="jobs", format=",.0f"),
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
        title=None, orient="top", direction="horizontal", labelLimit=180, symbolType="stroke", columns=4
    )


def _rules(rules: Sequence[Rule], domain: tuple[float, float], log: bool) -> list[alt.Chart]:
    """A dashed line for each bound, with its name beside the chart; near bounds don't write over each other."""
    if not rules:
        return []
    beside = spread([rule.value for rule in rules], domain, log)
    named = [(rule.value, place, rule.label, rule.colour) for rule, place in zip(rules, beside, strict=True)]
    at = alt.Chart(pd.DataFrame(named, columns=["at", "beside", "label", "colour"]))
    colour = alt.Color("colour:N", scale=None)
    text = at.mark_text(align="left", baseline="middle", dx=5, fontSize=11)
    return [
        at.mark_rule(strokeDash=[5, 3], strokeWidth=1.3).encode(colour, y="at:Q"),
        text.encode(colour, y="beside:Q", x=alt.value("width"), text="label:N"),
    ]


def spread(values: Sequence[float], domain: tuple[float, float], log: bool) -> list[float]:
    """Where labels of these values stand, none nearer to the next than a line of text."""
    low, high = (math.log10(end) for end in domain) if log else domain
    length = high - low
    places = [((math.log10(value) if log else value) - low) / length for value in values]
    free = 0.0
    for number in sorted(range(len(places)), key=lambda number: places[number]):
        places[number] = free = max(places[number], free)
        free += LABEL_LINE
    over = max(places, default=0.0) - 1.0
    moved = [place - max(0.0, over) for place in places]
    return [10.0 ** (low + place * length) if log else low + place * length for place in moved]


def _bands(band: tuple[float, float] | None) -> list[alt.Chart]:
    if band is None:
        return []
    box = pd.DataFrame({"low": [band[0]], "high": [band[1]]})
    return [alt.Chart(box).mark_rect(color=FINE, opacity=0.13).encode(y="low:Q", y2="high:Q")]


def _finish(layers: Sequence[alt.Chart], height: int) -> alt.LayerChart:
    whole = alt.layer(*layers).properties(height=height, width="container")
    whole = whole.resolve_scale(
        color="independent", strokeDash="independent"
    )  # bounds have their own colours
    return cast(alt.LayerChart, whole.configure_view(strokeWidth=0).configure_axis(domain=False))
