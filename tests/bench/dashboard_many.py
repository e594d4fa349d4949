"""How soon each screen is whole in a browser at 1,000 queues, and what that asks of Prometheus and the browser.

    python -m tests.bench.dashboard_many [QUEUES]

Seconds from the address to the last part of the screen, in headless Chromium with what it has loaded kept; questions as
Prometheus counts them; elements of the page; processor seconds of all programs together, which tell about the same
on a busy machine. Exits 1 when a screen takes longer than its limit.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.bench.history_of_queues import answered
from tests.dashboard.many import QUEUES, name_of, nodes, running, settled

MOST_SECONDS = 5.0
DAYS = 15
"""Of history by the hour: two weeks tell weekdays."""
SCREENS = {
    "overview": "All queues",
    "queue": "Limits, schedulers, payloads",
    "connections": "Evictions and refusals",
    "whatif": "Take the plan with you",
    "forecast": "Every queue",
    "compare": "Backlog",
    "alerts": "The rules that these bounds make",
}


def main(queues: int = QUEUES) -> int:
    slow = []
    print(f"{queues:,} queues {'seconds':>18}{'questions':>12}{'elements':>12}{'processor':>12}")
    with (
        tempfile.TemporaryDirectory() as folder,
        running(Path(folder), queues, DAYS) as (address, url),
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        for screen, heading in SCREENS.items():
            before, worked, begin = answered(url), processor_seconds(), time.perf_counter()
            page.goto(f"{address}/{screen.removeprefix('overview')}?queue={name_of(queues // 2)}")
            settled(page, page.get_by_role("heading", name=heading))
            seconds = time.perf_counter() - begin
            print(
                f"{screen:<16}{seconds:>14.2f}{answered(url) - before:>12.0f}{nodes(page):>12,}"
                f"{processor_seconds() - worked:>12.1f}"
            )
            slow += [screen] if seconds > MOST_SECONDS else []
        browser.close()
    print(f"slower than {MOST_SECONDS:g} s: {', '.join(slow) or 'none'}")
    return 1 if slow else 0


def processor_seconds() -> float:
    """Of all programs that this one has started."""
    parents: dict[int, int] = {}
    ticks: dict[int, int] = {}
    for file in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # one that has ended meanwhile
            fields = file.read_text().rpartition(")")[2].split()
            number = int(file.parent.name)
            parents[number], ticks[number] = int(fields[1]), sum(map(int, fields[11:15]))
    ours = {os.getpid()}
    while more := {number for number, parent in parents.items() if parent in ours} - ours:
        ours |= more
    return sum(ticks[number] for number in ours - {os.getpid()}) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
