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
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

from playwright.sync_api import sync_playwright

from dashboard import opened
from dashboard.opened import Opened
from dashboard.overview import overview
from dashboard.shell import load_screens, make_page
from exporter import catalogue as c
from exporter.catalogue import JOB_STATES, Metric
from tests.dashboard.apps import demo_plan, on_prometheus, whole_app
from tests.processes import Program
from tests.servers import free_port

DAYS, HOUR = 7, 3600.0
THIN_SECONDS, DENSE_SECONDS = 1800.0, 15.0
PAINT_SECONDS, RERUN_SECONDS, GROWTH_MEGABYTES = 2.5, 0.3, 10.0
VIEWERS, RERUNS, LOOKS, LOOK_SECONDS = 10, 7, 30, 60


def main(queues: int = 50) -> int:
    logging.getLogger("streamlit").setLevel(logging.ERROR)  # that there is no browser is known
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        program, url = prometheus(folder, queues)
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


def answered(url: str) -> float:
    """Queries that Prometheus counts, but not those that it is asked here."""
    with urllib.request.urlopen(f"{url}/metrics") as answer:
        lines = answer.read().decode().splitlines()
    wanted = [
        line
        for line in lines
        if line.startswith("prometheus_http_requests_total") and "/api/v1/query" in line
    ]
    return sum(float(line.rpartition(" ")[2]) for line in wanted)


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


# --- the history ---------------------------------------------------------------------------------------------------


def prometheus(folder: Path, queues: int) -> tuple[Program, str]:
    """A real Prometheus that holds the history of so many queues."""
    text, now = folder / "history.txt", time.time()
    with text.open("w") as file:
        for lines in families(queues, moments(now)):
            file.writelines(lines)
        file.write("# EOF\n")
    blocks = ["promtool", "tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=180h", str(text)]
    subprocess.run([*blocks, str(folder / "data")], check=True, capture_output=True)
    text.unlink()
    (folder / "prometheus.yml").write_text("global: {}\n")
    port = free_port()
    arguments = [f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"]
    program = Program(["prometheus", *arguments, f"--web.listen-address=127.0.0.1:{port}"])
    program.wait_for("Server is ready to receive web requests", seconds=60)
    return program, f"http://127.0.0.1:{port}"


def moments(now: float) -> list[float]:
    first, dense = now - DAYS * 24 * HOUR, now - HOUR
    thin = [first + THIN_SECONDS * step for step in range(int((dense - first) / THIN_SECONDS))]
    return [*thin, *(dense + DENSE_SECONDS * step for step in range(int(HOUR / DENSE_SECONDS) + 1))]


def families(queues: int, at: list[float]) -> Iterator[Iterator[str]]:
    """Families as OpenMetrics wants them, one after the other."""
    rng = random.Random(1)
    names = [f"queue-{number:04d}" for number in range(queues)]
    rates = {name: rng.uniform(0.02, 0.4) for name in names}
    yield gauge(c.REDIS_UP, [("", 1.0)], at)
    yield gauge(c.LAST_SUCCESS, [("", -1.0)], at)
    yield gauge(c.CONNECTION_UTILIZATION, [("", 0.1)], at)
    states = [
        (f'{of(name)},state="{state}"', float(rng.randrange(4))) for name in names for state in JOB_STATES
    ]
    yield gauge(c.SIZE, states, at)
    yield gauge(c.WORKERS, [(of(name), 2.0) for name in names], at)
    yield gauge(c.WORKERS_SATURATED, [(of(name), 1.0) for name in names], at)
    ends = (("completed", 0.99), ("failed", 0.01))
    yield counter(
        c.PROCESSED, [(f'{of(n)},status="{s}"', rates[n] * part) for n in names for s, part in ends], at
    )
    yield counter(c.ADDED, [(of(name), rates[name]) for name in names], at)
    yield histogram(c.JOB_WAIT, [(of(name), rates[name]) for name in names], at)
    yield histogram(
        c.JOB_DURATION, [(f'{of(n)},job_type="x",status="completed"', rates[n]) for n in names], at
    )


def of(queue: str) -> str:
    return f'prefix="bull",queue="{queue}"'


def head(metric: Metric) -> str:
    return f"# TYPE {metric.name.removesuffix('_total')} {metric.kind}\n"


def line(name: str, labels: str, value: float, at: float) -> str:
    given = f'job="bullgauge",instance="a"{"," if labels else ""}{labels}'
    return (
        f"{name}{{{given}}} {value:.6g} {at:.3f}\n"
        if value != at
        else f"{name}{{{given}}} {at:.3f} {at:.3f}\n"
    )


def gauge(metric: Metric, series: list[tuple[str, float]], at: list[float]) -> Iterator[str]:
    """A value of -1 is the moment itself."""
    yield head(metric)
    for labels, value in series:
        yield from (line(metric.name, labels, moment if value < 0 else value, moment) for moment in at)


def counter(metric: Metric, series: list[tuple[str, float]], at: list[float]) -> Iterator[str]:
    yield head(metric)
    for labels, rate in series:
        yield from (line(metric.name, labels, rate * (moment - at[0]), moment) for moment in at)


def histogram(metric: Metric, series: list[tuple[str, float]], at: list[float]) -> Iterator[str]:
    """Exponential values with a mean of 0.4 s."""
    yield head(metric)
    for labels, rate in series:
        for edge in (*metric.buckets, math.inf):
            share, text = 1 - math.exp(-edge / 0.4), "+Inf" if math.isinf(edge) else f"{edge:g}"
            full = f'{labels},le="{text}"'
            yield from (line(f"{metric.name}_bucket", full, rate * share * (m - at[0]), m) for m in at)
        for part, factor in (("sum", 0.4), ("count", 1.0)):
            yield from (line(f"{metric.name}_{part}", labels, rate * factor * (m - at[0]), m) for m in at)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
