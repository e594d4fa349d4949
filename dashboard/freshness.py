"""This file knows how fresh the figures are, and what is said above a screen when they are old, missing or in doubt."""

from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st

from dashboard import amounts
from dashboard.plain import plain
from dashboard.sources.shared import SharedSource
from dashboard.sources.source import SourceError

STALE_SECONDS = 90.0
"""Three scrapes of 30 s: older figures are not those of now."""
FUTURE_SECONDS = 5.0
"""A look at Redis that lies further ahead is a clock that is wrong, not a fresh figure."""
CLOCK_TOLD_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Freshness:
    """`age` is Markdown for beside the title, `trouble` why nothing is known, `notes` stand above the screen."""

    age: str
    trouble: str = ""
    notes: tuple[str, ...] = ()

    def show_notes(self) -> None:
        if self.trouble:
            st.error(plain(self.trouble), icon=":material/cloud_off:")
        for note in self.notes:
            st.warning(note, icon=":material/warning:")


def freshness(
    source: SharedSource, now_seconds: float, range_name: str, select: Mapping[str, str] | None = None
) -> Freshness:
    """`now_seconds` by the clock of the source; `select` are the labels that series must have there."""
    try:
        newest = source.newest_seconds()
    except SourceError as error:
        return Freshness(
            ":red[:material/error: **no fresh figures**: the source does not answer]", f"{error}"
        )
    notes = tuple(_notes(source))
    if newest is None:
        text = (
            ":material/help: age of the figures not known: the exporter has not told when it last read Redis"
        )
        return Freshness(text, notes=(*notes, *_nothing(select)))
    age = now_seconds - newest
    if age < -FUTURE_SECONDS:
        told = f"the exporter's clock is {amounts.seconds(-age)} ahead of {source.name}"
        text = ":red[:material/error: **age not known**: clocks disagree]"
        return Freshness(
            text, notes=(*notes, f"How old the figures are can't be known: {told}. Set it right.")
        )
    if age > STALE_SECONDS:
        text = f":red[:material/error: **stale**: Redis was last read {amounts.seconds(age)} ago]"
        return Freshness(text, notes=(*notes, _stale(age)))
    text = f":material/schedule: read {amounts.seconds(max(0.0, age))} ago · last {range_name}"
    return Freshness(text, notes=notes)


def _stale(age: float) -> str:
    return (
        f"Redis was last read {amounts.seconds(age)} ago: nothing here is of now. Does the exporter run, does it reach "
        "Redis (`bullgauge-exporter doctor` says so), and is it scraped?"
    )


def _nothing(select: Mapping[str, str] | None) -> list[str]:
    """Of a Prometheus that answers, and holds nothing of an exporter."""
    if select is None:
        return []
    labels = ", ".join(f'{name}="{value}"' for name, value in select.items())
    return [
        f"No exporter was scraped within a day under the labels {labels}. Is it a target of this server? Another name "
        "of its job: `--select job=NAME`."
    ]


def _notes(source: SharedSource) -> list[str]:
    notes = []
    if source.doubt:
        notes.append(f"Figures may be missing: {source.name} says: {plain(source.doubt)}")
    ahead = source.ahead_seconds
    if abs(ahead) > CLOCK_TOLD_SECONDS:
        way = "behind" if ahead > 0 else "ahead of"
        told = f"The clock of the dashboard's machine is {amounts.seconds(abs(ahead))} {way} that of {source.name}"
        notes.append(f"{told}. Times here are the latter's; set the former right.")
    return notes
