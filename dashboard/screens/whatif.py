"""This file knows the screen What-if: a fleet, its knobs, and what the planner answers to them within a second."""

import time
import uuid
from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard import parts
from dashboard.page import Page
from dashboard.plan import budget_view as plan_budget_view
from dashboard.plan import view as plan_view
from dashboard.plan.answers import warm_up
from dashboard.plan.budget import shared
from dashboard.plan.changes import Changes, Facts, changed, facts
from dashboard.plan.document import Document, as_yaml, names, read
from dashboard.plan.downloads import downloads
from dashboard.plan.editor import editor
from dashboard.plan.fleets import LIVE, document_of, fleets, pair
from dashboard.plan.jobs import Asked, asked, busiest
from dashboard.plan.knobs import of_all, of_queue, turned, undo
from dashboard.plan.now import Taken, take_anew, taken
from dashboard.plan.work import Job, Work
from dashboard.redrawn import Redrawn
from dashboard.sources.source import SourceError
from dashboard.waiting import CARDS, TABLE, Row
from planner.errors import BadInput
from planner.file.queue_file import AskedFile, AskedQueue

ALONE_SECONDS = 0.8
"""How long the turned queue is worked on alone; one that takes longer must not keep the others waiting."""
REDRAWN_SECONDS = 1.0
"""Drawing takes longer than most answers do."""
SLICE_SECONDS = 0.25
"""While answers are worked on the page looks again this often; a turned knob is noticed in between."""
ROWS = (Row(72, (1, 1)), CARDS, Row(620, (2, 5)), TABLE)


def show(page: Page) -> None:
    """Draw it."""
    st.caption("Turn a knob: the answer comes from the functions behind bullgauge-planner predict and size.")
    _warm_up(page)
    try:
        document = _document(page)
        seen = taken(page, document)
        known = fleets(seen.live.document, document, page.file_path.stem if page.file_path else "")
        page.waiting.end()
        _show(page, seen, known)
    except (BadInput, LookupError) as error:
        st.error(f"The planner can't answer: {error}", icon=":material/error:")


def _document(page: Page) -> Document | None:
    """The words of the user's file; a file that has gone since the start is told, and What-if goes on without."""
    try:
        return document_of(page.file_path) if page.file_path is not None else None
    except BadInput as error:
        st.warning(f"--config can't be read any more: {error}", icon=":material/warning:")
        return None


def _show(page: Page, seen: Taken, known: Mapping[str, Document]) -> None:
    began = time.monotonic()
    left, right = st.columns(2)
    fleet = left.selectbox("Start from", list(known), key="fleet", bind="query-params", help=_ABOUT_FLEETS)
    document = known[fleet]
    queues = names(document)
    place = queues.index(page.queue) if page.queue in queues else 0
    chosen = right.selectbox("Queue to turn", queues, index=place, key=f"whatif-queue|{fleet}|{page.queue}")
    _about_live(seen, fleet)
    remarks = seen.live.remarks.get(chosen, ()) if fleet == LIVE else ()
    before = read(document, fleet)
    entries = zip(before.queues, document["queues"], strict=True)
    now = {queue.name: facts(queue, entry) for queue, entry in entries}
    headline = Redrawn()
    knobs, answer = st.columns([2, 5], gap="large")
    with knobs:
        changes, surely = _knobs(fleet, before, now, chosen)
    made = changed(document, changes, before)
    after = read(made, fleet) if made is not document else before
    with answer:
        over_chart, chart = st.container(), Redrawn()
    with st.expander("Turn many queues in a table", icon=":material/table_edit:"):
        editor(fleet, now)
    over_table, table = st.container(), Redrawn()
    over_sides = st.container()
    sides = _sides(known, changes)
    beside = Redrawn()
    question = asked(after, chosen, before, surely, [queue for _, queues in sides for queue in queues])
    _headings(question, sides, over_chart, over_table, over_sides)

    shown = (
        Shown(headline, question.own_keys, partial(plan_view.headline, question, remarks)),
        Shown(chart, question.own_keys, partial(plan_view.chart, question)),
        Shown(table, question.plan_keys, partial(plan_view.all_queues, question)),
        Shown(beside, question.more_keys, partial(plan_view.side_by_side, question, sides)),
    )

    plan_view.pools(after)
    made = _budget(made, fleet)
    st.subheader("Take the plan with you", anchor=False)
    downloads(made, "plan")
    # Last, so that the whole page is there while answers are worked on.
    _until_known(question, shown, began)


def _headings(question: Asked, sides: plan_view.Sides, *places: DeltaGenerator) -> None:
    """Titles of what is drawn again whenever more is known; a CSV holds what is known when it is asked for."""
    work = _work()

    def by_now(table: Callable[[plan_view.Known], pd.DataFrame]) -> Callable[[], pd.DataFrame]:
        return lambda: table(work.known(question.jobs()))

    curves, answered = partial(plan_view.curves, question), partial(plan_view.answered, question)
    heads = (
        ("Wait by slots", _ABOUT_CURVE, by_now(curves)),
        ("Every queue of this plan", _ABOUT_QUEUES, by_now(answered)),
        ("Two fleets side by side", _ABOUT_SIDES, by_now(partial(plan_view.beside, question, sides))),
    )
    for place, (title, source, table) in zip(places, heads, strict=True):
        with place:
            parts.heading(title, source, table)


