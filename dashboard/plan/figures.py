"""This file knows how one figure of a plan is shown: its name, its value, a line below, and where it comes from."""

from streamlit.delta_generator import DeltaGenerator


def figure(place: DeltaGenerator, label: str, value: str, below: str | None, told: str) -> None:
    """The line below is no change for better or worse, so it has neither arrow nor colour."""
    place.metric(label, value, below, delta_color="off", delta_arrow="off", help=told)
