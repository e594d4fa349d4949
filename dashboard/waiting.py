"""This file knows what stands where a screen will be until its figures are there: grey places of the same shape."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import streamlit as st
from streamlit.delta_generator import DeltaGenerator


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a screen: how high it is, and how wide its parts are beside each other."""

    height_pixels: int
    parts: tuple[int, ...] = (1,)
    are_cards: bool = False


LINE_PIXELS = 24
ALONE_SECONDS = 0.4
"""A browser draws only when no more comes for a moment, so the first rows that a viewer sees get this long alone."""
CARDS = Row(132, (1, 1, 1, 1), are_cards=True)
CHARTS = Row(330, (1, 1))
TABLE = Row(420)


@dataclass(slots=True)
class Waiting:
    """The places of the rows that are not drawn yet. They come after what is drawn, so nothing jumps."""

    places: list[DeltaGenerator] = field(default_factory=list)
    is_first: bool = False

    def drawn(self, rows: int = 1) -> None:
        """Take away the places of so many rows, which are there now."""
        for place in self.places[:rows]:
            place.empty()
        del self.places[:rows]
        if self.is_first and self.places:
            time.sleep(ALONE_SECONDS)
        self.is_first = False

    def end(self) -> None:
        self.drawn(len(self.places))


def waiting(rows: Sequence[Row], is_first: bool = False) -> Waiting:
    """Draws them. `is_first` of the first screen that a viewer opens."""
    places = []
    for row in rows:
        place = st.empty()
        with place.container():
            for column in st.columns(row.parts):
                _part(column, row)
        places.append(place)
    return Waiting(places, is_first)


def _part(column: DeltaGenerator, row: Row) -> None:
    """A box of the right height with a grey title. A moving grey as large as a chart keeps a processor busy.

    Cards are cards already, though empty: so a browser has loaded what draws them before their figures come.
    """
    if row.height_pixels <= LINE_PIXELS:
        column.skeleton(row.height_pixels)
        return
    with column.container(border=True, height=row.height_pixels):
        if row.are_cards:
            st.metric("…", ":gray[…]")
        else:
            st.skeleton(LINE_PIXELS, width=180)
