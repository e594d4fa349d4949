"""This file knows one queue: what waits, how fast it goes, how long jobs wait, who works and what is left."""

import pandas as pd
import streamlit as st

from dashboard import amounts, charts, parts, trends
from dashboard.capacity import QueueCapacity, idle_share
from dashboard.overview import queues_capacity
from dashboard.page import Page
from dashboard.plain import plain
from dashboard.queue_limits import limits, payloads, schedulers
from dashboard.queue_now import QueueNow
from dashboard.queue_tables import by_slots, heat, job_types
from dashboard.queues_now import queues_now
from dashboard.rules_drawn import wait_rules
from dashboard.standing import Standing, standings
from dashboard.waiting import CARDS, CHARTS, TABLE, Row
from exporter import catalogue as c
from exporter.metric import Metric

WORKING = ("waiting", "prioritized", "active", "delayed", "paused", "waiting_children")
NO_ATTEMPT = "no attempt ended in this range"
ROWS = (Row(24), CARDS, CARDS, CHARTS, CHARTS, CHARTS, CHARTS, TABLE)


def show(page: Page) -> None:
    found = queues_now(page.source, page.recent, page.where) if page.queue else []
    if not found:
        st.info("This queue is not known now. Choose another in the sidebar.", icon=":material/search:")
        return
    now = found[0]
    one = queues_capacity(page, (now,)).queues[0]
    [standing] = standings([now], [one], page.thresholds)
    _says(standing)
    _cards(now, one)
    page.waiting.drawn(3)
    _states_and_pace(page)
    page.waiting.drawn()
    _waits(page)
    page.waiting.drawn()
    _work(page)
    page.waiting.drawn()
    _failures_and_slots(page, now, one)
    page.waiting.drawn()
    _types_and_limits(page)


def _says(standing: Standing) -> None:
    st.markdown(f"{parts.mark(standing.level)} — {standing.text}.")


def _cards(now: QueueNow, one: QueueCapacity) -> None:
    lately = f"of the last {amounts.seconds(now.seconds)}" if now.seconds else "not known yet"
    first, second = st.columns(4), st.columns(4)
    with first[0]:
        _ready(now)
    with first[1]:
        _drain(now, lately)
    with first[2]:
        _used(one)
    with first[3]:
        _pace(now, lately)
    with second[0]:
        _wait(now, lately)
    with second[1]:
        _attempts(now, lately)
    with second[2]:
        _failures(now, lately)
    with second[3]:
        _workers(now, one, lately)


def _ready(now: QueueNow) -> None:
    oldest = now.oldest_waiting_seconds
    source = f"Jobs that a worker could take now: waiting and prioritized of {c.SIZE.name}; {c.OLDEST_WAITING.name}."
    note = f"the oldest has waited for {amounts.seconds(oldest)}" if oldest is not None else "none waits"
    parts.number("Ready", amounts.jobs(now.ready), source, "paused" if now.paused else note)


def _drain(now: QueueNow, lately: str) -> None:
    source = (
        f"Ready jobs over the pace {lately}, if none came on top. From {c.SIZE.name} and {c.PROCESSED.name}."
    )
    note = "" if now.drain_seconds is not None else f"no job was finished {lately}, so there is no pace"
    parts.number("Drain time", amounts.seconds(now.drain_seconds), source, note)


def _used(one: QueueCapacity) -> None:
    source = (
        f"Attempts a second × their mean time ÷ slots. From {c.JOB_DURATION.name}; slots from --config, else a lower "
        "bound, seen while every worker was saturated."
    )
    bound = "at most " if one.slots.kind == "lower bound" else ""
    note = one.why
    if one.ceiling_per_hour is not None:
        count = ("at least " if bound else "") + amounts.counted(one.slots.count or 0, "slot")
        note = f"{count}; ceiling {amounts.per_hour(one.ceiling_per_hour)}, set by {one.set_by}"
    value = amounts.NOTHING if one.used is None else f"{bound}{amounts.share(one.used)}"
    parts.number("Capacity used", value, source, note)


def _pace(now: QueueNow, lately: str) -> None:
    source = f"Completed and finally failed jobs {lately}, as an hour's. From {c.PROCESSED.name} and {c.ADDED.name}."
    note = (
        f"{amounts.per_hour(now.added_per_hour)} added"
        if now.added is not None
        else "added jobs are not counted"
    )
    parts.number("Finished", amounts.per_hour(now.finished_per_hour), source, note)


def _wait(now: QueueNow, lately: str) -> None:
    source = f"From ready to first start, {lately}. From {c.JOB_WAIT.name}."
    note = (
        f"mean {amounts.seconds(now.wait_mean_seconds)}"
        if now.wait_mean_seconds is not None
        else "no job started"
    )
    parts.number("Wait, 95th percentile", amounts.seconds(now.wait_p95_seconds), source, note)


def _attempts(now: QueueNow, lately: str) -> None:
    source = f"Working time of attempts, however they ended, {lately}. From {c.JOB_DURATION.name}."
    note = f"{amounts.jobs(now.attempts)} attempts" if now.attempts else NO_ATTEMPT
    parts.number("Processing, mean", amounts.seconds(now.attempt_mean_seconds), source, note)


def _failures(now: QueueNow, lately: str) -> None:
    source = (
        f"Final failures over finished jobs, {lately}; retries and stalls are attempts that went back. From "
        f"{c.PROCESSED.name} and {c.REQUEUED.name}."
    )
    note = f"{amounts.jobs(now.retried)} retried, {amounts.jobs(now.stalled)} stalled"
    parts.number("Failures", amounts.share(now.failure_ratio), source, note)


