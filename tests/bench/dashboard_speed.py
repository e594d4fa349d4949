"""How quick the dashboard is at 50 queues and 7 days in a real Prometheus, and what ten viewers cost it.

    python -m tests.bench.dashboard_speed [QUEUES]

First useful paint: from the address to the first number in headless Chromium, with a dashboard that has just begun.
Rerun: the overview drawn again over 7 days. Viewers: questions that Prometheus itself counts. Memory: the overview's
figures for half an hour of looks, a minute apart. The history is dense in the last hour and thin before, so that it
is made in a minute. Exits 1 when a limit is missed.
"""

from __future__ import annotations

import logging
import math
import resource
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from playwright.sync_api import sync_playwright

from dashboard import opened
from dashboard.opened import Opened
from dashboard.overview import overview
from dashboard.shell import load_screens, make_page
from tests.bench.history_of_queues import answered, prometheus
from tests.dashboard.apps import demo_plan, on_prometheus, whole_app
from tests.processes import Program

DAYS, HOUR = 7, 3600.0
THIN_SECONDS, DENSE_SECONDS = 1800.0, 15.0
PAINT_SECONDS, RERUN_SECONDS, GROWTH_MEGABYTES = 2.5, 0.3, 10.0
VIEWERS, RERUNS, LOOKS, LOOK_SECONDS = 10, 7, 30, 60


def main(queues: int = 50) -> int:
    logging.getLogger("streamlit").setLevel(logging.ERROR)  # that there is no browser is known
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        program, url = prometheus(folder, queues, moments(time.time()))
        try:
            load_screens()
            found = [first_paint(url, folder), *in_process(url)]
        finally:
            program.stop()
    for what, value, limit, unit in found:
        print(f"{'ok  ' if value <= limit else 'MISS'} {what}: {value:.3g} {unit}, limit {limit:g} {unit}")
    return 0 if all(value <= limit for _, value, limit, _ in found) else 1


Found = tuple[str, float, float, str]


def first_paint(url: str, folder: Path) -> Found:
    """A new dashboard's first viewer."""
    plan = folder / "plan.yaml"
    plan.write_text(demo_plan())
    command = [
        sys.executable,
        "-m",
        "dashboard",
        "--prometheus",
        url,
        "--config",
        str(plan),
        "--listen",
        "127.0.0.1:0",
    ]
    program = Program(command)
    try:
        address = program.wait_for("listening on ", seconds=60).split("listening on ")[1]
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            begin = time.perf_counter()
            page.goto(address)
            page.get_by_text("Capacity used").first.wait_for(timeout=60_000)
            seconds = time.perf_counter() - begin
            browser.close()
    finally:
        program.stop()
    return "first useful paint", seconds, PAINT_SECONDS, "s"


def in_process(url: str) -> Iterator[Found]:
    what = on_prometheus(url, demo_plan())
    app = whole_app(what)
    app.selectbox(key="range").set_value("7d").run()
    assert not app.exception, app.exception
    yield (
        "rerun of the overview over 7 days, median",
        statistics.median(timed(app.run) for _ in range(RERUNS)),
        RERUN_SECONDS,
        "s",
    )
    yield ten_viewers(url)
    yield memory_growth(what)


def timed(call: Callable[[], object]) -> float:
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def ten_viewers(url: str) -> Found:
    """Beyond the questions of one viewer alone, by Prometheus' own count, within one refresh."""
    alone = questions(url, 1)
    together = questions(url, VIEWERS)
    print(
        f"     Prometheus answered {alone:.0f} questions of one viewer, {together:.0f} of {VIEWERS} at once"
    )
    return f"questions of {VIEWERS} viewers ÷ of one", together / alone, 1.0, "times"


def questions(url: str, viewers: int) -> float:
    while True:
        what, moment = on_prometheus(url, demo_plan()), math.floor(time.time() / 15)
        opened.keep(what)
        before = answered(url)
        look(what, viewers)
        if math.floor(time.time() / 15) == moment:
            return answered(url) - before


def look(what: Opened, viewers: int) -> None:
    now = time.time()
    threads = [
        threading.Thread(target=lambda: overview(make_page(what, "7d", None, now))) for _ in range(viewers)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def memory_growth(what: Opened) -> Found:
    """After a warm-up of as many looks."""
    begin = time.time() - 2 * LOOKS * LOOK_SECONDS
    for number in range(LOOKS):
        overview(make_page(what, "1h", None, begin + LOOK_SECONDS * number))
    before = megabytes()
    for number in range(LOOKS, 2 * LOOKS):
        overview(make_page(what, "1h", None, begin + LOOK_SECONDS * number))
    return "memory after half an hour of looks", megabytes() - before, GROWTH_MEGABYTES, "MB more"


def megabytes() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def moments(now: float) -> list[float]:
    first, dense = now - DAYS * 24 * HOUR, now - HOUR
    thin = [first + THIN_SECONDS * step for step in range(int((dense - first) / THIN_SECONDS))]
    return [*thin, *(dense + DENSE_SECONDS * step for step in range(int(HOUR / DENSE_SECONDS) + 1))]


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
