"""A thousand queues with a hundred overrides: how long it takes to generate, and what it costs to evaluate."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import pytest

from alerts import folder, output, render
from exporter.settings import DURATION_BUCKETS
from exporter.tally import Histogram
from tests.alerts.conftest import plan
from tests.alerts.site import DrillQueue, Site
from tests.processes import Program
from tests.servers import free_port

QUEUES, OVERRIDES = 1000, 100
SPEED, EVALUATIONS = 30, 20


def overrides() -> str:
    """A hundred queues with ten different bounds of each of three signals."""
    lines = ["overrides:"]
    waits = (1, 1.5, 2.5, 5, 10)
    for index in range(OVERRIDES):
        lines.append(
            f'- {{queue: "queue-{index}", queue_processing_latency: {{warning: {waits[index % 5]}s, '
            f"critical: {(30, 60)[index % 2]}s}}, job_failure_rate: {{warning: >{3 + index % 10}%}}, "
            f"drain_time: {{warning: {10 + index % 10}m}}}}"
        )
    return "\n".join(lines)


def test_it_is_generated_in_under_a_second(tmp_path: Path) -> None:
    config = tmp_path / "alerts.yaml"
    config.write_text(overrides())
    command = [sys.executable, "-m", "alerts", "generate", "--config", str(config), "--out", str(tmp_path)]
    began = os.times().children_user + os.times().children_system
    subprocess.run(command, check=True, capture_output=True)
    assert os.times().children_user + os.times().children_system - began < 1


@pytest.mark.slow
def test_a_hundred_overrides_cost_a_tenth_at_most(tmp_path: Path) -> None:
    """CPU time of three Prometheus servers that scrape the same page: without rules, and with either set."""
    site = Site()
    site.queues = {
        f"queue-{index}": DrillQueue(finished=0.1, ready=index % 7, waits=_waits()) for index in range(QUEUES)
    }
    servers = {
        "nothing": _server(tmp_path / "nothing", site, None),
        "without": _server(tmp_path / "without", site, ""),
        "with": _server(tmp_path / "with", site, overrides()),
    }
    try:
        for name in ("without", "with"):
            servers[name].wait_for_evaluations(8)
        before = {name: server.cpu() for name, server in servers.items()}
        for name in ("without", "with"):
            servers[name].wait_for_evaluations(8 + EVALUATIONS)
        used = {name: server.cpu() - before[name] for name, server in servers.items()}
    finally:
        for server in servers.values():
            server.program.kill()
        site.close()
    without, laden = used["without"] - used["nothing"], used["with"] - used["nothing"]
    each = f"{without / EVALUATIONS * 1000:.0f} ms and {laden / EVALUATIONS * 1000:.0f} ms an evaluation"
    print(f"{QUEUES} queues, {each} of CPU: {laden / without:.3f}")
    assert laden <= 1.1 * without


def _waits() -> Histogram:
    return Histogram(tuple(map(float, DURATION_BUCKETS)))


@dataclass(frozen=True)
class _Running:
    program: Program
    url: str

    def metric(self, name: str) -> float:
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=30) as answer:
            lines = answer.read().decode().splitlines()
        return sum(
            float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith((f"{name} ", f"{name}{{"))
        )

    def cpu(self) -> float:
        return self.metric("process_cpu_seconds_total")

    def wait_for_evaluations(self, count: int) -> None:
        """Until both groups were evaluated so often. Prometheus has nothing that tells of it, so it is asked."""
        deadline = time.monotonic() + 300
        while self.metric("prometheus_rule_group_iterations_total") < 2 * count:
            assert time.monotonic() < deadline
            time.sleep(1)


def _server(place: Path, site: Site, text: str | None) -> _Running:
    place.mkdir()
    if text is not None:
        whole = f"speed: {SPEED}\n{text}"
        folder.write(place, output.texts(plan(whole), output.Source("scale", whole)))
    document = {
        "global": {"scrape_interval": "5s", "evaluation_interval": "2s"},
        "rule_files": ["rules.yaml"] if text is not None else [],
        "scrape_configs": [{"job_name": "bullgauge", "static_configs": [{"targets": [site.address]}]}],
    }
    (place / "prometheus.yaml").write_text(render.dump(document))
    address = f"127.0.0.1:{free_port()}"
    arguments = [f"--config.file={place}/prometheus.yaml", f"--storage.tsdb.path={place}/tsdb"]
    program = Program(
        ["prometheus", *arguments, f"--web.listen-address={address}", "--query.lookback-delta=15s"]
    )
    program.wait_for("Server is ready to receive web requests", 30)
    return _Running(program, f"http://{address}")
