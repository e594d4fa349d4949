"""Knows how to look at an exporter, as Prometheus does, until something is true, and what its process holds."""

from __future__ import annotations

import threading
import time
import urllib.request
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

from tests.conftest import ExporterProcess
from tests.exporter.truth.page import Page

BETWEEN_LOOKS_SECONDS = 0.1
TIMEOUT_HEADER = "X-Prometheus-Scrape-Timeout-Seconds"


def look(exporter: ExporterProcess, timeout_seconds: float = 30) -> Page:
    """One scrape by a Prometheus that gives up after `timeout_seconds`."""
    headers = {TIMEOUT_HEADER: str(timeout_seconds), "Accept": "text/plain"}
    request = urllib.request.Request(exporter.url + "/metrics", headers=headers)
    with urllib.request.urlopen(request, timeout=timeout_seconds) as answer:
        return Page(answer.read().decode())


def look_in_background(exporter: ExporterProcess, timeout_seconds: float = 30) -> Future[Page]:
    """The same scrape while the test goes on."""
    future: Future[Page] = Future()

    def run() -> None:
        try:
            future.set_result(look(exporter, timeout_seconds))
        except Exception as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future


def eventually(exporter: ExporterProcess, holds: Callable[[Page], object], seconds: float = 40) -> Page:
    """The first page on which `holds` is true; there is no event but the page itself to wait for."""
    deadline = time.monotonic() + seconds
    while True:
        page = look(exporter)
        if holds(page):
            return page
        assert time.monotonic() < deadline, f"never true:\n{short(page)}\n{exporter.program.tail()}"
        threading.Event().wait(BETWEEN_LOOKS_SECONDS)


def finished(page: Page, queue: str = "email", status: str = "completed") -> float | None:
    return page.value("queue_jobs_processed_total", queue=queue, status=status)


def added(page: Page, queue: str = "email") -> float | None:
    return page.value("queue_jobs_added_total", queue=queue)


def size(page: Page, state: str, queue: str = "email") -> float | None:
    return page.value("queue_size", queue=queue, state=state)


def lost(page: Page, queue: str = "email") -> float:
    """Entries that were trimmed before they were read, for whatever reason."""
    reasons = ("trimmed", "disconnected")
    counts = [page.value("queue_events_lost_total", queue=queue, reason=reason) for reason in reasons]
    return sum(count for count in counts if count is not None)


def gaps(page: Page, queue: str = "email") -> float | None:
    """Times that events may have been missed, nobody knows how many."""
    return page.value("queue_events_gaps_total", queue=queue)


def is_up(page: Page) -> bool:
    return page.value("queue_redis_up") == 1


def says_nothing_but_down(page: Page) -> bool:
    """Redis is down, and no number of a queue or of the server is shown as if it were one of now."""
    return page.value("queue_redis_up") == 0 and all(
        name == "queue_redis_up" or name.startswith("queue_exporter_") for name in page.families
    )


def short(page: Page) -> str:
    lines = [line for line in page.text.splitlines() if line[:1] != "#" and "_bucket" not in line]
    return "\n".join(lines[:80])


def resident_megabytes(exporter: ExporterProcess) -> float:
    status = Path(f"/proc/{exporter.program.process.pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024


def open_files(exporter: ExporterProcess) -> int:
    return len(list(Path(f"/proc/{exporter.program.process.pid}/fd").iterdir()))