def _workers(now: QueueNow, one: QueueCapacity, lately: str) -> None:
    source = (
        f"Worker objects connected, those without a free slot. From {c.WORKERS.name}, {c.WORKERS_SATURATED.name}. "
        f"Idle is the share of all slots' time in which no attempt ran, {lately}. From {c.JOB_DURATION.name}."
    )
    note = "the library does not name its workers in CLIENT LIST"
    if now.workers is not None:
        note = f"{amounts.jobs(now.saturated)} of them without a free slot now"
    idle, least = idle_share(now, one.slots), "at least " if one.slots.kind == "lower bound" else ""
    told = f"{least}{amounts.share(idle)} idle" if idle is not None else f"idle share not known: {one.why}"
    parts.number("Workers", amounts.jobs(now.workers), source, f"{note}; {told}")


def _states_and_pace(page: Page) -> None:
    left, right = st.columns(2)
    with left:
        table = trends.states(page.source, page.span, page.where, WORKING)
        table = table.loc[:, (table > 0).any()]
        source = (
            f"Jobs in each state that holds any; completed and failed ones are left out. From {c.SIZE.name}."
        )
        parts.over_time("Jobs by state", table, "jobs", source, "no job was in any state in this range")
    with right:
        table = trends.pace(page.source, page.span, page.where)
        source = f"Each step's jobs as an hour's. From {c.PROCESSED.name} and {c.ADDED.name}."
        parts.over_time(
            "Arrivals against finishes", table, "jobs an hour", source, "no job was counted in this range"
        )


def _waits(page: Page) -> None:
    left, right = st.columns(2)
    with left:
        table = trends.waits(page.source, page.span, page.where)
        source = (
            f"From ready to first start. {trends.RATIOS} From {c.JOB_WAIT.name}, percentiles as in PromQL."
        )
        parts.over_time(
            "Wait", table, "seconds", source, "no job was started in this range", wait_rules(page), log=True
        )
    with right:
        _heat(
            page, c.JOB_WAIT, "Waits, how many", "waited up to, seconds", "no job was started in this range"
        )


def _work(page: Page) -> None:
    left, right = st.columns(2)
    with left:
        table = trends.work(page.source, page.span, page.where)
        source = f"Working time of all attempts. {trends.RATIOS} From {c.JOB_DURATION.name}."
        parts.over_time("Processing time", table, "seconds", source, NO_ATTEMPT, log=True)
    with right:
        _heat(page, c.JOB_DURATION, "Processing times, how many", "took up to, seconds", NO_ATTEMPT)


def _heat(page: Page, metric: Metric, title: str, unit: str, why: str) -> None:
    table, edges = heat(page, metric)
    if table.empty:
        parts.nothing(title, why)
        return
    source = f"How many of each length there were in each step. From the buckets of {metric.name}."
    drawn = charts.heat(table, unit, edges, "attempts" if metric is c.JOB_DURATION else "jobs")
    parts.chart(title, drawn, table, f"Heat map over time by bucket: {title[0].lower()}{title[1:]}", source)


def _failures_and_slots(page: Page, now: QueueNow, one: QueueCapacity) -> None:
    left, right = st.columns(2)
    with left:
        table = trends.went_back(page.source, page.span, page.where)
        source = (
            f"Jobs that failed in the end, and attempts that went back, by reason. From {c.PROCESSED.name}, "
        )
        source += f"{c.REQUEUED.name}."
        parts.over_time(
            "Failures, retries, stalls", table, "an hour", source, "nothing failed or went back in this range"
        )
    with right:
        _more_slots(now, one)


def _more_slots(now: QueueNow, one: QueueCapacity) -> None:
    table = by_slots(now, one)
    title = "Other concurrencies"
    if table is None:
        parts.nothing(title, one.why or "no attempt ended lately")
        return
    with st.container(border=True, height="stretch"):
        source = (
            "At the load of now: used is busy ÷ slots; the drain takes what is ready while work arrives as now. "
            f"From {c.JOB_DURATION.name}, {c.SIZE.name}. Waits by concurrency: What-if."
        )
        parts.heading(title, source, table)
        drained = [
            "never" if pd.isna(seconds) else amounts.seconds(seconds) for seconds in table[table.columns[-1]]
        ]
        shown = table.iloc[:, :-1].assign(**{"Backlog drained in": drained})
        share = st.column_config.NumberColumn(format="percent")
        st.dataframe(shown, hide_index=True, column_config={"Used": share}, alt="Use and drain time by slots")


def _types_and_limits(page: Page) -> None:
    left, right = st.columns(2)
    with left, st.container(border=True, height="stretch"):
        types = job_types(page)
        source = (
            f"Attempts over the range by job type; beyond ten types, __other__. From {c.JOB_DURATION.name}."
        )
        if types.empty:
            st.subheader("Job types", anchor=False)
            st.caption("○ Not known: no attempt ended in this range.")
        else:
            parts.heading("Job types", source, types)
            columns = {"Failed": st.column_config.NumberColumn(format="percent")}
            told = "Job types with attempts and mean times"
            st.dataframe(types, hide_index=True, column_config=columns, alt=told, placeholder=amounts.NOTHING)
    with right, st.container(border=True, height="stretch"):
        rows = [*limits(page), *schedulers(page), *payloads(page)]
        marked = [
            (f"{plain(what)} :small[:gray[{_breaking(source)}]]", plain(now)) for what, now, source in rows
        ]
        parts.read_whole(
            "Limits, schedulers, payloads",
            "Each from the metric beside it; payloads of the range, the rest of now.",
            pd.DataFrame(rows, columns=["", "Now", "From"]),
            pd.DataFrame(marked, columns=["", "Now"]),
        )


def _breaking(name: str) -> str:
    """A long name may go on in the next line."""
    return plain(name).replace("_", "_\u200b")
