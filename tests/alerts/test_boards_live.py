"""Every panel's query on a real Prometheus that scrapes the real exporter over real jobs."""

from __future__ import annotations

import json
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from alerts import folder, output, render
from alerts import names as n
from alerts.boards import all_boards as boards
from tests.alerts.conftest import plan, tool
from tests.alerts.shop import Shop
from tests.processes import Program
from tests.servers import free_port

SPEED = 60
PATIENCE_SECONDS = 90
EXPORTER = """\
pools: {queue: {client_names: ["bull:*"], maxConnections: 25}}
caches: {results: {pattern: "job_result:*", hits_key: "results:hits", misses_key: "results:misses"}}
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A site on which every panel has something to show: a limit of memory, a pool, a cache, and jobs that fail."""
    site = Shop(tmp_path_factory.mktemp("shop"), "maxmemory 256mb", exporter_config=EXPORTER)
    for queue in ("email", "reports"):
        site.start_worker(queue)
        site.add(queue, every_ms=200, work_ms=20, fail=0.5)
    site.add("stands", every_ms=1000, work_ms=20)
    yield site
    site.close()


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory, shop: Shop) -> Iterator[str]:
    tool("prometheus", "prometheus", "--version")
    place = tmp_path_factory.mktemp("boards")
    folder.write(place, output.texts(plan(f"speed: {SPEED}"), output.Source("boards", "")))
    targets = [shop.exporter_address]
    document = {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
        "rule_files": ["rules.yaml"],
        "scrape_configs": [{"job_name": "bullgauge", "static_configs": [{"targets": targets}]}],
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


def ask(url: str, expr: str) -> list[object]:
    query = urllib.parse.urlencode({"query": expr})
    with urllib.request.urlopen(f"{url}/api/v1/query?{query}", timeout=10) as answer:
        found: list[object] = json.load(answer)["data"]["result"]
        return found


def test_every_panel_and_every_variable_has_data(prometheus: str, shop: Shop) -> None:
    made = boards.boards(plan().ground)
    wanted = {
        (board.title, panel.title, query.expr.replace("$prefix", ".*").replace("$queue", ".*"))
        for board in made
        for row in board.rows
        for panel in row.panels
        for query in panel.queries
    } | {(board.title, name, f"count by ({name}) ({n.READY})") for board in made for name in board.variables}
    assert len(wanted) > 50
    cache = shop.redis.client()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while wanted and time.monotonic() < deadline:
        cache.incrby("results:hits", 90)
        cache.incrby("results:misses", 10)
        wanted = {key for key in wanted if not ask(prometheus, key[2])}
    assert wanted == set()


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
    config.write_text(f"speed: {SPEED}\nlabels: {{service: shop}}\n")
    labelled = alerts("check", "--config", str(config), "--prometheus", prometheus)
    assert labelled.returncode == 1
    assert "BullWatchdog warning: loaded, but differs in labels" in labelled.stdout
    config.write_text("speed: 30\n")
    slower = alerts("check", "--config", str(config), "--prometheus", prometheus).stdout
    assert "bullgauge-alerts: evaluated every 1 s, not every 2 s" in slower
    assert "BullNoWorkers critical queue: loaded, but differs in for" in slower
