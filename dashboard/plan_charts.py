"""This file knows how waits by slots are drawn: curves, the objective across, and the slots that there are."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from dashboard.amounts import seconds
from dashboard.look import BLUE, CRITICAL, GREY, ORANGE
from dashboard.vega import Spec, channel, layer, scale
from dashboard.vega import chart as whole

FLOOR_SECONDS = 1e-3
"""Waits span decades, so the scale is logarithmic; a millisecond and less stands on the floor."""
HEIGHT = 320
_DASHES: tuple[list[int], ...] = ([1, 0], [6, 3])


@dataclass(frozen=True, slots=True)
class Mark:
    """A number of slots that has a name."""

    name: str
    slots: int


def wait_curves(
    curves: Mapping[str, pd.DataFrame], marks: Sequence[Mark], objective_seconds: float | None, figure: str
) -> Spec:
    """One line a curve; where too few slots leave no steady state there is none."""
    data = pd.concat([frame.assign(line=name) for name, frame in curves.items()], ignore_index=True)
    data = data.assign(
        shown=data["seconds"].clip(lower=FLOOR_SECONDS),
        told=[_told(row.seconds, row.half_width) for row in data.itertuples()],
    )
    layers = [*_lines(data, list(curves), figure, objective_seconds), *_marks(marks, data)]
    if objective_seconds is not None:
        layers += _objective(objective_seconds, data)
    return whole(layers, {"waits": data.dropna(subset=["seconds"])}, HEIGHT)


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
) -> list[Spec]:
    encoding = {
        "x": channel("slots:Q", title="slots", scale={"zero": False, "nice": False}, axis={"tickMinStep": 1}),
        "y": channel(
            "shown:Q",
            title=f"{_statistic(figure)} wait",
            scale={"type": "log"},
            axis={"labelExpr": _SECONDS_LABEL, "values": _decades(data, objective_seconds)},
        ),
        "color": channel("line:N", title=None, scale=scale(names, (BLUE, ORANGE)), legend={"orient": "top"}),
        "tooltip": [
            channel("line:N", title="plan"),
            channel("slots:Q"),
            channel("told:N", title=f"{_statistic(figure)} wait"),
        ],
    }
    dash = channel("line:N", scale=scale(names, _DASHES), legend=None)
    shape = channel("line:N", scale=scale(names, ("circle", "square")), legend=None)
    return [
        layer("line", {"strokeWidth": 2, "interpolate": "linear"}, {**encoding, "strokeDash": dash}),
        layer("point", {"size": 45, "filled": True, "opacity": 1}, {**encoding, "shape": shape}),
    ]


def _decades(data: pd.DataFrame, objective_seconds: float | None) -> list[float]:
    most = max(float(data["shown"].max()), objective_seconds or 0.0, 10 * FLOOR_SECONDS)
    known = most if math.isfinite(most) else 10 * FLOOR_SECONDS
    return [float(f"1e{power}") for power in range(-3, math.ceil(math.log10(known)) + 1)]


_SECONDS_LABEL = (
    "datum.value >= 3600 ? format(datum.value / 3600, '~g') + ' h' : "
    "datum.value >= 60 ? format(datum.value / 60, '~g') + ' min' : "
    "datum.value >= 1 ? format(datum.value, '~g') + ' s' : "
    f"datum.value <= {FLOOR_SECONDS} ? '≤ 1 ms' : format(datum.value * 1000, '~g') + ' ms'"
)


def _objective(objective_seconds: float, data: pd.DataFrame) -> list[Spec]:
    goal = [
        {
            "seconds": objective_seconds,
            "slots": int(data["slots"].max()),
            "text": f"objective {seconds(objective_seconds)}",
        }
    ]
    y = channel("seconds:Q")
    text = {"align": "right", "dy": -7, "color": CRITICAL, "fontWeight": 600}
    return [
        layer("rule", {"color": CRITICAL, "strokeDash": [8, 4], "strokeWidth": 1.5}, {"y": y}, goal),
        layer("text", text, {"x": channel("slots:Q"), "y": y, "text": channel("text:N")}, goal),
    ]


def _marks(marks: Sequence[Mark], data: pd.DataFrame) -> list[Spec]:
    """Each name a line of text below the one before, so that near ones can be read."""
    within = [mark for mark in marks if data["slots"].min() <= mark.slots <= data["slots"].max()]
    if not within:
        return []
    rows = [{"slots": mark.slots, "text": f"{mark.name}: {mark.slots}"} for mark in within]
    x = channel("slots:Q")
    style = {"align": "left", "dx": 4, "color": GREY, "baseline": "middle"}
    texts = [
        layer("text", style, {"x": x, "y": {"value": 12 + 15 * place}, "text": channel("text:N")}, [row])
        for place, row in enumerate(rows)
    ]
    return [layer("rule", {"color": GREY, "strokeDash": [2, 3]}, {"x": x}, rows), *texts]
