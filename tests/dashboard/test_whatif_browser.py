"""What a person with a browser finds on What-if, Forecast and Alerts, over a recording of real jobs."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from playwright.sync_api import Browser, Page, expect

from dashboard import user_file
from dashboard.amounts import jobs, share
from dashboard.screens.overview import MOST_WORST
from exporter.demo.load import QUEUES
from exporter.demo.plan import plan_text
from planner.file.queue_file import read_file
from tests.alerts.conftest import promtool
from tests.dashboard.apps import on_prometheus, screen
from tests.dashboard.record import EVERY_SECONDS
from tests.dashboard.recorded import RecordedPrometheus
from tests.dashboard.test_browser import (
    WAIT_MS,
    check_nothing_lies_beyond_the_edge,
    check_there_is_no_serious_barrier,
)
from tests.processes import Program

WORST = "reports"
"""The fullest of the queues whose jobs waited too long in the recording."""
ANSWER_MS = 60_000
"""What must be simulated for one queue after the other, on a machine that does other things too."""
SCREENS = {"whatif": "Take the plan with you", "alerts": "Bounds in force"}


@pytest.fixture(scope="module")
def address(prometheus: RecordedPrometheus, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The command itself on the recording, with the slots of its queues."""
    plan = tmp_path_factory.mktemp("plan") / "demo.yaml"
    plan.write_text(plan_text())
    command = [sys.executable, "-m", "dashboard", "--prometheus", prometheus.url, "--config", str(plan)]
    program = Program([*command, "--scrape-interval", f"{EVERY_SECONDS:g}", "--listen", "127.0.0.1:0"])
    yield program.wait_for("listening on ").split("listening on ")[1]
    assert program.stop() == 0
    assert not [line for line in program.lines if "Traceback" in line], "\n".join(program.lines)


def opened(browser: Browser, address: str, heading: str) -> Page:
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.goto(address)
    expect(page.get_by_role("heading", name=heading, exact=True)).to_be_visible(timeout=WAIT_MS)
    return page


def test_a_plan_is_turned_downloaded_and_answered_alike_by_the_command(
    address: str, browser: Browser, tmp_path: Path
) -> None:
    page = opened(
        browser, f"{address}/whatif?fleet=report%3A+proposed&load=5.0&queue=email", SCREENS["whatif"]
    )
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    wait = page.get_by_test_id("stMetric").filter(has_text="p95 wait")
    expect(wait).to_contain_text("0 ms", timeout=WAIT_MS)
    slider = page.get_by_role("slider", name="Concurrency")
    slider.focus()
    for _ in range(20):
        slider.press("ArrowLeft")
    expect(wait).to_contain_text("901 ms", timeout=WAIT_MS)
    with page.expect_download() as download:
        page.get_by_role("button", name="Plan as YAML").click()
    download.value.save_as(tmp_path / "plan.yaml")
    command = [sys.executable, "-m", "planner", "predict", str(tmp_path / "plan.yaml")]
    told = subprocess.run(command, capture_output=True, text=True).stdout
    email = next(line for line in told.splitlines() if line.startswith("email "))
    assert email.split()[:3] == ["email", "5", "67%"]
    assert " 901 ms " in email
    assert [url for url in asked if not url.startswith((address, "data:", "blob:"))] == []
    page.close()


def test_the_live_plan_has_the_queues_that_were_recorded_on_the_slots_of_the_file(
    prometheus: RecordedPrometheus, tmp_path: Path
) -> None:
    plan = tmp_path / "demo.yaml"
    plan.write_text(plan_text())
    shown = screen(replace(on_prometheus(prometheus.url), file=user_file.read(plan)), "whatif", "reports")
    assert not shown.exception
    assert shown.selectbox(key="fleet").value == "live now"
    shown.session_state["written-plan"] = True
    plan_shown = yaml.safe_load(shown.run().code[0].value)
    [table] = [one.value for one in shown.dataframe if {"needed", "why"} <= {*one.value}]
    rows = table.set_index("queue")
    slots = {queue.name: queue.question.fleet.slots for queue in read_file(plan).queues}
    assert {name: rows.loc[name, "slots"] for name in rows.index} == {
        name: slots[name] for name in rows.index
    }
    # The command takes up to eight seconds a queue where one must be simulated, so it is asked about a quick one.
    plan_shown["queues"] = [queue for queue in plan_shown["queues"] if queue["name"] == "email"]
    (tmp_path / "live.yaml").write_text(yaml.safe_dump(plan_shown))
    command = [sys.executable, "-m", "planner", "predict", str(tmp_path / "live.yaml"), "--json"]
    [told] = json.loads(subprocess.run(command, capture_output=True, text=True).stdout)["queues"]
    assert rows.loc["email", "used"] == share(told["utilisation"])
    assert rows.loc["email", "most an hour"] == jobs(told["ceiling_per_hour"])


