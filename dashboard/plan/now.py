"""This file knows the live workload that a viewer plans on: taken once, so that it stays still under the knobs."""

from dataclasses import dataclass
from datetime import UTC, datetime

import streamlit as st

from dashboard.page import Page
from dashboard.plan.document import Document
from dashboard.plan.knobs import renew
from dashboard.plan.live import Live, live
from dashboard.plan.seen import seen
from dashboard.sources.shared import SharedSource
from dashboard.sources.source import SourceError

_KEPT = "plan-live"


@dataclass(frozen=True, slots=True)
class Taken:
    """What was seen, when, over which range; `error` says why nothing was."""

    live: Live
    moment_seconds: float
    range_name: str
    error: str = ""

    @property
    def told(self) -> str:
        """One line for people."""
        at = datetime.fromtimestamp(self.moment_seconds, UTC)
        return f"seen over the last {self.range_name} up to {at:%H:%M:%S} UTC"


def taken(page: Page, document: Document | None) -> Taken:
    """The one that this viewer has, or a fresh one where the range is another."""
    kept: Taken | None = st.session_state.get(_KEPT)
    if kept is None or kept.range_name != page.range_name or kept.error:
        kept = st.session_state[_KEPT] = _take(page, document)
    return kept


def take_anew() -> None:
    """Forget it, so that the next look takes a fresh one."""
    st.session_state.pop(_KEPT, None)
    renew()


def _take(page: Page, document: Document | None) -> Taken:
    try:
        found = _live(page, document)
    except SourceError as error:
        return Taken(Live(None, {}, {}), page.now_seconds, page.range_name, str(error))
    return Taken(found, page.now_seconds, page.range_name)


def _live(page: Page, document: Document | None) -> Live:
    """Fitted once for all viewers who look at the same stretch of time. Raises SourceError."""

    def fitted() -> Live:
        return live(seen(page.source, page.span), page.file, document)

    if not isinstance(page.source, SharedSource):
        return fitted()
    found: Live = page.source.once(("live", page.span, repr(document)), fitted)
    return found
