"""This file knows the screen Alerts: bounds in force, the rules they make, what other bounds would have done."""

import time
import uuid

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from alerts.backtest import BacktestError
from alerts.config_file import ConfigError
from alerts.history import HistoryError
from alerts.signals import SEVERITIES, Severity
from dashboard import amounts, parts
from dashboard.alerting import bounds as alert_bounds
from dashboard.alerting import rules as alert_rules
from dashboard.alerting.charts import described, strips
from dashboard.alerting.firing import alarm
from dashboard.alerting.firing_view import show_alarm
from dashboard.alerting.history import Days, Known, Play, address, bars, can_be_played, impossible
from dashboard.alerting.history import table as played
from dashboard.alerting.sets import RuleSet, in_force, made
from dashboard.page import Page
from dashboard.plan.work import Work
from dashboard.queues_now import covered_seconds
from dashboard.redrawn import Redrawn
from dashboard.sources.prometheus import PrometheusSource
from dashboard.sources.shared import SharedSource
from dashboard.sources.source import SourceError, Span
from dashboard.waiting import TABLE, Row

SLICE_SECONDS = 0.25
RANGES = {"1 day": 1, "3 days": 3, "1 week": 7, "2 weeks": 14, "4 weeks": 28}
"""How far back a changed bound is tried."""
_WIDE = {name: st.column_config.TextColumn(width=140) for name in ("warning", "critical", "bound")}
"""Bounds are read whole."""
ROWS = (Row(24), Row(280), Row(340), TABLE)


def show(page: Page) -> None:
    """Draw it."""
    _now(page)
    before = in_force(page.thresholds, _job(page))
    origin = page.file_path.name if page.file_path else "no file: the documented bounds"
    source = f"Source: {origin}. Screens, planner and rules draw from these."
    table, title = alert_bounds.table(page.thresholds), "Bounds in force"
    parts.heading(title, source, table)
    st.dataframe(table, hide_index=True, width="stretch", column_config=_WIDE, alt=title)
    st.caption(source)
    page.waiting.drawn()
    after = _changed(before, page)
    page.waiting.end()
    _backtest(page, before, after)
    _rules(after)


def _now(page: Page) -> None:
    """What fires, where it can be asked for; the bounds and their rules need no source."""
    try:
        show_alarm(alarm(page.source))
    except SourceError:
        st.caption("○ Alerts not known: the source does not answer.")
    page.waiting.drawn()


def _job(page: Page) -> str:
    inner = page.source.source if isinstance(page.source, SharedSource) else page.source
    return inner.job if isinstance(inner, PrometheusSource) else ""


def _changed(before: RuleSet, page: Page) -> RuleSet:
    """The set with the bounds that are written on the screen; the one in force where they can't be read."""
    st.subheader("Change a bound", anchor=False)
    now = alert_bounds.written(page.thresholds)
    with st.form("alerts-bounds", border=True):
        then = _bounds(now)
        with st.expander("Further settings of the generator: overrides, receivers, routes, owners"):
            further = st.text_area(
                "Settings in YAML",
                key="alerts-further",
                height=160,
                placeholder="overrides:\n  - {queue: reports, queue_processing_latency: {warning: 30s, critical: 60s}}",
                help="All of them: `bullgauge-alerts schema`.",
            )
        st.form_submit_button("Make the rules", icon=":material/rule:")
    try:
        after = made(then, _job(page), further)
    except ConfigError as error:
        st.error(f"These bounds can't be used, so the rules below are those in force: {error}")
        return before
    told = alert_bounds.changed(now, then) + (["further settings"] if further.strip() else [])
    names = _affected(before.text, after.text, _before=before, _after=after)
    if told:
        alerts = (
            f"alerts that judge differently: {', '.join(names)}" if names else "no alert judges differently"
        )
        st.info(f"Changed: {'; '.join(told)}. {alerts[0].upper()}{alerts[1:]}.", icon=":material/difference:")
    return after


def _bounds(now: alert_bounds.Bounds) -> dict[tuple[str, Severity], str]:
    """A column for each signal."""
    found: dict[tuple[str, Severity], str] = {}
    signals = alert_bounds.DOCUMENTED
    for signal, column in zip(signals, st.columns(len(signals)), strict=True):
        column.markdown(f"**{signal.name.replace('_', ' ')}**", help=f"{signal.meaning}.")
        for severity in SEVERITIES:
            found[signal.name, severity] = column.text_input(
                severity,
                now[signal.name, severity],
                key=f"alerts-{signal.name}-{severity}",
                help=f"{signal.unit[0].upper()}{signal.unit[1:]}; `off` for none.",
            )
    return found


@st.cache_resource(max_entries=50, show_spinner=False)
def _affected(before: str, after: str, *, _before: RuleSet, _after: RuleSet) -> list[str]:  # noqa: ARG001
    return alert_rules.affected(_before.plan, _after.plan)


