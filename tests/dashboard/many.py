"""Knows a thousand queues in a real Prometheus, the dashboard on them, and its screens as a person uses them."""

from __future__ import annotations

import math
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from exporter import catalogue as c
from tests.bench.history_of_queues import line, of, prometheus
from tests.processes import Program

QUEUES = 1000
MINUTES = 25
DAYS, THIN_SECONDS = 4, 600
"""Of first starts alone, which a forecast is made of."""
WAIT_MS = 60_000


@contextmanager
def running(folder: Path, queues: int = QUEUES) -> Iterator[tuple[str, str]]:
    """Addresses of the dashboard and of its Prometheus, which holds a sample a minute of each series."""
    begin = time.time() - 60.0 * (MINUTES - 1)
    days_before(folder, queues, begin)
    server, url = prometheus(folder, queues, [begin + 60.0 * minute for minute in range(MINUTES)])
    plan = folder / "plan.yaml"
    plan.write_text(plan_of(queues))
    command = [sys.executable, "-m", "dashboard", "--prometheus", url, "--config", str(plan)]
    program = Program([*command, "--listen", "127.0.0.1:0"])
    try:
        yield program.wait_for("listening on ", seconds=60).split("listening on ")[1], url
    finally:
        program.stop()
        server.stop()


def days_before(folder: Path, queues: int, end: float) -> None:
    """More jobs by day than by night; stored where the server will look."""
    moments = [end - THIN_SECONDS * step for step in range(DAYS * 86_400 // THIN_SECONDS, 0, -1)]
    text = folder / "days.txt"
    with text.open("w") as file:
        file.write(f"# TYPE {c.REDIS_UP.name} gauge\n")
        file.writelines(line(c.REDIS_UP.name, "", 1.0, at) for at in moments)
        file.write(f"# TYPE {c.JOB_WAIT.name} histogram\n")
        for number in range(queues):
            own, rate = of(name_of(number)), 0.02 + 0.0003 * number
            for at in moments:
                seconds = at - moments[0]
                jobs = rate * (seconds + 10_000 * (1 - math.cos(2 * math.pi * seconds / 86_400)))
                file.write(line(f"{c.JOB_WAIT.name}_count", own, jobs, at))
        file.write("# EOF\n")
    blocks = ["promtool", "tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=180h", str(text)]
    subprocess.run([*blocks, str(folder / "data")], check=True, capture_output=True)
    text.unlink()


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