def test_from_the_worst_queue_to_a_plan_and_rules_that_the_commands_take(
    address: str, page: Page, tmp_path: Path
) -> None:
    """What somebody does who was called: which queue, why, how many slots, and both files to go on with."""
    page.goto(f"{address}/?range=15m")
    worst = page.locator("[data-testid=stPageLink] a")
    expect(worst).to_have_count(MOST_WORST, timeout=WAIT_MS)
    expect(worst.first).to_contain_text(WORST)
    worst.first.click()
    expect(page.get_by_role("heading", name=f"Queue · {WORST}")).to_be_visible(timeout=WAIT_MS)
    expect(page.get_by_text("of jobs waited longer than 1.5 s").first).to_be_visible(timeout=WAIT_MS)
    assert f"queue={WORST}" in page.url and "range=15m" in page.url
    page.goto(page.url)  # as somebody who was given it
    page.get_by_role("link", name="What-if").click()
    expect(page.get_by_role("heading", name=f"What-if · {WORST}")).to_be_visible(timeout=WAIT_MS)
    needed = page.get_by_test_id("stMetric").filter(has_text="Slots needed").get_by_test_id("stMetricValue")
    expect(needed).to_have_text(re.compile(r"^\d+$"), timeout=ANSWER_MS)
    slots = int(needed.inner_text())
    plan = taken_away(page, "Plan as YAML", tmp_path / "plan.yaml")
    assert {queue.name for queue in read_file(plan).queues} == {queue.name for queue in QUEUES}
    command = sized(plan, WORST)
    page.get_by_role("link", name="Alerts").click()
    expect(page.get_by_role("heading", name=SCREENS["alerts"])).to_be_visible(timeout=WAIT_MS)
    rules = zipfile.ZipFile(taken_away(page, "Download the set", tmp_path / "set.zip"))
    rules.extractall(tmp_path / "set")
    assert {"rules_test.yaml", "alertmanager.yaml", "alerts.yaml"} <= set(rules.namelist())
    promtool("check", "rules", str(tmp_path / "set/rules.yaml"))
    [told] = json.loads(command.communicate()[0])["queues"]
    assert (told["name"], told["slots"]) == (WORST, slots)


def taken_away(page: Page, button: str, path: Path) -> Path:
    with page.expect_download() as download:
        page.get_by_role("button", name=button).click()
    download.value.save_as(path)
    return path


def sized(plan: Path, queue: str) -> subprocess.Popen[str]:
    """The planner's command on one queue of the plan, for it takes up to eight seconds for each that it simulates."""
    document = yaml.safe_load(plan.read_text())
    document["queues"] = [one for one in document["queues"] if one["name"] == queue]
    alone = plan.with_name("alone.yaml")
    alone.write_text(yaml.safe_dump(document))
    command = [sys.executable, "-m", "planner", "size", str(alone), "--json"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


REFRESHED_MS = 90_000
"""Three refreshes, 15 seconds apart, on a machine that does other things too."""
FEWEST = """() => new Promise(done => {
  const part = name => document.querySelectorAll(`[data-testid=${name}]`).length;
  const age = () => document.querySelector('[data-testid=stMain]').innerText.match(/read .* ago/)?.[0];
  const fewest = {stMetric: 99, stVegaLiteChart: 99, stDataFrame: 99};
  let last = age(), changes = 0;
  const look = () => {
    if (changes > 1) for (const name in fewest) fewest[name] = Math.min(fewest[name], part(name));
    if (age() && age() !== last) { last = age(); changes += 1; }
    changes < 3 ? requestAnimationFrame(look) : setTimeout(() => done(fewest), 0);
  };
  look();
})"""
"""The fewest figures, charts and tables in any picture drawn from one look at the source, which the age tells, to the
next: while a refresh draws all of its parts. The first one puts what is known in the place of what was drawn while it
was worked on, once."""


@pytest.mark.slow
def test_what_is_answered_stands_still_while_the_screen_is_refreshed(address: str, browser: Browser) -> None:
    page = opened(browser, f"{address}/whatif?queue=reports", SCREENS["whatif"])
    page.set_default_timeout(REFRESHED_MS)
    expect(page.get_by_text("would wait too long")).to_be_visible(timeout=ANSWER_MS)
    expect(page.get_by_text("… working")).to_have_count(0, timeout=ANSWER_MS)
    for name in ("stMetric", "stVegaLiteChart", "stDataFrame"):
        expect(page.get_by_test_id(name).last).to_be_attached(timeout=ANSWER_MS)
    fewest = page.evaluate(FEWEST)
    assert fewest["stMetric"] == 4 and fewest["stVegaLiteChart"] == 1 and fewest["stDataFrame"] >= 3
    page.close()


def test_doubts_are_counted_below_the_figures_and_read_by_who_wants_to(
    address: str, browser: Browser
) -> None:
    page = opened(browser, f"{address}/whatif?queue=reports", SCREENS["whatif"])
    doubts = page.get_by_test_id("stExpander").filter(has_text="about these figures")
    expect(doubts).to_be_visible(timeout=ANSWER_MS)
    told = re.search(r"(\d+) doubts? about", doubts.inner_text())
    figures, below = page.get_by_test_id("stMetric").last.bounding_box(), doubts.bounding_box()
    assert figures is not None and below is not None and below["y"] > figures["y"]
    doubts.locator("summary").click()
    captions = doubts.get_by_test_id("stCaptionContainer")
    assert told is not None
    expect(captions).to_have_count(int(told[1]))
    page.close()


def test_a_history_that_is_too_short_says_so(address: str, browser: Browser) -> None:
    page = opened(browser, f"{address}/forecast?queue=reports", "Forecast · reports")
    expect(page.get_by_text("a forecast needs three days of them")).to_be_visible(timeout=WAIT_MS)
    page.close()


@pytest.mark.parametrize("screen", SCREENS)
def test_a_planning_screen_has_no_serious_barrier_and_nothing_beyond_the_edge(
    address: str, browser: Browser, screen: str
) -> None:
    page = opened(browser, f"{address}/{screen}", SCREENS[screen])
    check_there_is_no_serious_barrier(page)
    check_nothing_lies_beyond_the_edge(page)
    page.close()
