"""Knows a small real site to watch: Redis, BullMQ jobs and workers, the exporter; each can be killed and started."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

from tests.processes import Program
from tests.servers import Server, free_port, missing

JOBS = Path(__file__).with_name("jobs.mjs")
NODE_MODULES = JOBS.parents[1] / "node" / "node_modules"


class Shop:
    """Redis keeps its data over a crash; the exporter keeps its place in a file."""

    def __init__(self, place: Path, *redis_settings: str, exporter_config: str = "") -> None:
        if shutil.which("node") is None or not NODE_MODULES.is_dir():
            missing("node with the packages of tests/node", "tests/setup.sh")
        self.redis = Server("redis7", place / "redis", "appendonly yes", *redis_settings).start()
        self.exporter_address = f"127.0.0.1:{free_port()}"
        self._state = place / "place"
        self._config = place / "exporter.yaml"
        self._config.write_text(exporter_config)
        self._workers: dict[str, Program] = {}
        self._producer = Program(["node", str(JOBS), "add", self.redis.url])
        self.start_exporter()

    def start_exporter(self) -> None:
        command = [sys.executable, "-m", "exporter", "--redis", self.redis.url]
        files = ["--config", str(self._config), "--state-file", str(self._state)]
        self._exporter = Program([*command, *files, "--listen", self.exporter_address])
        self._exporter.wait_for(self.exporter_address, 30)

    def kill_exporter(self) -> None:
        self._exporter.kill()

    def add(self, queue: str, every_ms: int, work_ms: int, jobs: int = 1, fail: float = 0) -> None:
        """From now on so many jobs every so many milliseconds, of which a share fails for good."""
        self._tell(queue, every=every_ms, jobs=jobs, ms=work_ms, fail=fail)

    def delete(self, queue: str) -> None:
        """No more jobs and no more worker, and then no more queue."""
        self.kill_worker(queue)
        self._tell(queue, delete=True)

    def _tell(self, queue: str, **wanted: object) -> None:
        after = len(self._producer.lines)
        self._producer.tell(json.dumps({"queue": queue, **wanted}))
        self._producer.wait_for(f"done {queue}", 20, after)

    def start_worker(self, queue: str, concurrency: int = 5) -> None:
        worker = Program(["node", str(JOBS), "work", self.redis.url, queue, str(concurrency)])
        self._workers[queue] = worker
        worker.wait_for("ready", 30)

    def kill_worker(self, queue: str) -> None:
        self._workers.pop(queue).kill()

    def close(self) -> None:
        for program in (*self._workers.values(), self._producer, self._exporter):
            program.kill()
        self.redis.kill()
