"""This file knows the screen Forecast: the weeks ahead with a band, when the objective breaks, slots by the hour."""

import time
import uuid
from collections.abc import Hashable, Iterator
from datetime import UTC, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from dashboard import parts
from dashboard.page import Page
from dashboard.plan import ahead as plan_ahead
from dashboard.plan import ahead_view as plan_ahead_view
from dashboard.plan.ahead import Ahead
from dashboard.plan.document import read
from dashboard.plan.fleets import document_of
from dashboard.plan.hours import hours
from dashboard.plan.now import taken
from dashboard.plan.work import Job, Work
from dashboard.redrawn import Redrawn
from dashboard.sources.shared import SharedSource
from dashboard.waiting import CARDS, TABLE, Row
from planner.errors import BadInput
from planner.file.queue_file import AskedQueue
from planner.forecast.counts import together
from planner.forecast.hours import HOUR, WEEK_HOURS, Hourly
from planner.forecast.output import Answer

SLICE_SECONDS = 0.25
REDRAWN_SECONDS = 1.0
"""Drawing takes longer than most answers do."""
MOST_QUEUES = 40
ALL = "all queues"
ROWS = (Row(72), CARDS, Row(400), TABLE)


def show(page: Page) -> None:
    """Draw it. Raises SourceError."""
    histories = _histories(page)
    if not histories:
        st.info(
            "The source holds no whole hour of any queue yet: a forecast needs three days of them.",
            icon=":material/timeline:",
        )
        return
    zone = _zone()
    told = "The band widens with each of them."
    weeks = st.slider("Weeks ahead", 1, 8, 1, key="weeks", bind="query-params", help=told)
    page.waiting.drawn()
    try:
        queues = _queues(page)
    except BadInput as error:
        st.error(f"The planner can't use what is known of the slots: {error}", icon=":material/error:")
        queues = {}
    page.waiting.end()
    chosen = page.queue if page.queue in histories else next(iter(histories))
    first = Ahead(chosen, histories[chosen], weeks, zone, queues.get(chosen))
    place, buttons = Redrawn(), st.container()
    known: dict[Hashable, Any] = {}
    for is_whole in _worked_on([first], known, with_slots=True):
        with place.container(is_whole):
            plan_ahead_view.one(first, first.answer(known), zone)
    answer = first.answer(known)
    if answer is not None:
        with buttons:
            plan_ahead_view.downloads(answer)
    others = _all(histories, queues, weeks, zone)
    parts.heading("Every queue", _ABOUT_EVERY, lambda: plan_ahead.table(_answers(others, known), zone))
    table = Redrawn()
    for is_whole in _worked_on(others, known, with_slots=False):
        with table.container(is_whole):
            plan_ahead_view.every(_answers(others, known), zone)


_ABOUT_EVERY = (
    "What bullgauge-planner forecast answers for the queues with the most work, and for all together."
)


def _answers(asked: list[Ahead], known: dict[Hashable, Any]) -> list[tuple[Ahead, Answer | None]]:
    return [(one, one.answer(known)) for one in asked]


def _histories(page: Page) -> dict[str, Hourly]:
    """Asked once an hour for all viewers. Raises SourceError."""
    hour = page.now_seconds // HOUR
    if isinstance(page.source, SharedSource):
        found: dict[str, Hourly] = page.source.once(
            ("hours", hour), lambda: hours(page.source, page.now_seconds)
        )
        return found
    return hours(page.source, page.now_seconds)


def _zone() -> tzinfo:
    """The clock on the viewer's wall."""
    try:
        return ZoneInfo(st.context.timezone) if st.context.timezone else UTC
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def _queues(page: Page) -> dict[str, AskedQueue]:
    """The work and the slots of each queue: as seen, else as the user's file says. Raises BadInput."""
    document = document_of(page.file_path) if page.file_path is not None else None
    found = {queue.name: queue for queue in page.file.queues} if page.file is not None else {}
    live = taken(page, document).live.document
    return found | ({queue.name: queue for queue in read(live, "live").queues} if live is not None else {})


def _all(
    histories: dict[str, Hourly], queues: dict[str, AskedQueue], weeks: int, zone: tzinfo
) -> list[Ahead]:
    """The busiest queues, and all together."""
    busiest = sorted(histories, key=lambda name: -float(histories[name].counts[-WEEK_HOURS:].sum()))[
        :MOST_QUEUES
    ]
    found = [Ahead(name, histories[name], weeks, zone, queues.get(name)) for name in busiest]
    return [Ahead(ALL, together(histories), weeks, zone), *found] if len(found) > 1 else found


@st.cache_resource
def _work() -> Work:
    return Work()


def _worked_on(asked: list[Ahead], known: dict[Hashable, Any], with_slots: bool) -> Iterator[bool]:
    """Once at first, then at most once a second while more is known, and when all is: whether it is."""
    drawn: float | None = None
    is_new = False
    viewer = st.session_state.setdefault("forecast-viewer", uuid.uuid4().hex)
    while True:
        wanted: dict[Hashable, Job] = {}
        for one in asked:
            wanted |= {**one.first(), **one.then(known, with_slots)}
        found = _work().answers(f"{viewer}-{with_slots}", wanted, SLICE_SECONDS)
        is_more = bool(found.keys() - known.keys())
        known.update(found)
        is_new = is_new or is_more
        is_whole = len(found) == len(wanted) and not is_more
        # What is known already leads to further questions, whose answers may be known as well.
        is_first = drawn is None and not is_more
        is_next = drawn is not None and is_new and (is_whole or time.monotonic() > drawn + REDRAWN_SECONDS)
        if is_first or is_next:
            drawn, is_new = time.monotonic(), False
            yield is_whole
        if is_whole:
            return
