"""This file knows the parts that screens are built of: a number with its source, a chart with its table, a level."""

import re
from collections.abc import Callable, Sequence
from typing import TypeAlias

import altair as alt
import pandas as pd
import streamlit as st

from dashboard import amounts
from dashboard.chart_bounds import Rule
from dashboard.charts import lines
from dashboard.plain import plain
from dashboard.queue_now import Level

MARKS: dict[Level, tuple[str, str]] = {
    "critical": ("▲", "red"),
    "warning": ("◆", "orange"),
    "unknown": ("○", "gray"),
    "fine": ("●", "green"),
}
"""A shape besides the colour."""


def mark(level: Level, text: str = "") -> str:
    """`▲ critical` in its colour, as Markdown."""
    shape, colour = MARKS[level]
    return f":{colour}[{shape} {text or level}]"


def number(label: str, value: str, source: str, note: str = "", trend: Sequence[float] | None = None) -> None:
    """One figure in a card; `source` says where it comes from. What is not known is grey, with the reason below it."""
    unknown = value == amounts.NOTHING
    with st.container(border=True, height="stretch", gap="xxsmall"):
        st.metric(
            label,
            ":gray[not known]" if unknown else value,
            help=source,
            chart_data=list(trend) if trend is not None and len(trend) > 1 else None,
            chart_type="area",
        )
        if note:
            st.caption(note)


def chart(
    title: str, drawn: alt.LayerChart, table: pd.DataFrame, alt_text: str, source: str, *, fills: bool = False
) -> None:
    """A chart under its title, with where it comes from, and its figures as CSV; `fills`: it is as high as its row."""
    with st.container(border=True, height="stretch"):
        heading(title, source, table)
        st.altair_chart(drawn, alt=alt_text, height="stretch" if fills else "content")


def read_whole(title: str, source: str, table: pd.DataFrame, marked: pd.DataFrame | None = None) -> None:
    """A table of sentences, which break instead of being cut; `marked` is the same with Markdown in it."""
    heading(title, source, table)
    shown = table.map(lambda cell: plain(f"{cell}")) if marked is None else marked
    st.table(shown, border="horizontal", hide_index=True, alt=title)


Figures: TypeAlias = pd.DataFrame | Callable[[], pd.DataFrame]
"""A table, or how it is made once somebody wants it: what is worked on grows while one looks."""


def heading(title: str, source: str, table: Figures) -> None:
    """A title with its source, and the figures below it as CSV."""
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.subheader(title, help=source, anchor=False, width="content")
        csv(title, table)


def over_time(
    title: str,
    table: pd.DataFrame,
    unit: str,
    source: str,
    why: str,
    rules: Sequence[Rule] = (),
    *,
    log: bool = False,
    share: bool = False,
    band: tuple[float, float] | None = None,
) -> None:
    """Lines over the range, or why there are none."""
    if not len(table.columns):
        nothing(title, why)
        return
    format_ = ".2~%" if share else "~g" if log else "~s"
    drawn = lines(table, unit, rules, log=log, format_=format_, between=band)
    chart(title, drawn, table, f"{title} over time, in {unit}: {', '.join(map(str, table.columns))}", source)


def nothing(title: str, why: str) -> None:
    """The place of a chart that can't be drawn."""
    with st.container(border=True, height="stretch"):
        st.subheader(title, anchor=False)
        st.caption(f"○ Not known: {why}.")


def csv(title: str, table: Figures) -> None:
    name = "-".join(re.sub(r"[^\w\s]", "", title.lower()).split())
    st.download_button(
        "CSV",
        lambda: (table if isinstance(table, pd.DataFrame) else table()).to_csv(),
        file_name=f"{name}.csv",
        mime="text/csv",
        key=f"csv-{name}",
        on_click="ignore",
        type="tertiary",
        icon=":material/download:",
        help=f"The figures of “{title}” as they are drawn",
    )
