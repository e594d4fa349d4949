"""This file knows how the weeks ahead are drawn: what was, what is expected with its band, and slots by the hour."""

from collections.abc import Sequence

import pandas as pd

from dashboard.amounts import jobs
from dashboard.look import BLUE, CRITICAL, GREY, ORANGE
from dashboard.vega import Spec, channel, chart, layer

HEIGHT = 320
_X = channel("time:T", title=None, axis={"grid": False, "labelOverlap": True})
_MOMENT = "%a %d %b %H:%M"


def ahead(past: pd.DataFrame, coming: pd.DataFrame, borne: float | None) -> Spec:
    """Jobs an hour: the past as it was, the hours ahead with a 90 % band, and what the slots bear."""
    layers = [
        layer(
            "area",
            {"color": ORANGE, "opacity": 0.25},
            {"x": _X, "y": _jobs("low"), "y2": {"field": "high"}},
        ),
        _line("past", "jobs", BLUE, [1, 0], [_told("jobs", "jobs an hour")], "as it was"),
        _line("coming", "expected", ORANGE, [6, 3], _EXPECTED, "expected"),
        *_labels(past, coming),
    ]
    if borne is not None:
        layers += _bound(borne, f"the slots bear {jobs(borne)} an hour", coming)
    return chart(layers, {"coming": coming, "past": past}, HEIGHT)


def _told(column: str, title: str) -> Spec:
    return channel(f"{column}:Q", format=",.0f", title=title)


_EXPECTED = (_told("expected", "jobs an hour"), _told("low", "from"), _told("high", "to"))


def _jobs(column: str) -> Spec:
    return channel(f"{column}:Q", title="jobs an hour", axis={"format": "~s"})


def _line(rows: str, column: str, colour: str, dash: Sequence[int], tips: Sequence[Spec], name: str) -> Spec:
    style = {"color": colour, "strokeDash": list(dash), "strokeWidth": 1.6}
    tooltip = [channel("time:T", format=_MOMENT, title=name), *tips]
    return layer("line", style, {"x": _X, "y": _jobs(column), "tooltip": tooltip}, rows)


def _labels(past: pd.DataFrame, coming: pd.DataFrame) -> list[Spec]:
    """Names at the place of each line, so that nobody needs the colours."""
    named = (("as it was", past), ("expected, 90 % band", coming))
    rows = [{"time": _at(frame, 0), "text": name} for name, frame in named if len(frame)]
    style = {"align": "left", "dx": 6, "color": GREY, "fontWeight": 600}
    return [
        layer("text", style, {"x": channel("time:T"), "y": {"value": 10}, "text": channel("text:N")}, rows)
    ]


def _at(frame: pd.DataFrame, place: int) -> str:
    return str(frame["time"].iloc[place].isoformat())


def _bound(value: float, label: str, frame: pd.DataFrame) -> list[Spec]:
    rows = [{"at": value, "time": _at(frame, -1), "label": label}]
    y = channel("at:Q")
    text = {"align": "right", "dy": -7, "color": CRITICAL, "fontWeight": 600}
    return [
        layer("rule", {"color": CRITICAL, "strokeDash": [8, 4], "strokeWidth": 1.5}, {"y": y}, rows),
        layer("text", text, {"x": channel("time:T"), "y": y, "text": channel("label:N")}, rows),
    ]


def described(past: pd.DataFrame, coming: pd.DataFrame, borne: float | None) -> str:
    """The weeks ahead in words."""
    top = coming.loc[coming["expected"].idxmax()]
    told = f"At most {jobs(top['expected'])} jobs an hour are expected, on {top['time']:%a %d %b %H:%M} UTC"
    was = f"; the most before was {jobs(past['jobs'].max())}" if past["jobs"].notna().any() else ""
    return f"{told}{was}" + (f"; the slots bear {jobs(borne)}." if borne is not None else ".")


def staffing(table: pd.DataFrame, slots: int | None) -> Spec:
    """Slots by the hour: for the expected jobs, and for the upper end of the band."""
    layers = [
        _steps("slots_high", BLUE, [1, 0], "slots for the upper end"),
        _steps("slots", ORANGE, [6, 3], "slots for the expected jobs"),
    ]
    if slots is not None:
        layers += _bound(float(slots), f"there: {slots}", table)
    return chart(layers, {"hours": table}, HEIGHT - 80)


def staffing_described(table: pd.DataFrame, slots: int | None) -> str:
    """The slots by the hour in words."""
    most = table["slots_high"].max()
    told = f"Slots by the hour, at most {most:,.0f}" if pd.notna(most) else "No number of slots is enough"
    return f"{told}; {slots} are there." if slots is not None else f"{told}."


def _steps(column: str, colour: str, dash: Sequence[int], name: str) -> Spec:
    style = {"color": colour, "strokeDash": list(dash), "interpolate": "step-after", "strokeWidth": 1.8}
    y = channel(f"{column}:Q", title="slots", axis={"tickMinStep": 1})
    tips = [channel("time:T", format=_MOMENT), _told(column, name)]
    return layer("line", style, {"x": _X, "y": y, "tooltip": tips})
