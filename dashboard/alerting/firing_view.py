"""This file knows how the alerts that are pending or firing now are drawn: the worst first, each told by its shape."""

import streamlit as st

from dashboard.alerting.firing import Alarm, Firing
from dashboard.plain import plain

MOST = 12
SHAPES = {"firing": "▲", "pending": "△"}


def show_alarm(now: Alarm) -> None:
    """One line where none is; else one for each, side by side where there is room."""
    if now.why:
        st.caption(f"○ Alerts not known: {now.why}.")
        return
    if not now.alerts:
        st.markdown(":green[● No alert is pending or firing.]")
        return
    with st.container(horizontal=True):
        for alert in now.alerts[:MOST]:
            st.markdown(told(alert), width="content")
    if len(now.alerts) > MOST:
        in_all = f"{now.count('firing')} fire and {now.count('pending')} are pending in all"
        st.caption(f"And {len(now.alerts) - MOST} more: {in_all}.")


def told(alert: Firing) -> str:
    """`▲ BullLatencyHigh firing, critical · email`, the beginning in the colour of its severity."""
    colour = "red" if alert.severity == "critical" else "orange"
    about = f" · {plain(alert.about)}" if alert.about else ""
    return (
        f":{colour}[{SHAPES.get(alert.state, '△')} **{alert.name}** {alert.state}, {alert.severity}]{about}"
    )
