"""This file knows the part of What-if in which all queues share budgets of memory, cores, connections and money."""

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from dashboard import parts
from dashboard.plan import budget as plan_budget
from dashboard.plan.document import Document
from dashboard.plan.figures import figure

_ABOUT = "What all queues together may use at most, money in the unit of the prices; empty for no limit."
_ABOUT_SUM = "What the chosen slots use together. Source: planner, size."


def asked(document: Document, fleet: str) -> Document:
    """The plan with the budgets and prices that are written here."""
    budgets = _numbers(
        plan_budget.RESOURCES, document.get("budgets", {}), f"whatif-budget|{fleet}", "no limit"
    )
    prices = {}
    if "money" in budgets:
        labels = {name: f"Price of {label}" for name, label in plan_budget.PRICES.items()}
        prices = _numbers(labels, document.get("prices", {}), f"whatif-price|{fleet}", "0")
    return plan_budget.with_budgets(document, budgets, prices)


def _numbers(labels: Mapping[str, str], given: Mapping[str, float], key: str, empty: str) -> dict[str, float]:
    found = {}
    for (name, label), column in zip(labels.items(), st.columns(len(labels)), strict=True):
        value = column.number_input(
            label, 0.0, value=given.get(name), key=f"{key}|{name}", placeholder=empty, help=_ABOUT
        )
        if value:
            found[name] = float(value)
    return found


def show(document: Document, answer: Callable[[Document], Mapping[str, Any]]) -> None:
    """How `answer` shares the budgets of the plan among its queues."""
    found = answer(document)
    sums = plan_budget.sums(found)
    for (label, amount, below, within), column in zip(sums, st.columns(len(sums)), strict=True):
        figure(column, label, amount if within else f"✕ {amount}", below, _ABOUT_SUM)
    table, title = plan_budget.table(found), "What every queue gets"
    parts.heading(title, "What bullgauge-planner size answers for the plan with these budgets.", table)
    st.dataframe(table, hide_index=True, width="stretch", alt=title)
    cut = [row["name"] for row in found["queues"] if row.get("cut_to_fit")]
    if not all(within for *_, within in sums):
        st.error("Not even the least slots of all queues fit into these budgets.")
    elif cut:
        st.warning(f"Cut to what keeps up, without meeting the objectives: {', '.join(cut)}.")
    st.caption(
        "Where not all fits, queues with priority get what they need first; the others the least that keeps up."
    )
