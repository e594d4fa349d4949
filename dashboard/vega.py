"""This file knows how a chart is said in Vega-Lite: layers, channels and rows, as values that are dumped at the end.

Altair would check each of them against its schema each time that a screen is drawn; a test does so once.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

Spec = dict[str, Any]
"""A piece of Vega-Lite."""

KINDS = {"Q": "quantitative", "N": "nominal", "T": "temporal"}


def channel(shorthand: str, **more: Any) -> Spec:
    """`value:Q` in full. None is said too: it turns a title, an axis or a legend off."""
    field, _, kind = shorthand.rpartition(":")
    return {"field": field, "type": KINDS[kind], **more}


def scale(names: Sequence[str], values: Sequence[Any]) -> Spec:
    """One value for each name; they begin anew where there are more names."""
    return {"domain": list(names), "range": [values[place % len(values)] for place in range(len(names))]}


def layer(kind: str, style: Spec, encoding: Spec, rows: str | Sequence[Mapping[str, Any]] = ()) -> Spec:
    """Marks of one kind; `rows` of their own are named, or given if they are few. Else they are the chart's."""
    own: Spec = {}
    if rows:
        own = {"data": {"name": rows} if isinstance(rows, str) else {"values": [dict(row) for row in rows]}}
    return {**own, "mark": {"type": kind, **style}, "encoding": encoding}


def chart(layers: Sequence[Spec], rows: Mapping[str, pd.DataFrame], height: int) -> Spec:
    """Layers over each other; of the named rows the first are those of layers that have none of their own."""
    return {
        "height": height,
        "data": {"name": next(iter(rows))},
        "datasets": dict(rows),
        "layer": list(layers),
        # Bounds have colours of their own.
        "resolve": {"scale": {"color": "independent", "strokeDash": "independent"}},
        "config": {"view": {"strokeWidth": 0}, "axis": {"domain": False}},
    }
