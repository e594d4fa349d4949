"""This file knows how the planner's answers to a plan are drawn: figures, curve, tables, two fleets, pools."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import parts
from dashboard.amounts import counted
from dashboard.plain import plain
from dashboard.plan import pools as plan_pools
from dashboard.plan import tables
from dashboard.plan.answers import Row, goal
from dashboard.plan.charts import Mark, described, wait_curves
from dashboard.plan.compare import Side, queue_names
from dashboard.plan.figures import figure
from dashboard.plan.jobs import Asked
from planner.file.queue_file import AskedFile, AskedQueue

Known = Mapping[Hashable, Any]
"""The answers that are there by now."""


def headline(question: Asked, remarks: Sequence[str], found: Known) -> None:
    """The answer for the turned queue; `remarks` are what is doubtful in the workload that it is given."""
    queue = question.chosen
    row = question.rows([queue], found).get(queue.name) if queue else None
    if queue is None or row is None:
        st.info("The planner is working on it …", icon=":material/hourglass:")
        return
    was = question.rows([question.before], found).get(queue.name) if question.before else None
    needed = question.needed(found)
    first, second, third, fourth = st.columns(4)
    figure(first, "p95 wait", tables.wait(row), _from(was, tables.wait), _ABOUT_WAIT + row["method"])
    figure(second, "Slots used", tables.used(row), _from(was, tables.used), _ABOUT_USED)
    figure(third, "Slots needed", tables.needed(queue.name, needed), f"has {row['slots']}", _ABOUT_NEEDED)
    figure(fourth, "Most an hour", tables.most(row), f"set by {row['ceiling_set_by']}", _ABOUT_MOST)
    _verdict(queue.name, row)
    _doubts((*remarks, *row["doubts"]))


_ABOUT_WAIT = "19 of 20 jobs start within this time. Source: planner, "
_ABOUT_USED = "Arrivals × mean service time ÷ slots. Source: planner."
_ABOUT_NEEDED = "The fewest slots that meet the objectives. Source: planner, size."
_ABOUT_MOST = "Beyond it the backlog grows. Source: planner."


def _from(row: Row | None, told: Callable[[Any], str]) -> str | None:
    return f"was {told(row)}" if row else None


def _verdict(name: str, row: Row) -> None:
    text = f"**{name}** {tables.state(row)}. {tables.why(row)}".strip()
    draw = (
        st.success
        if row["stable"] and not row["objectives_broken"]
        else st.error
        if not row["stable"]
        else st.warning
    )
    draw(text)


def _doubts(texts: Sequence[str]) -> None:
    """Below the figures and folded, so that the figures stand where they are, however many there are."""
    if not texts:
        return
    with st.expander(f"{counted(len(texts), 'doubt')} about these figures", icon=":material/help:"):
        for text in texts:
            st.caption(plain(text))


def _both(question: Asked) -> dict[str, AskedQueue]:
    """The chosen queue as it is, and as it was turned."""
    if question.chosen is None:
        return {}
    now = question.chosen
    return {"as it is": question.before, "as turned": now} if question.before else {"as it is": now}


def _curves(question: Asked, found: Known) -> dict[str, pd.DataFrame]:
    curves = {name: question.curve(one, found) for name, one in _both(question).items()}
    return {name: curve for name, curve in curves.items() if len(curve)}


def curves(question: Asked, found: Known) -> pd.DataFrame:
    """What the chart draws."""
    each = [curve.assign(plan=name) for name, curve in _curves(question, found).items()]
    return pd.concat(each, ignore_index=True) if each else pd.DataFrame()


def chart(question: Asked, found: Known) -> None:
    queue, curves = question.chosen, _curves(question, found)
    if queue is None or not curves:
        st.caption("… working")
        return
    (figure, bound), both = goal(queue), _both(question)
    marks = [
        Mark("slots" if len(both) == 1 else name, one.question.fleet.slots) for name, one in both.items()
    ]
    needed = question.needed(found).get(queue.name)
    if needed is not None:
        marks.append(Mark("needed", needed))
    drawn = wait_curves(curves, marks, bound, figure)
    st.altair_chart(drawn, alt=described(curves, bound, figure))


def answered(question: Asked, found: Known) -> pd.DataFrame:
    rows = question.rows(question.queues, found)
    return tables.answered(question.queues, rows, question.needed(found))


_WITH_BANDS = {f"{which} wait": st.column_config.Column(width=125) for which in ("mean", "p95", "p99")}
"""A column stays as wide as it was drawn first, when no band was known yet."""


def all_queues(question: Asked, found: Known) -> None:
    rows = question.rows(question.queues, found)
    shown = [queue.name for queue in question.queues]
    table, told = answered(question, found), "Every queue of this plan, with the planner's answers"
    st.dataframe(table, hide_index=True, width="stretch", alt=told, column_config=_WITH_BANDS)
    if len(shown) < len(question.file.queues):
        st.caption(f"{len(question.file.queues) - len(shown)} queues with less work are not answered here; the plan "
                   "holds them, and bullgauge-planner predict answers them all.")  # fmt: skip
    assumed = {name: row["assumed"] for name, row in rows.items() if row["assumed"]}
    if assumed:
        with st.expander("What is assumed, because the plan does not say"):
            for name, texts in assumed.items():
                st.caption(f"**{name}**: {'; '.join(texts)}")


Sides = Sequence[tuple[str, tuple[AskedQueue, ...]]]


def _answered_sides(question: Asked, sides: Sides, found: Known) -> list[Side]:
    return [Side(name, queues, question.rows(queues, found)) for name, queues in sides]


def beside(question: Asked, sides: Sides, found: Known) -> pd.DataFrame:
    """Both fleets in one table."""
    both = _answered_sides(question, sides, found)
    return pd.concat([tables.of_side(side, queue_names(both)).assign(fleet=side.name) for side in both])


def side_by_side(question: Asked, sides: Sides, found: Known) -> None:
    both = _answered_sides(question, sides, found)
    either = queue_names(both)
    for column, side in zip(st.columns(2), both, strict=True):
        with column.container(border=True):
            st.markdown(f"**{side.name}**: {tables.sums(side)}")
            st.markdown(side.verdict if len(side.rows) == len(side.queues) else "… working")
            table, told = tables.of_side(side, either), f"The queues of {side.name}"
            st.dataframe(table, hide_index=True, width="stretch", alt=told)


def pools(file: AskedFile) -> None:
    found = plan_pools.pools(file)
    if not found:
        return
    table, title = plan_pools.table(found), "Connection pools under this load"
    parts.heading(title, "What bullgauge-planner pool answers for the pools of the file.", table)
    st.dataframe(table, hide_index=True, width="stretch", alt=title)
    st.caption(plan_pools.beside(file))
