"""This file knows what stands where a screen will be until its figures are there: grey places of the same shape."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import streamlit as st
from streamlit.delta_generator import DeltaGenerator


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a screen: how high it is, and how wide its parts are beside each other."""

    height_pixels: int
    parts: tuple[int, ...] = (1,)


CARDS = Row(132, (1, 1, 1, 1))
CHARTS = Row(330, (1, 1))
TABLE = Row(420)


@dataclass(slots=True)
class Waiting:
    """The places of the rows that are not drawn yet. They come after what is drawn, so nothing jumps."""

    places: list[DeltaGenerator] = field(default_factory=list)

    def drawn(self, rows: int = 1) -> None:
        """Take away the places of so many rows, which are there now."""
        for place in self.places[:rows]:
            place.empty()
        del self.places[:rows]

    def end(self) -> None:
        self.drawn(len(self.places))


def waiting(rows: Sequence[Row]) -> Waiting:
    """Draws them."""
    places = []
    for row in rows:
        place = st.empty()
        with place.container():
            for column in st.columns(row.parts):
                column.skeleton(row.height_pixels)
        places.append(place)
    return Waiting(places)
