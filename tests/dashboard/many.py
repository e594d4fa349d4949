"""Knows a thousand queues in a real Prometheus, the dashboard on them, and its screens as a person uses them."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from tests.bench.history_of_queues import prometheus
from tests.processes import Program

QUEUES = 1000
MINUTES = 25
WAIT_MS = 60_000


@contextmanager
def running(folder: Path, queues: int = QUEUES, days: int = 0) -> Iterator[tuple[str, str]]:
    """Addresses of the dashboard and of its Prometheus, which holds a sample a minute of each series.

    Of `days` before them it holds what a forecast reads.
    """
    begin = time.time() - 60.0 * (MINUTES - 1)
    server, url = prometheus(folder, queues, [begin + 60.0 * minute for minute in range(MINUTES)], days)
    plan = folder / "plan.yaml"
    plan.write_text(plan_of(queues))
    command = [sys.executable, "-m", "dashboard", "--prometheus", url, "--config", str(plan)]
    program = Program([*command, "--listen", "127.0.0.1:0"])
    try:
        yield program.wait_for("listening on ", seconds=60).split("listening on ")[1], url
    finally:
        program.stop()
        server.stop()


def plan_of(queues: int) -> str:
    """The slots of half of them; the rest is left to what is seen."""
    return "\n".join(
        [
            "queues:",
            *(f"  - {{name: queue-{n:04d}, slots: 2, jobs_per_hour: 700}}" for n in range(0, queues, 2)),
            "",
        ]
    )


def name_of(number: int) -> str:
    return f"queue-{number:04d}"


def choose(page: Page, label: str, text: str) -> None:
    """Type into a selector until only one is left, and take it."""
    box = page.get_by_role("combobox", name=label)
    box.click()
    box.fill(text)
    page.get_by_role("option", name=text, exact=True).click()


def settled(page: Page, last: Locator) -> None:
    """All that the screen draws is there: its last part, and nothing runs any more."""
    expect(last).to_be_visible(timeout=WAIT_MS)
    expect(page.get_by_test_id("stSkeletonElement")).to_have_count(0, timeout=WAIT_MS)
    expect(page.get_by_test_id("stStatusWidget")).to_have_count(0, timeout=WAIT_MS)


def nodes(page: Page) -> int:
    """How much the browser has to hold."""
    return int(page.evaluate("document.getElementsByTagName('*').length"))