def _rules(made_: RuleSet) -> None:
    plan = made_.plan
    table, title = alert_rules.table(plan), "The rules that these bounds make"
    parts.heading(title, "What bullgauge-alerts generate writes for them.", table)
    count = sum(len(group.rules) for group in plan.groups)
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    left.caption(
        f"{len(plan.names)} alerts, {count} rules in all, with rule tests, routes, boards and runbooks."
    )
    right.download_button(
        "Download the set",
        lambda: alert_rules.zipped(plan, made_.source),
        "monitoring.zip",
        "application/zip",
        on_click="ignore",
        icon=":material/download:",
        width="stretch",
        help="What `bullgauge-alerts generate` writes, and alerts.yaml, from which it makes the same again.",
    )
    st.dataframe(table, hide_index=True, width="stretch", height=280, column_config=_WIDE, alt=title)
    name = st.selectbox("Look at an alert", plan.names, key="alerts-name")
    runbook, rules, configuration = st.tabs(["Runbook", "Its rules", "Configuration"])
    runbook.markdown(alert_rules.runbook(plan, name))
    rules.code(alert_rules.rules_of(plan, name), language="yaml", height=420)
    configuration.code(made_.text, language="yaml")


def _backtest(page: Page, before: RuleSet, after: RuleSet) -> None:
    st.subheader("What the changed bounds would have done", anchor=False)
    why_not = impossible(page.source)
    url = address(page.source)
    if why_not or url is None:
        st.info(why_not, icon=":material/history:")
        return
    names = can_be_played(after.plan, _affected(before.text, after.text, _before=before, _after=after))
    if not names:
        st.info(
            "Change a bound above: then its alerts are played over the past with either bound.",
            icon=":material/history:",
        )
        return
    left, right = st.columns([1, 3], vertical_alignment="bottom")
    days = RANGES[left.selectbox("Over the last", list(RANGES), key="alerts-days")]
    wanted = (after.text, days)
    if right.button("Play the past", icon=":material/play_arrow:", type="primary"):
        st.session_state["alerts-played"] = wanted
    st.caption(
        f"Plays {', '.join(names)} minute by minute on what Prometheus has stored; some seconds a day."
    )
    if st.session_state.get("alerts-played") != wanted:
        return
    span = Days.back(days, page.now_seconds)
    if not _is_stored(page, span):
        return
    plays = [Play(one.plan, tuple(names), url, span) for one in (before, after)]
    try:
        _until_played(plays[0], plays[1])
    except (HistoryError, BacktestError) as error:
        st.error(f"The past can't be played: {error}")


def _is_stored(page: Page, days: Days) -> bool:
    """Whether any of these days can be played; says how much where it is not all. Silence of the rest is no quiet."""
    length = days.end_seconds - days.start_seconds
    until = f"{pd.Timestamp(days.end_seconds, unit='s'):%H:%M} UTC"
    try:
        known = covered_seconds(page.source, Span(days.start_seconds, days.end_seconds, length))
    except SourceError:
        return True  # why it does not answer is told when it is played
    if not known:
        told = f"Nothing is stored of the {amounts.seconds(length)} up to {until}, so nothing can be played."
        st.info(told, icon=":material/history:")
    elif known < 0.95 * length:
        st.caption(
            f"○ Of the {amounts.seconds(length)} up to {until}, {amounts.seconds(known)} is stored and played."
        )
    return known > 0


@st.cache_resource
def _work() -> Work:
    return Work(threads=1)


def _until_played(before: Play, after: Play) -> None:
    """Draw the days that are played, and again with each further one."""
    viewer = "alerts-" + st.session_state.setdefault("alerts-viewer", uuid.uuid4().hex)
    # Both sets of a day before the day before.
    jobs = dict(
        pair for both in zip(before.jobs().items(), after.jobs().items(), strict=True) for pair in both
    )
    over, place, drawn, began = st.container(), Redrawn(), -1, time.monotonic()
    bar: DeltaGenerator | None = None
    while drawn < len(jobs):
        found = _work().answers(viewer, jobs, SLICE_SECONDS)
        if bar is not None or len(found) < len(jobs):
            told = f"{len(found)} of {len(jobs)} days played, {time.monotonic() - began:.0f} s"
            bar = bar or over.empty()
            bar.progress(len(found) / len(jobs), told)
        if len(found) > drawn:
            is_whole = len(found) == len(jobs)
            with place.container(is_whole):
                _played(before, after, found, is_whole)
        drawn = len(found)
    if bar is not None:
        bar.empty()


def _played(before: Play, after: Play, found: Known, is_whole: bool) -> None:
    shown: pd.DataFrame = played(before, after, found)
    if shown.empty:
        if is_whole:
            st.success("Neither the bounds in force nor the changed ones would have fired.")
        return
    drawn = bars(before, after, found)
    ends = [
        pd.Timestamp(at, unit="s", tz="UTC") for at in (before.days.start_seconds, before.days.end_seconds)
    ]
    st.altair_chart(strips(drawn, ends[0], ends[1]), alt=described(drawn))
    st.dataframe(shown, hide_index=True, width="stretch", alt="How often each alert would have fired")
