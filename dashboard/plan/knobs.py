"""This file knows the knobs of What-if: what each may be turned to, and how turned knobs are kept for a viewer."""

from dataclasses import fields, replace
from typing import Any

import streamlit as st

from dashboard.amounts import jobs
from dashboard.plan.changes import Changes, Facts

LOADS = (0.1, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 7.5, 10.0)
_TURNED, _VERSION, _UNDONE = "whatif-turned", "whatif-version", "whatif-undone"
MOST_ATTEMPTS, MOST_CONNECTIONS = 25, 500
LOAD = "load"
"""The load stands in the address under this name."""
_ABOUT_LOAD = "Arrivals of every queue times this. Source: the fleet's own load, in its file or as seen."
_ABOUT_CONCURRENCY = "Jobs that one worker does at a time."
_ABOUT_WORKERS = "Processes, each with a worker of this concurrency."
_ABOUT_JOBS = "Arrivals, before the load above."
_ABOUT_SERVICE = "Mean time that a job holds a slot. The shape of its law stays."

Turned = dict[str, Facts]


def turned(fleet: str) -> Turned:
    """What this viewer has turned on single queues of a fleet."""
    found: dict[str, Turned] = st.session_state.setdefault(_TURNED, {})
    return found.setdefault(fleet, {})


def undo(fleet: str) -> None:
    """Everything as the fleet is."""
    st.session_state.setdefault(_TURNED, {}).pop(fleet, None)
    st.session_state[LOAD] = 1.0
    st.session_state[_UNDONE] = st.session_state.get(_UNDONE, 0) + 1
    renew()


def renew() -> None:
    """Make all knobs anew, so that they show what was turned elsewhere."""
    st.session_state[_VERSION] = st.session_state.get(_VERSION, 0) + 1


def key(*parts: str) -> str:
    """The name of a widget: another one for each fleet and queue, and after each renewal."""
    return "|".join(("whatif", *parts, str(st.session_state.get(_VERSION, 0))))


def _lasting_key(*parts: str) -> str:
    """The name of a widget that only an undoing makes anew."""
    return "|".join(("whatif", *parts, str(st.session_state.get(_UNDONE, 0))))


def of_all(fleet: str, jobs_per_hour: float, connections: int | None, goal_seconds: float | None) -> Changes:
    """The knobs that turn the whole fleet."""
    load = st.select_slider(
        "Load of all queues, times", LOADS, 1.0, key=LOAD, bind="query-params", help=_ABOUT_LOAD
    )
    st.caption(f"{jobs(load * jobs_per_hour)} jobs an hour in all")
    left, right = st.columns(2)
    objective = left.number_input(
        "Objective: p95 wait, s",
        min_value=0.001,
        value=goal_seconds,
        step=0.05,
        format="%.3f",
        placeholder="as in the file",
        key=_lasting_key(fleet, "objective"),
        help="19 of 20 jobs must start within this time. Left as it is, each queue keeps its own objectives.",
    )
    pool = None
    if connections is not None:
        pool = right.number_input(
            "Connections of each pool",
            min_value=1,
            max_value=MOST_CONNECTIONS,
            value=connections,
            key=_lasting_key(fleet, "pool"),
            help="maxConnections of the pools of the fleet's file.",
        )
    return Changes(
        load=load,
        pool_connections=pool if pool != connections else None,
        p95_wait_seconds=objective if objective != goal_seconds else None,
    )


def of_queue(fleet: str, name: str, now: Facts) -> Facts:
    """The knobs of one queue; what is returned, and kept, differs from `now`."""
    kept = turned(fleet).get(name, Facts())
    start = replace(now, **given(kept))
    change = Facts(
        concurrency=_whole(fleet, name, "concurrency", start, now, "Concurrency", _ABOUT_CONCURRENCY),
        workers=_whole(fleet, name, "workers", start, now, "Workers", _ABOUT_WORKERS),
        jobs_per_hour=_real(fleet, name, "jobs_per_hour", start, now, "Jobs an hour", _ABOUT_JOBS),
        service_seconds=_real(fleet, name, "service_seconds", start, now, "Service time, s", _ABOUT_SERVICE),
        failure_ratio=_failures(fleet, name, start),
        attempts=_attempts(fleet, name, start),
    ).other_than(now)  # fmt: skip
    keep(fleet, name, change)
    return change


def keep(fleet: str, name: str, change: Facts) -> None:
    if change == Facts():
        turned(fleet).pop(name, None)
    else:
        turned(fleet)[name] = change


def given(change: Facts) -> dict[str, Any]:
    """What was turned, by name."""
    values = {one.name: getattr(change, one.name) for one in fields(change)}
    return {name: value for name, value in values.items() if value is not None}


def _whole(fleet: str, name: str, word: str, start: Facts, now: Facts, label: str, told: str) -> int:
    value, usual = getattr(start, word), getattr(now, word)
    return int(st.slider(label, 1, max(4 * usual, value, 16), value, key=key(fleet, name, word), help=told))


def _real(fleet: str, name: str, word: str, start: Facts, now: Facts, label: str, told: str) -> float:
    value, usual = getattr(start, word), getattr(now, word)
    low, high = min(usual / 10, value), max(usual * 5, value)
    return float(
        st.slider(
            label, low, high, value, step=usual / 100, format="%.4g", key=key(fleet, name, word), help=told
        )
    )


def _failures(fleet: str, name: str, start: Facts) -> float:
    percent = st.slider(
        "Attempts that fail, %",
        0.0,
        max(50.0, 100 * (start.failure_ratio or 0.0)),
        100 * (start.failure_ratio or 0.0),
        step=0.1,
        format="%.1f",
        key=key(fleet, name, "failure_ratio"),
        help="A failed attempt comes back to the tail of the queue while attempts are left.",
    )
    untouched = percent == 100 * (start.failure_ratio or 0.0)
    return start.failure_ratio or 0.0 if untouched else percent / 100


def _attempts(fleet: str, name: str, start: Facts) -> int:
    return int(
        st.slider(
            "Attempts allowed",
            1,
            max(MOST_ATTEMPTS, start.attempts or 1),
            start.attempts or 1,
            key=key(fleet, name, "attempts"),
            help="How often a job is tried in all.",
        )
    )
