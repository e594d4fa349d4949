"""This file knows the buttons that take a plan away, each made when it is pressed."""

import streamlit as st

from dashboard.plan.budget import keda
from dashboard.plan.document import Document, as_yaml
from dashboard.plan.files import as_html, as_markdown, report_blocks
from planner.report.blocks import Block

MOST_LINES = 100
"""That are shown; a browser takes its time to colour more."""


def downloads(document: Document, name: str) -> None:
    """Planner's file and report; the report takes as long as the planner's command."""
    text = as_yaml(document)
    with st.container(horizontal=True):
        st.download_button(
            "Plan as YAML",
            text,
            f"{name}.yaml",
            "application/yaml",
            on_click="ignore",
            icon=":material/description:",
            help="The planner's file: `bullgauge-planner predict FILE` answers the same.",
        )
        st.download_button(
            "Report as HTML",
            lambda: as_html(_blocks(document)),
            f"{name}.html",
            "text/html",
            on_click="ignore",
            icon=":material/article:",
            help="What will happen, what to change and why; made when you press, which takes some seconds.",
        )
        st.download_button(
            "Report as Markdown",
            lambda: as_markdown(_blocks(document)),
            f"{name}.md",
            "text/markdown",
            on_click="ignore",
            icon=":material/article:",
            help="The same report as text, without its charts.",
        )
        st.download_button(
            "KEDA objects",
            lambda: keda(document),
            f"{name}-keda.yaml",
            "application/yaml",
            on_click="ignore",
            icon=":material/scale:",
            help="A ScaledObject a queue, which scales on the exporter's metrics: `bullgauge-planner size --keda`.",
        )
    # Colouring it keeps a browser busy, so it is drawn once somebody opens it.
    written = st.expander("The plan as it would be written", key=f"written-{name}", on_change="rerun")
    if not written.open:
        return
    with written:
        lines = text.splitlines()
        st.code("\n".join(lines[:MOST_LINES]), language="yaml")
        if len(lines) > MOST_LINES:
            st.caption(f"The first {MOST_LINES:,} of {len(lines):,} lines; the download has all of them.")


@st.cache_resource(max_entries=20, show_spinner=False)
def _blocks(document: Document) -> tuple[Block, ...]:
    return report_blocks(document)
