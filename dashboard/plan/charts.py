"""This file knows how waits by slots are drawn: curves, the objective across, and the slots that there are."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import altair as alt
import pandas as pd

from dashboard.amounts import seconds
from dashboard.look import BLUE, CRITICAL, GREY, ORANGE

FLOOR_SECONDS = 1e-3
"""Waits span decades, so the scale is logarithmic; a millisecond and less stands on the floor."""
HEIGHT = 320
ROOM_ON_TOP = 0.2
"""As a share of what is below it."""
_DASHES: tuple[list[int], ...] = ([1, 0], [6, 3])


@dataclass(frozen=True, slots=True)
class Mark:
    """A number of slots that has a name."""

    name: str
    slots: int


def wait_curves(
    curves: Mapping[str, pd.DataFrame], marks: Sequence[Mark], objective_seconds: float | None, figure: str
) -> alt.LayerChart:
    """One line a curve; where too few slots leave no steady state there is none."""
    data = pd.concat([frame.assign(line=name) for name, frame in curves.items()], ignore_index=True)
    data = data.assign(
        shown=data["seconds"].clip(lower=FLOOR_SECONDS),
        told=[_told(row.seconds, row.half_width) for row in data.itertuples()],
    )
    layers = [*_lines(data, list(curves), figure, objective_seconds), *_marks(marks, data)]
    if objective_seconds is not None:
        layers += _objective(objective_seconds, data)
    return _finished(layers)


def _finished(layers: Sequence[alt.Chart]) -> alt.LayerChart:
    whole = alt.LayerChart(layer=list(layers), height=HEIGHT, width="container")
    plain: alt.LayerChart = whole.configure_view(strokeWidth=0).configure_axis(domain=False)
    return plain


def described(curves: Mapping[str, pd.DataFrame], objective_seconds: float | None, figure: str) -> str:
    """The chart in words, for those who can't see it."""
    told = []
    for name, frame in curves.items():
        known = frame.dropna(subset=["seconds"])
        if len(known):
            ends = (f"{seconds(at.seconds)} with {at.slots:g}" for at in (known.iloc[0], known.iloc[-1]))
            told.append(f"{name}: {', '.join(ends)} slots")
        else:
            told.append(f"{name}: no number of slots drawn is enough")
    goal = f"; the objective is {seconds(objective_seconds)}" if objective_seconds is not None else ""
    return f"{_statistic(figure)} wait by slots. {'; '.join(told)}{goal}."


def _told(wait_seconds: float, half_width: float) -> str:
    if pd.isna(wait_seconds):
        return "grows without end"
    return f"{seconds(wait_seconds)} ± {seconds(half_width)}" if half_width > 0 else seconds(wait_seconds)


def _statistic(figure: str) -> str:
    return figure.removesuffix("_wait")


def _lines(
    data: pd.DataFrame, names: Sequence[str], figure: str, objective_seconds: float | None
) -> list[alt.Chart]:
    domain = _domain(data, objective_seconds)
    decades = [value for value in _decades(data, objective_seconds) if value >= domain[0]]
    base = alt.Chart(data.dropna(subset=["seconds"])).encode(
        x=alt.X(
            "slots:Q", title="slots", scale=alt.Scale(zero=False, nice=False), axis=alt.Axis(tickMinStep=1)
        ),
        y=alt.Y(
            "shown:Q",
            title=f"{_statistic(figure)} wait",
            scale=alt.Scale(type="log", nice=False, domain=domain),
            axis=alt.Axis(labelExpr=_SECONDS_LABEL, values=decades, tickMinStep=1),
        ),
        color=alt.Color(
            "line:N",
            title=None,
            scale=alt.Scale(domain=list(names), range=[BLUE, ORANGE]),
            legend=alt.Legend(orient="top"),
        ),
        tooltip=[
            alt.Tooltip("line:N", title="plan"),
            alt.Tooltip("slots:Q"),
            alt.Tooltip("told:N", title=f"{_statistic(figure)} wait"),
        ],
    )
    dash = alt.StrokeDash("line:N", scale=alt.Scale(domain=list(names), range=list(_DASHES)), legend=None)
    shape = alt.Shape("line:N", scale=alt.Scale(domain=list(names), range=["circle", "square"]), legend=None)
    return [
        base.mark_line(strokeWidth=2, interpolate="linear").encode(strokeDash=dash),
        base.mark_point(size=45, filled=True, opacity=1).encode(shape=shape),
    ]


def _domain(data: pd.DataFrame, objective_seconds: float | None) -> list[float]:
    """From the power of ten below the least to the one above the most, and room for the names of marks on top."""
    seen = [*data["shown"].dropna(), *([objective_seconds] if objective_seconds else [])]
    low = 10.0 ** math.floor(math.log10(min(seen, default=1.0)))
    high = max(_decades(data, objective_seconds)[-1], 10 * low)
    return [low, high * (high / low) ** ROOM_ON_TOP]


def _decades(data: pd.DataFrame, objective_seconds: float | None) -> list[float]:
    most = max(float(data["shown"].max()), objective_seconds or 0.0, 10 * FLOOR_SECONDS)
    known = most if math.isfinite(most) else 10 * FLOOR_SECONDS
    return [float(f"1e{power}") for power in range(-3, math.ceil(math.log10(known)) + 1)]


_SECONDS_LABEL = (
    "datum.value >= 3600 ? format(datum.value / 3600, '.3~g') + ' h' : "
    "datum.value >= 60 ? format(datum.value / 60, '.3~g') + ' min' : "
    "datum.value >= 1 ? format(datum.value, '~g') + ' s' : "
    f"datum.value <= {FLOOR_SECONDS} ? '≤ 1 ms' : format(datum.value * 1000, '~g') + ' ms'"
)


def _objective(objective_seconds: float, data: pd.DataFrame) -> list[alt.Chart]:
    most = data["slots"].max()
    goal = pd.DataFrame(
        {"seconds": [objective_seconds], "slots": [most], "text": [f"objective {seconds(objective_seconds)}"]}
    )
    rule = (
        alt.Chart(goal)
        .mark_rule(color=CRITICAL, strokeDash=[8, 4], strokeWidth=1.5)
        .encode(y=alt.Y("seconds:Q"))
    )
    label = alt.Chart(goal).mark_text(align="right", dy=-7, color=CRITICAL, fontWeight=600)
    return [rule, label.encode(x=alt.X("slots:Q"), y=alt.Y("seconds:Q"), text=alt.Text("text:N"))]


def _marks(marks: Sequence[Mark], data: pd.DataFrame) -> list[alt.Chart]:
    within = [mark for mark in marks if data["slots"].min() <= mark.slots <= data["slots"].max()]
    if not within:
        return []
    placed = pd.DataFrame(
        {"slots": [mark.slots for mark in within], "text": [f"{mark.name}: {mark.slots}" for mark in within],
         "row": [12 + 15 * place for place in range(len(within))]}
    )  # fmt: skip
    rule = alt.Chart(placed).mark_rule(color=GREY, strokeDash=[2, 3]).encode(x=alt.X("slots:Q"))
    texts = [
        alt.Chart(placed.iloc[[place]])
        .mark_text(align="left", dx=4, color=GREY, baseline="middle")
        .encode(x=alt.X("slots:Q"), y=alt.value(int(placed["row"].iloc[place])), text=alt.Text("text:N"))
        for place in range(len(placed))
    ]
    return [rule, *texts]
