"""This file knows a place that is drawn again whenever more is known, and stands still until then."""

from dataclasses import dataclass, field

import streamlit as st
from streamlit.delta_generator import DeltaGenerator


@dataclass(slots=True)
class Redrawn:
    """A place on the screen. What stands there of the look before stays until this look draws.

    One that is emptied when the look begins would take all below it up and down again, every 15 seconds.
    """

    around: DeltaGenerator = field(default_factory=st.container)
    _place: DeltaGenerator | None = None

    def container(self, is_whole: bool) -> DeltaGenerator:
        """To draw in, instead of what was drawn there. Once all is known nothing more is drawn."""
        if self._place is None and is_whole:
            return self.around.container()  # never empty, not for a moment
        if self._place is None:
            self._place = self.around.empty()
        return self._place.container()
