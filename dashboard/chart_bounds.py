"""This file knows how bounds are drawn into a chart: a dashed line with its name beside it, and a band behind all."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import altair as alt
import pandas as pd

from dashboard.look import FINE, GREY

LABEL_LINE = 0.075
"""The height of a line of text as a share of the chart's."""
DASH = [5, 3]


@dataclass(frozen=True, slots=True)
class Rule:
    """A bound that is drawn in: where, and what it is called."""

    value: float
    label: str
    colour: str = GREY


def drawn(rules: Sequence[Rule], domain: tuple[float, float], log: bool) -> list[alt.Chart]:
    """A line for each bound, with its name inside its right end; near bounds don't write over each other."""
    if not rules:
        return []
    beside = spread([rule.value for rule in rules], domain, log)
    named = [(rule.value, place, rule.label, rule.colour) for rule, place in zip(rules, beside, strict=True)]
    at = alt.Chart(pd.DataFrame(named, columns=["at", "beside", "label", "colour"]))
    colour = alt.Color("colour:N", scale=None)
    text = at.mark_text(align="left", baseline="middle", dx=5, fontSize=11)
    right = alt.XValue("width")  # type: ignore[no-untyped-call]
    return [
        at.mark_rule(strokeDash=DASH, strokeWidth=1.3).encode(colour, y=alt.Y("at:Q")),
        text.encode(colour, y=alt.Y("beside:Q"), x=right, text=alt.Text("label:N")),
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


def band(ends: tuple[float, float] | None) -> list[alt.Chart]:
    """What lies between two values, shaded."""
    if ends is None:
        return []
    box = alt.Chart(pd.DataFrame({"low": [ends[0]], "high": [ends[1]]}))
    return [box.mark_rect(color=FINE, opacity=0.13).encode(y=alt.Y("low:Q"), y2=alt.Y2("high:Q"))]
