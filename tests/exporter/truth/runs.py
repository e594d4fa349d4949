"""Knows how to let one library work while one exporter watches: a run, and what both of them said."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import ExporterProcess
from tests.exporter.truth import notes
from tests.exporter.truth.page import Page
from tests.processes import Program
from tests.servers import KINDS, Server, missing

HERE = Path(__file__).parent
NODE = HERE.parents[1] / "node"
LIBRARIES = ("bull3", "bull4", *(f"bullmq{major}" for major in range(1, 7)), "python")
BULL = (
    *(
        "plain",
        "delayed",
        "prioritised",
        "lifo",
        "failing",
        "retrying",
        "retrying-at-once",
        "stalling",
        "blocked",
    ),
    *("limited", "scheduled", "paused", "bulk", "states", "idle", "passed", "mixed"),
)
BULLMQ = (*BULL, "flow", "flow-children")
BULLMQ_FROM_3 = (*BULLMQ, "broken-flow", "limited-by-hand", "postponed", "asking")
PYTHON = (
    *("plain", "delayed", "prioritised", "lifo", "failing", "retrying", "bulk", "paused", "flow"),
    *("flow-children", "states", "stalling", "limited", "scheduled"),
)
# Truth on every server is asked of these; the others run on Redis 7.
EVERYWHERE = ("bull4", "bullmq5")
SEED = 1
# A new queue is on the page within 10 s (docs); events are read every quarter of a second.
DISCOVERY_SECONDS = 10.0
EVENTS_SECONDS = 10.0
ROUND_SECONDS = 0.2

OPEN_METRICS = "application/openmetrics-text; version=1.0.0"


@dataclass(frozen=True, slots=True)
class Run:
    """What happened: the truth of each queue, the page at each checkpoint, and the last page."""

    library: str
    prefix: str
    queues: dict[str, notes.QueueTruth]
    checkpoints: dict[tuple[str, str], Page]
    page: Page
    open_metrics: str
    late_seconds: float
    """How late the machine woke a sleeping program while this went on, for 99 of 100 wake-ups."""


def scenarios_of(library: str) -> tuple[str, ...]:
    """The scenarios that a library can play; each has a queue of its own, called `{library}-{scenario}`."""
    if library == "python":
        return PYTHON
    if library.startswith("bullmq"):
        return BULLMQ if library in ("bullmq1", "bullmq2") else BULLMQ_FROM_3
    return BULL


def cases() -> list[tuple[str, str]]:
    """Pairs of a library and a kind of server on which the truth is asked."""
    others = [(library, kind) for kind in KINDS if kind != "redis7" for library in EVERYWHERE]
    return [(library, "redis7") for library in LIBRARIES] + others


def install_libraries() -> None:
    """Install the pinned npm packages where they are not; skips, or fails in CI, without npm."""
    try:
        subprocess.run(["sh", str(NODE / "install.sh")], check=True, capture_output=True, text=True)
    except FileNotFoundError:
        missing("npm", "apt-get install nodejs npm")
    except subprocess.CalledProcessError as error:
        missing("the pinned npm packages", error.stderr.strip()[-500:])


def command(library: str, url: str, prefix: str, scenarios: str = "all") -> list[str]:
    arguments = [url, prefix, library, scenarios, str(SEED)]
    if library == "python":
        return [sys.executable, "-u", "-m", "tests.exporter.truth.py_workload", *arguments]
    return ["node", str(NODE / "workload.mjs"), library, *arguments]


def play(library: str, server: Server) -> Run:
    """Run all scenarios of `library` on `server` under the eyes of one exporter."""
    prefix = f"truth-{library}"
    lateness = Program([sys.executable, str(HERE / "lateness.py")])
    exporter = ExporterProcess(server.url, "--prefix", prefix)
    workload = Program(command(library, server.url, prefix), env={**os.environ, "NODE_NO_WARNINGS": "1"})
    pages: dict[tuple[str, str], Page] = {}

    def look(note: notes.Note) -> None:
        try:
            pages[note["queue"], note["label"]] = _look(exporter, prefix, note["queue"])
        finally:
            workload.tell(f"go {note['key']}")

    try:
        with ThreadPoolExecutor() as looking:
            found = noted(workload, lambda note: looking.submit(look, note))
        queues = notes.read(found, library)
        page = _await_totals(exporter, prefix, queues)
        open_metrics = exporter.get(accept=OPEN_METRICS)
        lateness.close_input()
        late = float(lateness.wait_for("late").split()[1])
        return Run(library, prefix, queues, pages, page, open_metrics, late)
    finally:
        lateness.stop()
        workload.stop()
        exporter.stop()


def noted(
    workload: Program, at_checkpoint: Callable[[notes.Note], object] = lambda _: None
) -> list[notes.Note]:
    """All that a workload notes until it is done; raises AssertionError when it breaks off."""
    found: list[notes.Note] = []
    for line in workload.follow():
        if line.startswith('{"note"'):
            found.append(json.loads(line))
            if found[-1]["note"] == "checkpoint":
                at_checkpoint(found[-1])
    assert found and found[-1]["note"] == "done", f"the workload broke off:\n{workload.tail()}"
    return found


def _look(exporter: ExporterProcess, prefix: str, queue: str) -> Page:
    """A page on which the queue stands; its discovery may take a while."""
    return scrape_until(
        exporter,
        lambda page: page.value("queue_size", prefix=prefix, queue=queue, state="waiting") is not None,
        DISCOVERY_SECONDS,
    )


def _await_totals(exporter: ExporterProcess, prefix: str, queues: dict[str, notes.QueueTruth]) -> Page:
    """The page once as many jobs are counted as ended, or after a while when that never comes."""
    ended = sum(queue.completed + queue.failed for queue in queues.values())

    def complete(page: Page) -> bool:
        return sum(page.values("queue_jobs_processed_total", prefix=prefix)) >= ended

    scrape_until(exporter, complete, EVENTS_SECONDS)
    # One more round of reading, so that a job counted twice would show.
    threading.Event().wait(2 * ROUND_SECONDS)
    return Page(exporter.raw())


def scrape_until(exporter: ExporterProcess, satisfied: Callable[[Page], bool], seconds: float) -> Page:
    """Scrape, as Prometheus does, in short rounds until the page satisfies or `seconds` are over."""
    deadline = time.monotonic() + seconds
    while True:
        page = Page(exporter.raw())
        if satisfied(page) or time.monotonic() > deadline:
            return page
        threading.Event().wait(ROUND_SECONDS)
