"""Knows that a screen whose figures are not there yet shows its shape, and that a refresh takes nothing away."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from playwright.sync_api import FloatRect, Locator, Page, expect

from exporter.demo.plan import plan_text
from tests.dashboard.held import HeldPrometheus
from tests.dashboard.record import EVERY_SECONDS
from tests.dashboard.recorded import RecordedPrometheus
from tests.dashboard.test_browser import WAIT_MS
from tests.processes import Program

NEAR_PIXELS = 2.0


@pytest.fixture(scope="module")
def slow(prometheus: RecordedPrometheus) -> Iterator[HeldPrometheus]:
    made = HeldPrometheus(prometheus.url)
    yield made
    made.stop()


@pytest.fixture(scope="module")
def dashboard(slow: HeldPrometheus, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    plan = tmp_path_factory.mktemp("plan") / "demo.yaml"
    plan.write_text(plan_text())
    command = [sys.executable, "-m", "dashboard", "--prometheus", slow.url, "--config", str(plan)]
    options = ["--scrape-interval", f"{EVERY_SECONDS:g}", "--timeout", "60", "--listen", "127.0.0.1:0"]
    slow.hold()  # also what is asked before the first viewer comes
    program = Program([*command, *options])
    yield program.wait_for("listening on ").split("listening on ")[1]
    slow.release()
    program.stop()


def test_cards_come_where_their_grey_places_were(slow: HeldPrometheus, dashboard: str, page: Page) -> None:
    page.goto(dashboard)
    places = page.get_by_test_id("stSkeletonElement")
    cards = page.get_by_test_id("stMetric")
    expect(places).to_have_count(9, timeout=WAIT_MS)
    expect(cards).to_have_count(8, timeout=WAIT_MS)
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    grey = [box(bordered(cards.nth(number))) for number in range(8)]
    slow.release()
    expect(page.get_by_text("Capacity used", exact=True)).to_be_visible(timeout=WAIT_MS)
    expect(places).to_have_count(0, timeout=WAIT_MS)
    expect(cards).to_have_count(8)
    for number, place in enumerate(grey):
        card = box(cards.nth(number))
        assert place["x"] <= card["x"] and card["x"] + card["width"] <= place["x"] + place["width"]
    assert abs(grey[0]["y"] - box(bordered(cards.first))["y"]) <= NEAR_PIXELS


def test_what_is_there_stays_while_fresher_figures_are_awaited(
    slow: HeldPrometheus, dashboard: str, page: Page
) -> None:
    slow.release()
    page.goto(f"{dashboard}/connections?range=15m")
    places = page.get_by_test_id("stSkeletonElement")
    expect(page.get_by_role("heading", name="Evictions and refusals")).to_be_visible(timeout=WAIT_MS)
    expect(places).to_have_count(0, timeout=WAIT_MS)
    slow.hold()
    page.get_by_role("combobox", name="Range").click()
    page.get_by_role("option", name="6h").click()
    slow.wait_for_question()
    # The running man comes after what was drawn before the question.
    expect(page.get_by_test_id("stStatusWidget")).to_be_visible(timeout=WAIT_MS)
    expect(page.get_by_text("Round trip, mean")).to_be_visible()
    expect(places).to_have_count(0)
    slow.release()


def box(found: Locator) -> FloatRect:
    place = found.bounding_box()
    assert place is not None
    return place


def bordered(card: Locator) -> Locator:
    """The container with a border that a card stands in."""
    return card.locator("xpath=ancestor::*[@data-testid='stVerticalBlock'][1]")
