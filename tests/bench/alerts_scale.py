"""How fast rules for 1,000 queues with 100 overrides are made, and what these cost Prometheus beside none, in one run.

    python -m tests.bench.alerts_scale [QUEUES]

CPU seconds of `bullgauge-alerts generate`; then of three Prometheus servers that scrape the same page: without rules,
with the default rules, and with the rules of 100 overrides. Exits 1 when generating takes 1 s or more, or when the
overrides cost more than a tenth of what evaluating takes without them.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from alerts import folder, output, render
from exporter.following.tally import Histogram
from exporter.settings import DURATION_BUCKETS
from tests.alerts.conftest import plan
from tests.alerts.site import DrillQueue, Site
from tests.processes import Program
from tests.servers import free_port

OVERRIDES = 100
SPEED, WARM_UP, EVALUATIONS = 30, 8, 20
LIMIT_SECONDS, LIMIT_RATIO = 1.0, 1.1


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


def main(queues: int = 1000) -> int:
    with tempfile.TemporaryDirectory() as place:
        seconds, by_the_clock = generation_seconds(Path(place))
        without, laden = evaluation_seconds(Path(place), queues)
    print(f"{OVERRIDES} overrides are generated in {seconds:.2f} s of CPU, {by_the_clock:.2f} s by the clock")
    print(
        f"{queues} queues cost {without * 1000:.0f} ms of CPU an evaluation without overrides and "
        f"{laden * 1000:.0f} ms with {OVERRIDES}: {laden / without:.3f}"
    )
    return 0 if seconds < LIMIT_SECONDS and laden <= LIMIT_RATIO * without else 1


def generation_seconds(place: Path) -> tuple[float, float]:
    """CPU and time of the whole command, Python's own start included."""
    config = place / "alerts.yaml"
    config.write_text(overrides())
    command = [
        sys.executable,
        "-m",
        "alerts",
        "generate",
        "--config",
        str(config),
        "--out",
        str(place / "out"),
    ]
    before, began = _children(), time.monotonic()
    subprocess.run(command, check=True, capture_output=True)
    return _children() - before, time.monotonic() - began


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def evaluation_seconds(place: Path, queues: int) -> tuple[float, float]:
    """CPU of one evaluation without overrides and with them; scraping is taken off."""
    site = Site()
    site.queues = {
        f"queue-{index}": DrillQueue(finished=0.1, ready=index % 7, waits=_waits()) for index in range(queues)
    }
    texts = {"nothing": None, "without": "", "with": overrides()}
    servers = {name: _server(place / name, site, text) for name, text in texts.items()}
    try:
        for name in ("without", "with"):
            servers[name].wait_for_evaluations(WARM_UP)
        before = {name: server.cpu() for name, server in servers.items()}
        for name in ("without", "with"):
            servers[name].wait_for_evaluations(WARM_UP + EVALUATIONS)
        used = {name: server.cpu() - before[name] for name, server in servers.items()}
    finally:
        for server in servers.values():
            server.program.kill()
        site.close()
    return (used["without"] - used["nothing"]) / EVALUATIONS, (used["with"] - used["nothing"]) / EVALUATIONS


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


if __name__ == "__main__":
    sys.exit(main(*(int(argument) for argument in sys.argv[1:])))
