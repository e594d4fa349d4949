"""This file knows how a queue's weeks ahead are drawn: verdict, figures, chart, slots by the hour, every queue."""

from collections.abc import Sequence
from datetime import tzinfo

import streamlit as st

from dashboard.amounts import jobs, share
from dashboard.plan import ahead as plan_ahead
from dashboard.plan import ahead_charts as charts
from dashboard.plan.ahead import Ahead
from dashboard.plan.figures import figure
from exporter.catalogue import JOB_WAIT
from planner.forecast.hours import WEEK_HOURS, Hourly
from planner.forecast.hours_ahead import Forecast
from planner.forecast.output import Answer

PAST_HOURS = 2 * WEEK_HOURS


def one(ahead: Ahead, answer: Answer | None, zone: tzinfo) -> None:
    """A queue's weeks ahead, as far as they are known by now."""
    if answer is None or answer.found is None:
        st.info(f"{ahead.name}: {'worked on …' if answer is None else f'no forecast: {answer.why}'}")
        return
    _verdict(answer, zone)
    _headline(answer.found, zone)
    borne = answer.breaks.jobs_per_hour if answer.breaks else None
    before, after = plan_ahead.past(ahead.history, PAST_HOURS), plan_ahead.coming(answer.found)
    st.subheader("Jobs by the hour", anchor=False, help=_ABOUT_JOBS)
    st.altair_chart(charts.ahead(before, after, borne), alt=charts.described(before, after, borne))
    st.caption(_how(answer.found, ahead.history))
    _staffing(answer, answer.found, zone)


def _verdict(answer: Answer, zone: tzinfo) -> None:
    if answer.breaks is None and answer.slots is not None:
        st.info("When the objective breaks is worked on …", icon=":material/hourglass:")
        return
    level, text = plan_ahead.verdict(answer, zone)
    draw = {"critical": st.error, "warning": st.warning, "fine": st.success, "unknown": st.info}[level]
    draw(text)


def _headline(found: Forecast, zone: tzinfo) -> None:
    peak, held = found.ahead.peak, found.holdout
    first, second, third, fourth = st.columns((4, 6, 3, 4))  # a moment is longer than a number
    figure(
        first,
        "Peak hour ahead",
        f"{jobs(peak.jobs)} jobs",
        f"{jobs(peak.low)} to {jobs(peak.high)}",
        _ABOUT_PEAK,
    )
    figure(
        second,
        "Most likely at",
        plan_ahead.moment(peak.hour, zone),
        f"chance {share(peak.chance)}",
        _ABOUT_HOUR,
    )
    figure(third, "Growth a week", f"{found.ahead.model.growth:+.1%}", None, _ABOUT_GROWTH)
    peer = f"last period again: {share(held.peer_error)}" if held else None
    figure(fourth, "Error when tried", share(held.error) if held else "not tried", peer, _ABOUT_ERROR)


_ABOUT_JOBS = (
    f"As it was: first starts of {JOB_WAIT.name}. Ahead: planner, forecast, with its 90 % band. The line is the load "
    "at which the objective breaks on the slots that are there."
)
_ABOUT_SLOTS = "Fewest slots that meet the objective at the jobs of each hour. Source: planner, forecast."
_ABOUT_PEAK = "The largest hour of 2,000 possible futures, with its 90 % band. Source: planner, forecast."
_ABOUT_HOUR = "How many of the possible futures have their largest hour there."
_ABOUT_GROWTH = "Found only where four weeks or more show a trend; else none."
_ABOUT_ERROR = "On the last hours, which were held back and foretold: absolute errors over jobs."


def _how(found: Forecast, history: Hourly) -> str:
    told_ = [f"From {history.known:,} known hours."]
    if found.holdout is not None:
        told_.append(
            f"Of {found.holdout.hours} hours held back {share(found.holdout.coverage)} lay within the 90 % band."
        )
    return " ".join([*told_, *(f"{text[0].upper()}{text[1:]}." for text in found.doubts)])


def _staffing(answer: Answer, found: Forecast, zone: tzinfo) -> None:
    st.subheader("Slots by the hour", anchor=False, help=_ABOUT_SLOTS)
    if answer.slots is None:
        st.caption("Can't be known: nothing tells the work or the slots of this queue; give --config.")
        return
    if answer.staffing is None:
        st.caption("Worked on …")
        return
    table = plan_ahead.slots_by_hour(found, answer.staffing)
    told = charts.staffing_described(table, answer.slots)
    st.altair_chart(charts.staffing(table, answer.slots), alt=told)
    st.dataframe(
        plan_ahead.week_grid(table, zone), width="stretch", alt="Slots of each hour of the first week"
    )
    st.caption(
        f"Fewest slots that meet the objective in each hour of the first week, for the upper end of the band; {zone}."
    )


def downloads(answer: Answer) -> None:
    """What is drawn, as CSV."""
    if answer.found is None:
        return
    frames = {"The hours ahead": ("ahead", plan_ahead.coming(answer.found))}
    if answer.staffing is not None:
        frames["Slots by the hour"] = "slots", plan_ahead.slots_by_hour(answer.found, answer.staffing)
    with st.container(horizontal=True):
        for label, (name, frame) in frames.items():
            text, file = frame.to_csv(index=False), f"{answer.name}-{name}.csv"
            st.download_button(
                f"{label} as CSV", text, file, "text/csv", on_click="ignore", icon=":material/download:"
            )


def every(answers: Sequence[tuple[Ahead, Answer | None]], zone: tzinfo) -> None:
    """All queues in a table."""
    st.dataframe(
        plan_ahead.table(answers, zone), hide_index=True, width="stretch", alt="Every queue's weeks ahead"
    )
