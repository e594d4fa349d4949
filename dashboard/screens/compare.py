"""This file knows two stretches of time, or two queues, side by side: before and after a change."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import pandas as pd
import streamlit as st

from dashboard import amounts, parts, trends
from dashboard.comparison import Row as ComparedRow
from dashboard.comparison import Side, compared, laid_over, side
from dashboard.page import RANGES, Page, labels_of, queue_name
from dashboard.plain import plain, unbroken
from dashboard.queues_now import QUEUE
from dashboard.rules_drawn import wait_rules
from dashboard.sources.asking import at_once
from dashboard.sources.source import Source, Span, Where
from dashboard.waiting import CHARTS, Row
from exporter import catalogue as c
from planner.file.claims import ClaimsWords

ALL = "all queues"
EARLIER = {"the range before": 0.0, "a day earlier": 86_400.0, "a week earlier": 604_800.0}
ROWS = (Row(72, (1, 1)), Row(380), CHARTS, CHARTS)


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is compared: the name, the span and the labels of each side."""

    names: tuple[str, str]
    spans: tuple[Span, Span]
    wheres: tuple[Mapping[str, str], Mapping[str, str]]


def show(page: Page) -> None:
    chosen = _chosen(page)
    page.waiting.drawn()
    each = zip(chosen.spans, chosen.wheres, strict=True)
    before, after = at_once(*(partial(side, page.source, *one) for one in each))
    _covered(chosen, before, after)
    _table(page, chosen, before, after)
    page.waiting.drawn()
    _charts(page, chosen)


def _chosen(page: Page) -> Chosen:
    names = _queues(page)
    left, right = st.columns(2)
    with left:
        queue = st.selectbox("Queue", [ALL, *names], key="of", bind="query-params")
    with right:
        others = [f"queue {name}" for name in names if name != queue]
        against = st.selectbox(
            "Against", [*EARLIER, *others], key="against", bind="query-params", help="Before, or beside"
        )
    where = {} if queue in (None, ALL) else labels_of(queue)
    if against is not None and against.startswith("queue "):
        other = against.removeprefix("queue ")
        return Chosen((other, queue or ALL), (page.span, page.span), (labels_of(other), where))
    shift = EARLIER.get(against or "", 0.0) or RANGES[page.range_name]
    return Chosen((against or "before", "now"), (page.span.before(shift), page.span), (where, where))


def _queues(page: Page) -> list[str]:
    now = Span(page.recent.end_seconds - 15, page.recent.end_seconds, 15)
    return sorted(queue_name(*key) for key in page.source.gauge(c.SIZE, QUEUE, now).columns)


def _covered(chosen: Chosen, before: Side, after: Side) -> None:
    """Say it where one side is known in part, or not at all."""
    for name, span, one in zip(chosen.names, chosen.spans, (before, after), strict=True):
        if one.covered_seconds < 0.95 * span.seconds:
            known = amounts.seconds(one.covered_seconds) if one.covered_seconds else "none"
            st.caption(f"○ Of “{name}”, {known} of {amounts.seconds(span.seconds)} is known.")


def _table(page: Page, chosen: Chosen, before: Side, after: Side) -> None:
    rows = compared(before, after, page.file.claims if page.file is not None else ClaimsWords())
    cells = [(row.figure, *row.cells, row.claim, _verdict(row)) for row in rows]
    table = pd.DataFrame(cells, columns=["Figure", *chosen.names, "Change", "Claim", "Verdict"])
    with st.container(border=True):
        source = (
            f"Pace and failures from {c.PROCESSED.name}, waits from {c.JOB_WAIT.name}, backlog from {c.SIZE.name}, "
            f"Redis, as a whole, from {c.COMMANDS.name} and {c.MEMORY.name}. Claims are the report's, or the file's."
        )
        parts.read_whole("Before and after", source, table, _marked(table))


def _verdict(compared_: ComparedRow) -> str:
    if compared_.verdict is None:
        return ""
    return {"met": "● holds", "missed": "▲ does not hold"}.get(compared_.verdict, "○ can't be known")


def _marked(table: pd.DataFrame) -> pd.DataFrame:
    """A claim and whether it holds stand with their figure: in columns of their own a narrow screen would hide them."""
    colours = {"●": "green", "▲": "red", "○": "gray"}
    words = table.map(lambda cell: plain(f"{cell}"))
    told = [
        f"{figure} :small[:{colours[verdict[0]]}[{verdict}] :gray[({claim})]]" if verdict else figure
        for figure, claim, verdict in zip(words["Figure"], words["Claim"], words["Verdict"], strict=True)
    ]
    shown = words.map(unbroken).assign(Figure=told).drop(columns=["Claim", "Verdict"])
    return shown.set_axis(["Figure, and claim", *map(plain, shown.columns[1:])], axis=1)


def _charts(page: Page, chosen: Chosen) -> None:
    both = list(zip(chosen.spans, chosen.wheres, strict=True))
    figures = (trends.pace, trends.waits, _backlog, trends.failures)
    found = at_once(*(partial(figure, page.source, *one) for figure in figures for one in both))
    pace, waits, backlog, failures = found[:2], found[2:4], found[4:6], found[6:]
    left, right = st.columns(2)
    with left:
        table = laid_over(pace[0], pace[1], "finished", chosen.names)
        parts.over_time(
            "Finished", table, "jobs an hour", f"From {c.PROCESSED.name}.", "no job was counted in this range"
        )
    with right:
        table = laid_over(waits[0], waits[1], trends.P95, chosen.names)
        source = f"From ready to first start. {trends.RATIOS} From {c.JOB_WAIT.name}."
        parts.over_time(
            "Wait, 95th percentile",
            table,
            "seconds",
            source,
            "no job was started in this range",
            wait_rules(page),
            log=True,
        )
    left, right = st.columns(2)
    with left:
        table = laid_over(backlog[0], backlog[1], "ready", chosen.names)
        parts.over_time(
            "Backlog", table, "jobs", f"Waiting and prioritized. From {c.SIZE.name}.", "no size is known"
        )
    with right:
        table = laid_over(failures[0], failures[1], "failed", chosen.names)
        parts.over_time(
            "Failures", table, "share", f"From {c.PROCESSED.name}.", "no job failed in this range", share=True
        )


def _backlog(source: Source, span: Span, where: Where | None) -> pd.DataFrame:
    ready = trends.states(source, span, where, ("waiting", "prioritized"))
    return pd.DataFrame({"ready": ready.sum(axis=1, min_count=1)})
