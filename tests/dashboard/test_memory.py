"""Knows that pages which stay open for half an hour cost the dashboard no more memory than they did at first."""

from __future__ import annotations

import resource
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml
from playwright.sync_api import Browser, Page, expect

from dashboard.demo import START
from tests.bench.dashboard_speed import GROWTH_MEGABYTES
from tests.bench.history_of_queues import answered
from tests.processes import Program
from tests.servers import free_port

pytestmark = pytest.mark.slow
# What is kept of answers is full after a few minutes.
WARM_SECONDS, LOOKED_AT_SECONDS, SAMPLE_SECONDS = 300.0, 1800.0, 15.0
MEDIAN_OF = 8
SCRAPE = "5s"


@dataclass(frozen=True)
class Sources:
    """An exporter of real jobs, and a Prometheus that scrapes it."""

    exporter: str
    prometheus: str


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sources]:
    folder = tmp_path_factory.mktemp("open")
    with ExitStack() as house:
        exporter = begun(house, [sys.executable, "-P", "-c", START])
        told = exporter.wait_for(lambda line: line.split()[:2] == ["look", "at"], seconds=60)
        target = urlsplit(told.split()[2]).netloc
        scrape = {"job_name": "bullgauge", "static_configs": [{"targets": [target]}]}
        settings = {"global": {"scrape_interval": SCRAPE}, "scrape_configs": [scrape]}
        (folder / "prometheus.yml").write_text(yaml.safe_dump(settings))
        place = f"127.0.0.1:{free_port()}"
        files = [f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}"]
        prometheus = begun(house, ["prometheus", *files, f"--web.listen-address={place}"])
        prometheus.wait_for("Server is ready to receive web requests")
        yield Sources(f"http://{target}", f"http://{place}")


def begun(house: ExitStack, command: list[str]) -> Program:
    made = Program(command)
    house.callback(made.stop)
    return made


def test_half_an_hour_of_open_pages_costs_no_memory(sources: Sources, browser: Browser) -> None:
    held: dict[str, list[float]] = {"--prometheus": [], "--exporter": []}
    with ExitStack() as house:
        programs = {
            "--prometheus": looking(house, "--prometheus", sources.prometheus),
            "--exporter": looking(house, "--exporter", sources.exporter),
        }
        pages = []
        for program in programs.values():
            address = program.wait_for("listening on ", 60).split("listening on ")[1]
            pages += [opened(browser, address), opened(browser, f"{address}/queue?queue=reports")]
        begin = time.monotonic()
        while time.monotonic() < begin + WARM_SECONDS + LOOKED_AT_SECONDS:
            before = answered(sources.prometheus)
            pages[0].wait_for_timeout(1000 * SAMPLE_SECONDS)
            assert answered(sources.prometheus) > before  # a page that no longer asks would cost nothing
            for source, program in programs.items():
                held[source].append(megabytes(program))
        for page in pages:
            expect(page.get_by_text("Finished").first).to_be_visible()
            expect(page.get_by_text("stale")).to_have_count(0)
    grown = {source: growth(source, values) for source, values in held.items()}
    assert max(grown.values()) <= GROWTH_MEGABYTES, grown


def looking(house: ExitStack, source: str, address: str) -> Program:
    return begun(house, [sys.executable, "-m", "dashboard", source, address, "--listen", "127.0.0.1:0"])


def growth(source: str, held: list[float]) -> float:
    """Megabytes at the end beyond those when what is kept of answers was full."""
    warm = held[: int(WARM_SECONDS / SAMPLE_SECONDS)]
    first, last = (statistics.median(part[-MEDIAN_OF:]) for part in (warm, held))
    print(f"{source}: {held[0]:.0f} MB at first, {first:.0f} MB when warm, {last:.0f} MB at the end")
    return last - first


def opened(browser: Browser, address: str) -> Page:
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.goto(address)
    expect(page.get_by_text("Finished").first).to_be_visible(timeout=60_000)
    return page


def megabytes(program: Program) -> float:
    pages = int(Path(f"/proc/{program.process.pid}/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6
