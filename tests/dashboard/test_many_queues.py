"""Knows that a thousand queues leave every screen usable: found by typing, drawn in bounds, asked at the same price."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.bench.history_of_queues import answered
from tests.dashboard.many import QUEUES, WAIT_MS, choose, name_of, nodes, running, settled

pytestmark = pytest.mark.slow
CHOSEN = name_of(777)
MOST_NODES = 6000
"""A page that browsers still lay out at once; a node a queue and figure would be ten times as many."""


@pytest.fixture(scope="module")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    with running(tmp_path_factory.mktemp("many")) as found:
        yield found


def test_the_overview_lists_all_queues_and_finds_one_by_its_name(
    addresses: tuple[str, str], page: Page
) -> None:
    page.goto(addresses[0])
    settled(page, page.get_by_role("heading", name="All queues"))
    page.get_by_text("Pause", exact=True).click()  # a refresh ends a search
    settled(page, page.get_by_role("heading", name="All queues"))
    assert nodes(page) <= MOST_NODES
    table = page.get_by_test_id("stDataFrame").last
    table.scroll_into_view_if_needed()
    rows = table.locator("[role=grid]")
    expect(rows).to_have_attribute("aria-rowcount", str(QUEUES + 1), timeout=WAIT_MS)
    table.hover()
    table.get_by_role("button", name="Search").click()
    page.get_by_test_id("search-input").press_sequentially(CHOSEN)
    expect(page.get_by_test_id("search-result-area")).to_have_text("1 result", timeout=WAIT_MS)


def test_a_queue_is_chosen_by_typing(addresses: tuple[str, str], page: Page) -> None:
    page.goto(f"{addresses[0]}/queue")
    settled(page, page.get_by_role("heading", name="Limits, schedulers, payloads"))
    choose(page, "Queue", CHOSEN)
    expect(page.get_by_role("heading", name=f"Queue · {CHOSEN}")).to_be_visible(timeout=WAIT_MS)
    assert f"queue={CHOSEN}" in page.url
    assert nodes(page) <= MOST_NODES


def test_two_queues_are_compared_by_typing(addresses: tuple[str, str], page: Page) -> None:
    page.goto(f"{addresses[0]}/compare")
    settled(page, page.get_by_role("heading", name="Backlog"))
    choose(page, "Queue", CHOSEN)
    choose(page, "Against", f"queue {name_of(3)}")
    settled(page, page.get_by_role("heading", name="Backlog"))
    assert nodes(page) <= MOST_NODES


@pytest.mark.parametrize(
    ("screen", "heading"),
    [
        ("connections", "Evictions and refusals"),
        ("whatif", "Take the plan with you"),
        ("alerts", "The rules that these bounds make"),
    ],
)
def test_the_other_screens_are_drawn_in_bounds(
    addresses: tuple[str, str], page: Page, screen: str, heading: str
) -> None:
    page.goto(f"{addresses[0]}/{screen}?queue={CHOSEN}")
    settled(page, page.get_by_role("heading", name=heading))
    assert not page.get_by_test_id("stException").count()
    assert nodes(page) <= MOST_NODES


def test_a_screen_asks_no_more_questions_the_more_queues_there_are(
    addresses: tuple[str, str], page: Page, tmp_path: Path
) -> None:
    many = questions(addresses, page)
    with running(tmp_path, queues=3) as few:
        assert many <= questions(few, page)


def questions(addresses: tuple[str, str], page: Page) -> float:
    """Of the queue's screen over a range that nobody has looked at, by Prometheus' own count."""
    before = answered(addresses[1])
    page.goto(f"{addresses[0]}/queue?queue={name_of(2)}&range=6h")
    page.get_by_text("Pause", exact=True).click()
    settled(page, page.get_by_role("heading", name="Limits, schedulers, payloads"))
    return answered(addresses[1]) - before