_ABOUT_CURVE = "The wait that the objective bounds, for other numbers of slots. Source: planner, predict."
_ABOUT_QUEUES = "What bullgauge-planner predict and size answer for the plan as it is turned."
_ABOUT_SIDES = "What bullgauge-planner predict answers for both, at the load of the knob."
_ABOUT_FLEETS = (
    "Live: what the source has seen over the range at the left, fitted by the planner, on the slots of --config or a "
    "lower bound. The report's two fleets share 10,000 jobs an hour by its assumed mix."
)


def _about_live(seen: Taken, fleet: str) -> None:
    """Where the live workload comes from, and what is missing in it."""
    if seen.error:
        st.warning(f"No live workload: {seen.error}", icon=":material/cloud_off:")
    if fleet == LIVE:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(f"Live workload {seen.told}.", width="content")
            st.button("Take a fresh one", on_click=take_anew, type="tertiary", icon=":material/refresh:")
    if not seen.error and seen.live.document is None:
        st.info("No queue can be planned from what is seen; the reasons stand below.", icon=":material/help:")
    if seen.live.left_out and (fleet == LIVE or seen.live.document is None):
        with st.expander(f"Not planned from what is seen: {len(seen.live.left_out)}"):
            left_out = pd.DataFrame(seen.live.left_out.items(), columns=["queue", "why"])
            st.dataframe(left_out, hide_index=True, alt="Queues that are not planned, each with the reason")


def _knobs(fleet: str, before: AskedFile, now: Mapping[str, Facts], chosen: str) -> tuple[Changes, bool]:
    total = sum(one.question.workload.arrivals.per_second * 3600 for one in before.queues)
    pool = next((words.maxConnections for words in before.pools.values()), None)
    changes = of_all(fleet, total, pool, None)
    st.markdown(f"**{chosen}**")
    of_queue(fleet, chosen, now[chosen])
    surely = st.toggle(
        "Simulate longer",
        key="whatif-surely",
        help="What no formula knows is simulated: here for a tenth of a second a queue, with its band beside it; on, "
        "as long as the command does, up to 8 s a queue.",
    )
    st.button("Undo all changes", on_click=undo, args=(fleet,), icon=":material/undo:")
    return Changes(
        changes.load, tuple(turned(fleet).items()), changes.pool_connections, changes.p95_wait_seconds
    ), surely


@st.cache_resource
def _work() -> Work:
    return Work()


def _warm_up(page: Page) -> None:
    """Load the simulation, for queues as life has them, while the source answers; the report's need none."""
    with suppress(SourceError):
        page.source.newest_seconds()  # known by now
        _work().answers("nobody", {"warm up": warm_up}, 0.0)


@dataclass(slots=True)
class Shown:
    """A part of the screen, drawn again when more of the answers that it draws are known."""

    place: Redrawn
    keys: frozenset[Hashable]
    draw: Callable[[plan_view.Known], None]
    known: int = -1

    def update(self, found: plan_view.Known) -> None:
        known = len(self.keys & found.keys())
        if known == self.known:
            return
        with self.place.container(known == len(self.keys)):
            self.draw(found)
        self.known = known


def _until_known(question: Asked, shown: Sequence[Shown], began: float) -> None:
    """The turned queue first, with nothing beside it to slow it down; then all, drawn again whenever more is known."""
    viewer = st.session_state.setdefault("whatif-viewer", uuid.uuid4().hex)
    jobs = question.jobs()
    first: dict[Hashable, Job] = {key: job for key, job in jobs.items() if key == question.first_key}
    found = {**_work().answers(viewer, first, ALONE_SECONDS), **_work().known(jobs)}
    _update(shown, found)
    st.session_state["whatif-seconds"] = time.monotonic() - began if question.first_key in found else None
    drawn, at = len(found), time.monotonic()
    while drawn < len(jobs):
        found = _work().answers(viewer, jobs, SLICE_SECONDS)
        is_due = len(found) == len(jobs) or time.monotonic() > at + REDRAWN_SECONDS
        if is_due and len(found) > drawn:
            _update(shown, found)
            drawn, at = len(found), time.monotonic()


def _update(shown: Sequence[Shown], found: plan_view.Known) -> None:
    for part in shown:
        part.update(found)


def _budget(made: Document, fleet: str) -> Document:
    """The plan with the budgets that are written, and how its queues share them."""
    st.subheader("Within a budget", anchor=False)
    made = plan_budget_view.asked(made, fleet)
    told = "Finds the fewest slots of every queue, as `bullgauge-planner size`: some seconds where one is simulated."
    if "budgets" in made or st.toggle("Say what every queue needs", key=f"whatif-share|{fleet}", help=told):
        plan_budget_view.show(made, lambda plan: _shared(as_yaml(plan), plan))
    return made


@st.cache_resource(max_entries=50, show_spinner="The planner sizes every queue …")
def _shared(text: str, _plan: Document) -> dict[str, Any]:  # noqa: ARG001 - known by its text
    return shared(_plan)


def _sides(known: Mapping[str, Document], changes: Changes) -> list[tuple[str, tuple[AskedQueue, ...]]]:
    options = list(known)
    first, second = pair(options)
    left, right = st.columns(2)
    chosen = (
        left.selectbox("First fleet", options, index=options.index(first), key="whatif-first"),
        right.selectbox("Second fleet", options, index=options.index(second), key="whatif-second"),
    )
    load = Changes(load=changes.load)
    return [(name, busiest(read(changed(known[name], load), name).queues)) for name in chosen]
