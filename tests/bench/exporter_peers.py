"""How long one fresh reading of 1,000 queues takes with us and with other public ways, in one run.

    python -m tests.bench.exporter_peers [QUEUES]

Each reads the same Redis in turn and writes its whole page; commands are counted by the server. The peers are told the
names of the queues and ask for counts; we find them, and also read ages, locks, workers, limits and the server. So we
are measured twice more, with the groups that hold what one peer gives; that they do is compared figure by figure.
Exits 1 when a peer is faster for each sample of its page, or in all with the same content.
"""

import json
import logging
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import redis
from prometheus_client.parser import text_string_to_metric_families

from exporter.collector import Collector
from exporter.groups import DURATIONS, SIZES, TOTALS, Choice
from exporter.notices import Notices
from exporter.settings import RedisSettings, TargetSettings
from tests.bench import queues
from tests.processes import Program
from tests.servers import Server

PEERS_FOLDER = Path(__file__).parents[1] / "node" / "peers"
PEERS = {"bullmq": "BullMQ 5.81.5 exportPrometheusMetrics", "bull-prom": "bull-prom 3.1.1 with Bull 4.16.5"}
CONTENT: dict[str, Choice] = {
    # queue-getters.js: getJobCounts of all states, and `count` of metrics:completed and metrics:failed.
    "bullmq": frozenset((SIZES, TOTALS)),
    # lib/index.js: getJobCounts of five states, and durations of jobs that complete meanwhile (here none does).
    "bull-prom": frozenset((SIZES, DURATIONS)),
}
BULL_PROM_STATES = ("completed", "failed", "delayed", "active", "waiting")
FIGURES = {
    "bullmq_job_completed_total": ("queue_jobs_processed_total", "completed"),
    "bullmq_job_failed_total": ("queue_jobs_processed_total", "failed"),
    **{f"jobs_{state}_total": ("queue_size", state) for state in BULL_PROM_STATES},
}
"""What a peer's sample is called with us: its name, and its state or status."""
NOT_HERE = (
    "not compared: npm has no package bull_exporter, bullmq-exporter or bull-prometheus (November 2026), and\n"
    "PyPI lists no exporter of Bull or BullMQ."
)
ROUNDS = 7
US = "bullgauge"


def like(label: str) -> str:
    return f"{US}, the same as {label.partition(' ')[0]}"


@dataclass(slots=True)
class Readings:
    """What the rounds of one way cost."""

    seconds: list[float] = field(default_factory=list)
    samples: int = 0
    commands: list[int] = field(default_factory=list)

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    def line(self, name: str) -> str:
        median = self.median
        spread = f"{min(self.seconds) * 1000:.0f}–{max(self.seconds) * 1000:.0f}"
        each = median / self.samples * 1e6
        commands = statistics.median(self.commands)
        return (
            f"{name:40} {median * 1000:6.0f} ms ({spread}), {self.samples:6} samples, {each:5.1f} µs each, "
            f"{commands:6.0f} commands"
        )


def main(number: int = 1000) -> int:
    install = ["npm", "ci", "--ignore-scripts", "--loglevel=error"]
    subprocess.run(install, cwd=PEERS_FOLDER, check=True, stdout=sys.stderr)
    with tempfile.TemporaryDirectory() as folder:
        server = Server("redis7", Path(folder), "save ''").start()
        try:
            return _compare(server, number)
        finally:
            server.stop()


def _compare(server: Server, number: int) -> int:
    client = redis.Redis.from_url(server.url)
    queues.fill(client, number)
    collector = Collector(
        TargetSettings(redis=RedisSettings(url=server.url)), Notices(logging.getLogger("bench"))
    )
    collector.start()
    assert collector.wait_ready(time.monotonic() + 60) is None
    programs = {peer: _peer(server, peer, number) for peer in PEERS}
    ways: dict[str, Callable[[], tuple[float, int]]] = {US: lambda: _ours(collector)}
    for peer, label in PEERS.items():
        ways |= {label: _of(programs[peer]), like(label): partial(_ours, collector, CONTENT[peer])}
    try:
        for peer in PEERS:
            _compare_content(collector, programs[peer], peer)
        results = _rounds(client, ways)
    finally:
        collector.stop()
        for program in programs.values():
            program.stop()
    return _report(number, results)


def _rounds(client: redis.Redis, ways: dict[str, Callable[[], tuple[float, int]]]) -> dict[str, Readings]:
    """Each in turn, so that a disturbance meets all alike; the first round warms up and is not counted."""
    results = {name: Readings() for name in ways}
    for turn in range(ROUNDS + 1):
        for name, read in ways.items():
            before = _commands(client)
            seconds, samples = read()
            sent = _commands(client) - before
            if turn:
                results[name].seconds.append(seconds)
                results[name].commands.append(sent)
                results[name].samples = samples
    return results


def _commands(client: redis.Redis) -> int:
    """Commands that Redis ran, those inside of scripts too."""
    stats = client.info("stats")
    return int(stats["total_commands_processed"])  # type: ignore[index]


def _ours(collector: Collector, wanted: Choice | None = None) -> tuple[float, int]:
    began = time.perf_counter()
    page = collector.page(openmetrics=False, timeout_seconds=None, wanted=wanted)
    seconds = time.perf_counter() - began
    return seconds, sum(1 for line in page.splitlines() if line and not line.startswith(b"#"))


def _compare_content(collector: Collector, program: Program, peer: str) -> None:
    """Every figure of the peer's page is on ours, and the same."""
    after = len(program.lines)
    program.tell("page")
    theirs = json.loads(program.wait_for('"page"', seconds=60, after=after))["page"]
    ours = collector.page(openmetrics=False, timeout_seconds=None, wanted=CONTENT[peer]).decode()
    have = {
        (s.name, s.labels["queue"], s.labels.get("state") or s.labels.get("status")): s.value
        for family in text_string_to_metric_families(ours)
        for s in family.samples
        if s.name in ("queue_size", "queue_jobs_processed_total")
    }
    for family in text_string_to_metric_families(theirs):
        for sample in family.samples:
            state = sample.labels.get("state", "").replace("-", "_")
            name, label = ("queue_size", state) if state else FIGURES[sample.name]
            queue = sample.labels.get("queue") or sample.labels["queue_name"]
            assert have[name, queue, label] == sample.value, (
                f"{peer}: {sample}, ours {have[name, queue, label]}"
            )


def _peer(server: Server, peer: str, number: int) -> Program:
    program = Program(["node", "peers.mjs", peer, server.url, str(number)], cwd=PEERS_FOLDER)
    program.wait_for('"ready"', seconds=60)
    return program


def _of(program: Program) -> Callable[[], tuple[float, int]]:
    def read() -> tuple[float, int]:
        after = len(program.lines)
        program.tell("go")
        answer = json.loads(program.wait_for('"samples"', seconds=60, after=after))
        return answer["ms"] / 1000, answer["samples"]

    return read


def _report(number: int, results: dict[str, Readings]) -> int:
    print(f"{number} queues, {ROUNDS} rounds each in turn, median (smallest–largest):")
    for name, readings in results.items():
        print(readings.line(name))
    print(NOT_HERE)
    each = {name: readings.median / readings.samples for name, readings in results.items()}
    ahead = each[US] == min(each[name] for name in (US, *PEERS.values()))
    for label in PEERS.values():
        ratio = results[like(label)].median / results[label].median
        ahead &= ratio <= 1
        print(f"the same content as {label}: {ratio:.2f} of its time (limit 1.00)")
    return 0 if ahead else 1


if __name__ == "__main__":
    sys.exit(main(*(int(argument) for argument in sys.argv[1:])))
