"""Knows what a page that stays open shows while its source goes away and comes back: nobody loads it anew."""

from __future__ import annotations

import shutil
import sys

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.dashboard.ill import IllServer
from tests.dashboard.record import EVERY_SECONDS
from tests.dashboard.recorded import RecordedPrometheus
from tests.processes import Program
from tests.servers import missing

# Two refreshes, and as much again for a machine that is busy.
WAIT_MS = 60_000


@pytest.mark.slow
def test_pages_that_stay_open_say_that_the_source_is_away_and_go_on_when_it_is_back(
    prometheus: RecordedPrometheus,
) -> None:
    chromium = shutil.which("chromium")
    if chromium is None:
        missing("chromium", "apt-get install chromium")
    server = IllServer(prometheus.url)
    command = [sys.executable, "-m", "dashboard", "--prometheus", server.url, "--listen", "127.0.0.1:0"]
    program = Program([*command, "--scrape-interval", f"{EVERY_SECONDS:g}", "--timeout", "2"])
    try:
        address = program.wait_for("listening on ", 30).split("listening on ")[1]
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            overview = opened(browser.new_page(), address)
            expect(card(overview, "Finished")).to_be_visible(timeout=WAIT_MS)
            server.illness = "gone"
            queue = opened(browser.new_page(), f"{address}/queue?queue=reports")
            for page in (overview, queue):
                expect(page.get_by_text("is the address right?")).to_be_visible(timeout=WAIT_MS)
                expect(page.get_by_text("no fresh figures")).to_be_visible(timeout=WAIT_MS)
                expect(card(page, "Finished")).not_to_be_visible()
            server.illness = ""
            for page in (overview, queue):
                expect(card(page, "Finished")).to_be_visible(timeout=WAIT_MS)
                expect(page.get_by_text("is the address right?")).not_to_be_visible()
            expect(queue.get_by_role("heading", name="Queue · reports")).to_be_visible()
            assert "queue=reports" in queue.url
            queue.get_by_role("combobox", name="Queue").click()
            expect(queue.get_by_role("option", name="email")).to_be_visible(timeout=WAIT_MS)
            browser.close()
    finally:
        server.stop()
        program.stop()
    assert not [line for line in program.lines if "Traceback" in line]


def opened(page: Page, address: str) -> Page:
    page.goto(address)
    return page


def card(page: Page, label: str):  # type: ignore[no-untyped-def]
    return page.locator("[data-testid=stMetric]").filter(has_text=label).first
