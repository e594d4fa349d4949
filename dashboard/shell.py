"""This file knows the frame around every screen: navigation, range, queue, pause, and how old the figures are."""

import time
from dataclasses import dataclass, replace
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.navigation.page import Page as ScreenPage

from dashboard import gate
from dashboard.freshness import freshness
from dashboard.opened import Opened
from dashboard.page import DEFAULT_RANGE, RANGES, RECENT_SECONDS, Page, fitted, in_whole_scrapes, queue_name
from dashboard.plain import plain
from dashboard.queues_now import QUEUE
from dashboard.sources.source import SourceError, Span
from dashboard.waiting import Row, waiting
from exporter.catalogue import SIZE

FOLDER = "dashboard.screens"
REFRESH_SECONDS = 15
NAMES = "queue-names"
"""Of a viewer: the queues that the sidebar offers."""
FAVICON = Path(__file__).parent / "favicon.png"
DRAWN = "drawn"
"""Of a viewer: the screen that stands there."""


@dataclass(frozen=True, slots=True)
class Screen:
    """One entry of the navigation; its module in `screens` has its name."""

    name: str
    title: str
    icon: str
    one_queue: bool = False


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the viewer has chosen beside the screen."""

    range_name: str
    queue: str | None
    paused: bool


SCREENS = (
    Screen("overview", "Overview", ":material/speed:"),
    Screen("queue", "Queue", ":material/stacks:", one_queue=True),
    Screen("connections", "Connections", ":material/hub:"),
    Screen("whatif", "What-if", ":material/tune:", one_queue=True),
    Screen("forecast", "Forecast", ":material/timeline:", one_queue=True),
    Screen("compare", "Compare", ":material/compare_arrows:"),
    Screen("alerts", "Alerts", ":material/notifications:"),
)


def load_screens() -> None:
    """Import every screen and what it draws with."""
    for screen in SCREENS:
        if _is_there(screen):
            _module(screen)


def show(opened: Opened) -> None:
    """The whole page, for one look of one viewer."""
    st.set_page_config(
        page_title="bullgauge", page_icon=str(FAVICON), layout="wide", initial_sidebar_state="auto"
    )
    if not gate.may_look(opened.settings):
        return
    chosen: list[Chosen] = []
    pages = {screen.name: _page(opened, screen, chosen) for screen in SCREENS if _is_there(screen)}
    st.session_state["screens"] = pages
    st.logo(str(FAVICON), size="large")
    current = st.navigation(list(pages.values()))
    screen = next(screen for screen in SCREENS if screen.title == current.title)
    top = st.empty()
    if screen.one_queue:
        with top.container():
            waiting(_rows(screen))
    # Outside the screen, so that the range is the same when one goes to another.
    chosen.append(_controls(opened, screen))
    top.empty()
    current.run()


def _is_there(screen: Screen) -> bool:
    return find_spec(f"{FOLDER}.{screen.name}") is not None


def _module(screen: Screen) -> Any:
    return import_module(f"{FOLDER}.{screen.name}")


def _rows(screen: Screen) -> tuple[Row, ...]:
    """What stands there already, of the look before, is better than grey places."""
    rows: tuple[Row, ...] = _module(screen).ROWS
    return () if st.session_state.get(DRAWN) == screen.name else rows


def _page(opened: Opened, screen: Screen, chosen: list[Chosen]) -> ScreenPage:
    def run() -> None:
        # Only this part is drawn anew; what the reader has opened or scrolled to elsewhere stays.
        live = st.fragment(run_every=None if chosen[0].paused else REFRESH_SECONDS)(look)
        live(opened, screen, chosen[0].range_name, chosen[0].queue)

    is_first = screen is SCREENS[0]
    return st.Page(run, title=screen.title, icon=screen.icon, url_path=screen.name, default=is_first)


def _controls(opened: Opened, screen: Screen) -> Chosen:
    with st.sidebar:
        range_name = st.selectbox(
            "Range",
            list(RANGES),
            index=list(RANGES).index(DEFAULT_RANGE),
            key="range",
            bind="query-params",
            help="How far back charts look. Figures of now are of the last 15 minutes.",
        )
        queue = _queue_choice(opened, screen)
        paused = st.toggle(
            "Pause", key="paused", persist_state="session", help="Stop to refresh, to read in peace"
        )
        st.caption(
            opened.source.name.replace("://", ":\u2060//")
        )  # as text: a link of theirs can't be read on dark
        if opened.note:
            st.caption(opened.note)
        gate.show_who(opened.settings)
    return Chosen(range_name or DEFAULT_RANGE, queue, paused)


def _queue_choice(opened: Opened, screen: Screen) -> str | None:
    """The queue in the address; screens of one queue offer all that there are."""
    if not screen.one_queue:
        return None
    names, asked = _known_names(opened), st.query_params.get("queue")
    return st.selectbox(
        "Queue",
        # While the source is away, that of the address; not as the first choice, which no address tells.
        names or ([asked] if asked else []),
        index=0 if names else None,
        key="queue",
        bind="query-params",
        placeholder="no queue is known",
    )


def _known_names(opened: Opened) -> list[str]:
    """Those that were known, while the source is away."""
    names = queue_names(opened, opened.source.now_seconds(time.time()))
    names = names or st.session_state.get(NAMES, [])
    st.session_state[NAMES] = names
    return names


def _is_new_queue(opened: Opened, now_seconds: float) -> bool:
    """Whether the sidebar lacks a queue: it is not drawn anew when the screen is."""
    offered = st.session_state.get(NAMES)
    return offered is not None and not set(queue_names(opened, now_seconds)) <= set(offered)


def queue_names(opened: Opened, now_seconds: float) -> list[str]:
    """Queues that have a size now; none while the source is away."""
    end = opened.source.settled_seconds(now_seconds, REFRESH_SECONDS)
    now = Span(end - REFRESH_SECONDS, end, REFRESH_SECONDS)
    try:
        found = opened.source.gauge(SIZE, QUEUE, now)
    except SourceError:
        return []
    return sorted(queue_name(prefix, queue) for prefix, queue in found.columns)


def look(opened: Opened, screen: Screen, range_name: str, queue: str | None) -> None:
    title = screen.title if queue is None else f"{screen.title} · {queue}"
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom"):
        st.title(title, anchor=False, width="content")
        age = st.empty()
    body, places = st.container(), waiting(_rows(screen), DRAWN not in st.session_state)
    # Questions come after the places for their answers, since a source may take its time.
    page = make_page(opened, range_name, queue, opened.source.now_seconds(time.time()))
    if screen.one_queue and _is_new_queue(opened, page.now_seconds):
        st.rerun()
    fresh = freshness(opened.source, page.now_seconds, range_name, _select(opened))
    age.markdown(f":small[{fresh.age}]", width="content")
    try:
        with body:
            fresh.show_notes()
            _module(screen).show(replace(page, waiting=places))
    except SourceError as error:
        if f"{error}" != fresh.trouble:
            body.error(plain(f"{error}"), icon=":material/cloud_off:")
    places.end()
    st.session_state[DRAWN] = screen.name


def make_page(opened: Opened, range_name: str, queue: str | None, now_seconds: float) -> Page:
    least = opened.source.least_step_seconds(now_seconds)
    end = opened.source.settled_seconds(now_seconds, REFRESH_SECONDS)
    recent = in_whole_scrapes(RECENT_SECONDS, least)
    return Page(
        source=opened.source,
        span=fitted(RANGES[range_name], now_seconds, least),
        recent=Span(end - recent, end, recent),
        now_seconds=now_seconds,
        range_name=range_name,
        thresholds=opened.file.thresholds,
        queue=queue,
        file=opened.file.asked,
        file_path=opened.file.path,
    )


def _select(opened: Opened) -> dict[str, str] | None:
    return dict(opened.settings.select) if opened.settings.kind == "prometheus" else None
