"""Knows what a person with a browser finds: nothing fetched elsewhere, any width, no barriers, a way to the cause."""

from __future__ import annotations

import json
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from dashboard.screens.overview import MOST_WORST
from exporter.demo_plan import plan_text
from tests.dashboard.record import EVERY_SECONDS
from tests.dashboard.recorded import RecordedPrometheus
from tests.processes import Program
from tests.servers import missing

AXE = Path(__file__).parent.parent / "node/node_modules/axe-core/axe.min.js"
WAIT_MS = 20_000
# The little line in a card is Streamlit's own, and has no alternative text; the number beside it says the same.
NOT_OURS = ("metric_chart",)


@pytest.fixture(scope="module")
def dashboard(prometheus: RecordedPrometheus, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The command itself on the recording; gives its address."""
    plan = tmp_path_factory.mktemp("plan") / "demo.yaml"
    plan.write_text(plan_text())
    command = [sys.executable, "-m", "dashboard", "--prometheus", prometheus.url, "--config", str(plan)]
    program = Program([*command, "--scrape-interval", f"{EVERY_SECONDS:g}", "--listen", "127.0.0.1:0"])
    yield program.wait_for("listening on ").split("listening on ")[1]
    assert program.stop() == 0
    assert not [line for line in program.lines if "Traceback" in line]


def opened(
    browser: Browser, address: str, width: int = 1440, scheme: Any = "light"
) -> tuple[Page, list[str]]:
    """A page that has drawn its first chart, and every address that it has asked for."""
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    expect(page.locator("[data-testid=stVegaLiteChart] svg").first).to_be_visible(timeout=WAIT_MS)
    return page, asked


def test_it_answers_healthz_and_no_request_leaves_for_another_host(dashboard: str, browser: Browser) -> None:
    with urllib.request.urlopen(f"{dashboard}/healthz") as answer:
        assert json.load(answer) == {"status": "ok"}
    page, asked = opened(browser, dashboard)
    page.get_by_role("link", name="Connections").click()
    expect(page.get_by_role("heading", name="Redis memory")).to_be_visible(timeout=WAIT_MS)
    elsewhere = [url for url in asked if not url.startswith((dashboard, "data:", "blob:"))]
    assert len(asked) > 20 and elsewhere == []
    icon = page.locator("link[rel*=icon]").first.get_attribute("href")
    assert icon is not None and ("://" not in icon or icon.startswith(dashboard))
    page.close()


@pytest.mark.parametrize("width", [400, 2560])
def test_nothing_lies_beyond_the_edge(dashboard: str, browser: Browser, width: int) -> None:
    page, _ = opened(browser, dashboard, width)
    for scrolled in ("document.documentElement", "document.querySelector('[data-testid=stMain]')"):
        inside, room = page.evaluate(f"[{scrolled}.scrollWidth, {scrolled}.clientWidth]")
        assert inside <= room
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_there_is_no_serious_barrier(dashboard: str, browser: Browser, scheme: str) -> None:
    if not AXE.exists():
        missing("axe-core", "npm ci in tests/node")
    page, _ = opened(browser, f"{dashboard}/queue?queue=reports", scheme=scheme)
    expect(page.get_by_role("heading", name="Job types")).to_be_visible(timeout=WAIT_MS)
    page.add_script_tag(content=AXE.read_text())
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    serious = [
        (one["id"], node["html"][:160], node.get("failureSummary", "")[:200])
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
        if not any(theirs in node["html"] for theirs in NOT_OURS)
    ]
    assert serious == []
    page.close()


def test_from_the_overview_to_the_worst_queue_by_an_address_to_share(
    dashboard: str, browser: Browser
) -> None:
    page, _ = opened(browser, f"{dashboard}/?range=15m")
    links = page.locator("[data-testid=stPageLink] a")
    expect(links).to_have_count(MOST_WORST, timeout=WAIT_MS)  # which of them is drawn first is chance
    worst = links.first
    name = worst.inner_text().strip().splitlines()[-1]
    worst.click()
    expect(page.get_by_role("heading", name=f"Queue · {name}")).to_be_visible(timeout=WAIT_MS)
    expect(page.get_by_text("waited longer than").first).to_be_visible(timeout=WAIT_MS)
    assert f"queue={name}" in page.url and "range=15m" in page.url
    again, _ = opened(browser, page.url)
    expect(again.get_by_role("heading", name=f"Queue · {name}")).to_be_visible(timeout=WAIT_MS)
    page.close()
    again.close()


def test_what_is_shown_can_be_had_as_csv(dashboard: str, browser: Browser) -> None:
    page, _ = opened(browser, dashboard)
    with page.expect_download(timeout=WAIT_MS) as loading:
        # By its own key: which of the cards is drawn first is chance.
        page.locator(".st-key-csv-capacity-used-by-queue").get_by_role("button").click()
    text = Path(loading.value.path()).read_text()
    assert text.splitlines()[0] == ",name,value,level,text"
    assert "reports" in text
    page.close()
