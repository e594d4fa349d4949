"""Knows what a person with a browser finds: nothing fetched elsewhere, any width, no barriers, figures as CSV."""

from __future__ import annotations

import csv
import json
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from exporter.demo.plan import plan_text
from tests.dashboard.record import EVERY_SECONDS
from tests.dashboard.recorded import RecordedPrometheus
from tests.processes import Program
from tests.servers import missing

AXE = Path(__file__).parent.parent / "node/node_modules/axe-core/axe.min.js"
WAIT_MS = 20_000
CHARTS = 5
"""Of the overview."""
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


@pytest.fixture(scope="module")
def overview(dashboard: str, browser: Browser) -> Iterator[tuple[Page, list[str]]]:
    """The first screen, drawn and standing still, and every address that was asked for on the way to it."""
    page = browser.new_page(viewport={"width": 1440, "height": 900}, color_scheme="light")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{dashboard}/connections?range=15m")
    expect(page.get_by_role("heading", name="Redis memory")).to_be_visible(timeout=WAIT_MS)
    page.get_by_text("Pause", exact=True).click()
    page.get_by_role("link", name="Overview").click()
    expect(page.get_by_role("heading", name="All queues")).to_be_visible(timeout=WAIT_MS)
    expect(page.locator("[data-testid=stVegaLiteChart] svg")).to_have_count(CHARTS, timeout=WAIT_MS)
    yield page, asked
    page.close()


def check_nothing_lies_beyond_the_edge(page: Page) -> None:
    """Charts follow a moment after the window."""
    for width in (2560, 400):
        page.set_viewport_size({"width": width, "height": 900})
        for scrolled in ("document.documentElement", "document.querySelector('[data-testid=stMain]')"):
            page.wait_for_function(f"{scrolled}.scrollWidth <= {scrolled}.clientWidth", timeout=WAIT_MS)


def check_there_is_no_serious_barrier(page: Page) -> None:
    """In light and in dark."""
    if not AXE.exists():
        missing("axe-core", "npm ci in tests/node")
    page.add_script_tag(content=AXE.read_text())
    grounds = set()
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        page.wait_for_function(f"{GROUND} !== {json.dumps(max(grounds, default=''))}", timeout=WAIT_MS)
        grounds.add(page.evaluate(GROUND))
        found = page.evaluate("exclude => axe.run({exclude}, {resultTypes: ['violations']})", THEIR_SIGN)
        serious = [
            (one["id"], node["html"][:160], node.get("failureSummary", "")[:200])
            for one in found["violations"]
            if one["impact"] in ("serious", "critical")
            for node in one["nodes"]
            if not any(theirs in node["html"] for theirs in NOT_OURS)
        ]
        assert serious == []


THEIR_SIGN = ["[data-testid=stStatusWidget]"]
"""That something runs is told by Streamlit's own sign, which a refresh may show at any moment."""
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
GROUND = "getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor"


def test_it_answers_healthz_and_no_request_leaves_for_another_host(
    dashboard: str, overview: tuple[Page, list[str]]
) -> None:
    with urllib.request.urlopen(f"{dashboard}/healthz") as answer:
        assert json.load(answer) == {"status": "ok"}
    page, asked = overview
    elsewhere = [url for url in asked if not url.startswith((dashboard, "data:", "blob:"))]
    assert len(asked) > 20 and elsewhere == []
    icon = page.locator("link[rel*=icon]").first.get_attribute("href")
    assert icon is not None and ("://" not in icon or icon.startswith(dashboard))


def test_what_is_shown_can_be_had_as_csv(overview: tuple[Page, list[str]]) -> None:
    page, _ = overview
    with page.expect_download(timeout=WAIT_MS) as loading:
        # By its own key: which of the cards is drawn first is chance.
        page.locator(".st-key-csv-capacity-used-by-queue").get_by_role("button").click()
    with Path(loading.value.path()).open() as file:
        rows = {row["name"]: row for row in csv.DictReader(file)}
    assert list(rows["reports"]) == ["", "name", "value", "level", "text"]
    # What stands beside a bar tells its level as its colour does.
    shapes = {"critical": "▲", "warning": "◆", "unknown": "○", "fine": "●"}
    assert {name: row["text"][0] for name, row in rows.items()} == {
        name: shapes[row["level"]] for name, row in rows.items()
    }


def test_nothing_lies_beyond_the_edge(overview: tuple[Page, list[str]]) -> None:
    check_nothing_lies_beyond_the_edge(overview[0])


def test_there_is_no_serious_barrier(dashboard: str, page: Page) -> None:
    page.goto(f"{dashboard}/queue?queue=reports")
    expect(page.get_by_role("heading", name="Job types")).to_be_visible(timeout=WAIT_MS)
    check_there_is_no_serious_barrier(page)


def test_verdicts_of_compare_are_seen_whole_on_a_narrow_screen(dashboard: str, browser: Browser) -> None:
    page = browser.new_page(viewport={"width": 400, "height": 900})
    page.goto(f"{dashboard}/compare?range=15m")
    table = page.get_by_test_id("stTable")
    expect(table.get_by_text("can't be known").first).to_be_visible(timeout=WAIT_MS)
    for cell in table.locator("td").all():
        box = cell.bounding_box()
        assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= 400
    page.close()
