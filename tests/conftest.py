"""Knows the fixtures that every part of the tests shares: real servers, and the exporter as a process."""

from __future__ import annotations

import os
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from tests.processes import Program
from tests.servers import KINDS, Certificates, Server

LISTENING = "bullgauge-exporter: listening on "

# pytest-xdist tells the tests a terminal's size; what programs print is not to hang on who runs the tests.
for name in ("COLUMNS", "LINES"):
    os.environ.pop(name, None)


class ExporterProcess:
    """A real exporter, started as users start it and read as Prometheus reads it."""

    def __init__(self, redis_url: str, *arguments: str) -> None:
        command = [
            sys.executable,
            "-m",
            "exporter",
            "--redis",
            redis_url,
            "--listen",
            "127.0.0.1:0",
            *arguments,
        ]
        self.program = Program(command)
        try:
            line = self.program.wait_for(LISTENING)
        except Exception:
            self.program.kill()
            raise
        self.url = line.split(LISTENING, 1)[1].split()[0]

    def get(self, path: str = "/metrics", accept: str = "text/plain", seconds: float = 30) -> str:
        request = urllib.request.Request(self.url + path, headers={"Accept": accept})
        with urllib.request.urlopen(request, timeout=seconds) as answer:
            text: str = answer.read().decode()
            return text

    def raw(self) -> str:
        """The page as text, in the format of Prometheus 0.0.4."""
        return self.get()

    def scrape(self) -> dict[str, Metric]:
        """The page as metric families by name; a counter's family is named without `_total`."""
        return {family.name: family for family in text_string_to_metric_families(self.raw())}

    def stop(self) -> int:
        return self.program.stop()


# What the fixtures `exporter`, `server` and `shared_servers` hand to a test.
Exporter = Callable[..., ExporterProcess]
Start = Callable[..., Server]
Servers = Callable[[str], Server]


@pytest.fixture
def exporter() -> Iterator[Exporter]:
    """Start exporters with `exporter(redis_url, *arguments)`; all end with the test."""
    started: list[ExporterProcess] = []

    def start(redis_url: str, *arguments: str) -> ExporterProcess:
        started.append(ExporterProcess(redis_url, *arguments))
        return started[-1]

    yield start
    for process in started:
        process.stop()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Start]:
    """Start servers that a test may break with `server(kind, *settings)`; all end with the test."""
    started: list[Server] = []

    def start(kind: str = "redis7", *settings: str) -> Server:
        started.append(Server(kind, tmp_path / f"server{len(started)}", *settings).start())
        return started[-1]

    yield start
    for one in started:
        one.stop()


@pytest.fixture(scope="session")
def shared_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """`shared_servers(kind)`: one server of each kind for the whole session, started when first asked for."""
    started: dict[str, Server] = {}

    def get(kind: str) -> Server:
        if kind not in started:
            started[kind] = Server(kind, tmp_path_factory.mktemp(kind)).start()
        return started[kind]

    yield get
    for one in started.values():
        one.stop()


@pytest.fixture(params=KINDS)
def each_server(request: pytest.FixtureRequest, shared_servers: Servers) -> Server:
    """The test runs once on each kind of server, which is empty at its beginning."""
    one = shared_servers(request.param)
    one.client().flushall()
    return one


@pytest.fixture
def redis_server(shared_servers: Servers) -> Server:
    """The shared Redis 7, empty at the beginning of the test."""
    one = shared_servers("redis7")
    one.client().flushall()
    return one


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates.make(tmp_path_factory.mktemp("certificates"))
