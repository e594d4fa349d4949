"""This file knows the overview: how close to the edge, what is worst, and which targets are met."""

import pandas as pd
import streamlit as st

from dashboard import amounts, charts, parts, trends
from dashboard.alerting.firing import alarm
from dashboard.alerting.firing_view import show_alarm
from dashboard.chart_bounds import Rule
from dashboard.look import CRITICAL
from dashboard.overview import Overview, asked_next, overview, targets
from dashboard.overview_cards import show_cards
from dashboard.page import Page
from dashboard.plain import plain
from dashboard.queue_now import Level
from dashboard.rules_drawn import pace_rules, wait_rules, work_rules
from dashboard.scorecard import Target
from dashboard.sources.asking import ahead
from dashboard.waiting import CARDS, CHARTS, TABLE, Row
from exporter import catalogue as c

MOST_WORST = 5
MOST_BARS = 12
ROWS = (CARDS, CARDS, Row(24), Row(420, (3, 2)), CHARTS, CHARTS, Row(560), TABLE)


def show(page: Page) -> None:
    seen = overview(page)
    if not seen.queues:
        _no_queues()
        return
    show_cards(page, seen)
    page.waiting.drawn(2)
    # Not before the first figures, which they would delay; the source answers while more is drawn.
    ahead(*asked_next(page, seen))
    show_alarm(alarm(page.source))
    page.waiting.drawn()
    _worst(seen)
    page.waiting.drawn()
    _pace_and_waits(page)
    page.waiting.drawn()
    _work_and_connections(page, seen)
    page.waiting.drawn()
    _scorecard(targets(page, seen))
    _table(seen)


def _no_queues() -> None:
    st.info(
        "No queue is known yet. Does the exporter see your Redis, and does the prefix match? "
        "`bullgauge-exporter doctor` says so.",
        icon=":material/search:",
    )


def _worst(seen: Overview) -> None:
    left, right = st.columns([3, 2])
    with left:
        _bars(seen)
    with right, st.container(border=True, height="stretch"):
        st.subheader("Worst first", anchor=False, help="Against the bounds in force, then by capacity used.")
        for one in seen.standings[:MOST_WORST]:
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                st.page_link(
                    st.session_state["screens"]["queue"],
                    label=f"**{one.queue.name}**",
                    query_params={"queue": one.queue.name},
                )
                st.markdown(parts.mark(one.level), width="content")
            st.caption(one.text)


def _bars(seen: Overview) -> None:
    title, source = (
        "Capacity used by queue",
        "As “Capacity used”, for each queue; ▲ ◆ ○ ● and colours as in Worst first, the line is the ceiling.",
    )
    known = [one for one in seen.standings if one.capacity.used is not None]
    if not known:
        parts.nothing(title, seen.capacity.why or "no queue's slots are known")
        return
    known.sort(key=lambda one: -(one.capacity.used or 0.0))
    levels: list[Level] = ["critical" if one.used_up else one.level for one in known]
    table = pd.DataFrame(
        {
            "name": [one.queue.name for one in known],
            "value": [one.capacity.used for one in known],
            "level": levels,
            "text": [
                f"{parts.MARKS[level][0]} {one.capacity_text}"
                for level, one in zip(levels, known, strict=True)
            ],
        }
    )
    drawn = charts.bars(
        table.head(MOST_BARS),
        "share of the ceiling",
        Rule(1.0, "ceiling", CRITICAL),
        most=_scale(table),
    )
    told = f"Capacity used by queue; {known[0].queue.name} is fullest, {known[0].capacity_text}"
    parts.chart(title, drawn, table, told, source, fills=True)


def _scale(table: pd.DataFrame) -> float:
    return max(1.15, float(table["value"].max()) * 1.15)


def _pace_and_waits(page: Page) -> None:
    left, right = st.columns(2)
    with left:
        source = f"Each step's jobs as an hour's, all queues. From {c.PROCESSED.name} and {c.ADDED.name}."
        table = trends.pace(page.source, page.span)
        parts.over_time(
            "Throughput", table, "jobs an hour", source, "no job was counted in this range", pace_rules(page)
        )
    with right:
        source = (
            f"From ready to first start, all queues. {trends.RATIOS} From {c.JOB_WAIT.name}, percentiles as Prometheus "
            "reads them."
        )
        table = trends.waits(page.source, page.span)
        parts.over_time(
            "Wait", table, "seconds", source, "no job was started in this range", wait_rules(page), log=True
        )


