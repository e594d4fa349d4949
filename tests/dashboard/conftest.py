"""Knows what the dashboard's tests share: the recording in a real Prometheus, and a browser."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.dashboard.recorded import RecordedPrometheus
from tests.servers import missing


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RecordedPrometheus]:
    """The recording, moved so that it ended when a file's tests began, as two exporters of one Redis hold it.

    After five minutes it would be too old to be of now, so each file has one of its own.
    """
    made = RecordedPrometheus(tmp_path_factory.mktemp("prometheus"), now=True, replicas=2)
    yield made
    made.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    if chromium is None:
        missing("chromium", "apt-get install chromium")
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield made
        made.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    made = browser.new_page(viewport={"width": 1440, "height": 900})
    yield made
    made.close()
