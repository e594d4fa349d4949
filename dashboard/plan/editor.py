"""This file knows the table in which many queues are turned at once, and what an edit of it means."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd
import streamlit as st

from dashboard.plan.changes import Facts
from dashboard.plan.knobs import MOST_ATTEMPTS, given, keep, key, renew, turned

HEADS = {
    "concurrency": "concurrency",
    "workers": "workers",
    "jobs_per_hour": "jobs an hour",
    "service_seconds": "service, s",
    "failure_ratio": "attempts that fail",
    "attempts": "attempts",
}


def editor(fleet: str, now: Mapping[str, Facts]) -> None:
    """The table; what is written into it is kept as if knobs had been turned."""
    name = key(fleet, "table")
    st.data_editor(
        table(now, turned(fleet)),
        key=name,
        on_change=_keep_edits,
        args=(fleet, now, name),
        disabled=("queue",),
        hide_index=True,
        num_rows="fixed",
        width="stretch",
        column_config={
            "concurrency": st.column_config.NumberColumn(
                min_value=1, max_value=100_000, step=1, required=True
            ),
            "workers": st.column_config.NumberColumn(min_value=1, max_value=100_000, step=1, required=True),
            "jobs an hour": st.column_config.NumberColumn(min_value=0.01, format="%.6g", required=True),
            "service, s": st.column_config.NumberColumn(min_value=1e-6, format="%.4g", required=True),
            "attempts that fail": st.column_config.NumberColumn(
                min_value=0.0, max_value=1.0, format="percent", required=True
            ),
            "attempts": st.column_config.NumberColumn(
                min_value=1, max_value=MOST_ATTEMPTS, step=1, required=True
            ),
        },
    )


def table(now: Mapping[str, Facts], changes: Mapping[str, Facts]) -> pd.DataFrame:
    """A row a queue, as it is turned."""
    rows = []
    for name, facts in now.items():
        shown = replace(facts, **given(changes.get(name, Facts())))
        rows.append({"queue": name, **{head: getattr(shown, word) for word, head in HEADS.items()}})
    return pd.DataFrame(rows)


def edited(
    now: Mapping[str, Facts], changes: Mapping[str, Facts], edits: Mapping[int, Mapping[str, Any]]
) -> dict[str, Facts]:
    """The changes of the queues whose rows were edited; `edits` are new values by number of row and head."""
    words = {head: word for word, head in HEADS.items()}
    names: Sequence[str] = list(now)
    found = {}
    for number, values in edits.items():
        name = names[number]
        fresh = {words[head]: value for head, value in values.items() if head in words and value is not None}
        wanted = replace(now[name], **{**given(changes.get(name, Facts())), **fresh})
        found[name] = wanted.other_than(now[name])
    return found


def _keep_edits(fleet: str, now: Mapping[str, Facts], name: str) -> None:
    edits = st.session_state[name]["edited_rows"]
    for queue, change in edited(now, turned(fleet), edits).items():
        keep(fleet, queue, change)
    renew()