def _work_and_connections(page: Page, seen: Overview) -> None:
    left, right = st.columns(2)
    with left:
        source = (
            f"Working time of all attempts. {trends.RATIOS} From {c.JOB_DURATION.name}. The grey lines are the bounds "
            "of the wait, to compare: work has none unless you set one."
        )
        table, why = trends.work(page.source, page.span), "no attempt ended in this range"
        parts.over_time("Processing time", table, "seconds", source, why, work_rules(page), log=True)
    with right:
        source = "Open connections over their limit; the band is the report's. From CLIENT LIST and INFO."
        table, why = trends.connections(page.source, page.span), "the exporter may not read connections"
        band = (seen.claims.pool_utilisation[0], seen.claims.pool_utilisation[1])
        parts.over_time("Connections in use", table, "share", source, why, share=True, band=band)


def _scorecard(found: tuple[Target, ...]) -> None:
    table = pd.DataFrame(
        {
            "": [
                {"met": "● met", "missed": "▲ missed"}.get(one.verdict, "○ can't be known") for one in found
            ],
            "Target": [one.wanted for one in found],
            "Now": [one.found for one in found],
            "Why": [one.why for one in found],
        }
    )
    met, missed = (sum(one.verdict == verdict for one in found) for verdict in ("met", "missed"))
    with st.container(border=True):
        source = (
            "The report's targets, those under `claims` as your file has them, against figures of this page."
        )
        parts.read_whole("The report's targets", source, table, _marked(table))
        st.caption(f"{met} met, {missed} missed, {len(found) - met - missed} can't be known from Redis now.")


def _marked(table: pd.DataFrame) -> pd.DataFrame:
    """In colours, besides the shapes, and in two columns, which have room for their words on a narrow screen too."""
    colours = {"●": "green", "▲": "red", "○": "gray"}
    words = table.map(lambda cell: plain(f"{cell}"))
    verdicts = [f":{colours[verdict[0]]}[{verdict}]" for verdict in table[""]]
    found = ["" if now == amounts.NOTHING else f"**{plain(now)}**: " for now in table["Now"]]
    return pd.DataFrame(
        {
            "Target": [
                f"{verdict} · {wanted}" for verdict, wanted in zip(verdicts, words["Target"], strict=True)
            ],
            "Now, and why": [f"{now}{why}" for now, why in zip(found, words["Why"], strict=True)],
        }
    )


def _table(seen: Overview) -> None:
    rows = [
        {
            "": f"{parts.MARKS[one.level][0]} {one.level}",
            "Queue": one.queue.name,
            "Used": one.capacity.used,
            "Finished /h": _whole(one.queue.finished_per_hour),
            "Ready": one.queue.ready,
            "Delayed": one.queue.states.get("delayed"),
            "Active": one.queue.states.get("active"),
            "Wait p95 (s)": one.queue.wait_p95_seconds,
            "Work mean (s)": one.queue.attempt_mean_seconds,
            "Fail": one.queue.failure_ratio,
            "Drain (s)": one.queue.drain_seconds,
            "Workers": one.queue.workers,
            "Says": one.text,
        }
        for one in seen.standings
    ]
    table = pd.DataFrame(rows)
    with st.container(border=True):
        lately = amounts.seconds(seen.seconds)
        source = (
            f"Rates, waits, failures of the last {lately}, the rest of now. {amounts.NOTHING} is not known."
        )
        parts.heading("All queues", source, table)
        percent = st.column_config.NumberColumn(format="percent")
        st.dataframe(
            table,
            hide_index=True,
            alt="All queues, worst first, with their figures of now",
            placeholder=amounts.NOTHING,
            column_config={
                "Used": st.column_config.ProgressColumn(format="percent", min_value=0, max_value=1),
                "Fail": percent,
                **{
                    name: st.column_config.NumberColumn(format="%.3g")
                    for name in ("Wait p95 (s)", "Work mean (s)", "Drain (s)")
                },
                "Finished /h": st.column_config.NumberColumn(format="localized"),
            },
        )


def _whole(value: float | None) -> float | None:
    return None if value is None else round(value)
