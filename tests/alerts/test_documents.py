"""The documents: examples that are configurations, and a page for every alert, as it is generated."""

from __future__ import annotations

from pathlib import Path

import pytest

from alerts import output
from alerts.signals import SIGNALS
from tests.alerts.conftest import USERS_BLOCK, plan

DOCS = Path(__file__).parents[2] / "docs"
EXAMPLES = DOCS / "examples" / "alerts"
ALL_ALERTS = (
    "overrides:\n"
    "- {queue: reports, queue_throughput: {critical: <100 jobs/hour}, job_duration: {warning: 30s}}\n"
)
"""A configuration under which every alert is made."""


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.yaml")), ids=lambda path: path.name)
def test_every_example_is_a_configuration(path: Path) -> None:
    assert plan(path.read_text()).names


def test_the_shortest_example_is_the_users_block() -> None:
    assert (EXAMPLES / "thresholds.yaml").read_text() == USERS_BLOCK


def test_every_alert_has_its_page_as_generated() -> None:
    """To write them anew: python -m tests.alerts.test_documents."""
    assert {path.name: path.read_text() for path in (DOCS / "alerts").glob("*.md")} == pages()


def test_every_signal_is_documented() -> None:
    text = (DOCS / "alerting.md").read_text()
    assert [signal.name for signal in SIGNALS if f"`{signal.name}`" not in text] == []


def pages() -> dict[str, str]:
    made = plan(ALL_ALERTS)
    return {f"{name}.md": output.runbook(made, name) for name in made.names}


if __name__ == "__main__":
    for name, text in pages().items():
        (DOCS / "alerts" / name).write_text(text)
