"""Knows how to run many queues of real BullMQ jobs at once, on workers that are killed at random moments, and flows."""

import json
import signal
import sys
import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from tests.bench.bullmq_runs import NODE
from tests.processes import Program
from tests.servers import Server

Steps = list[tuple[float, int, list[int]]]
"""(second, milliseconds of work, those of its children) of each job that is added."""


class Killed:
    """One worker process that is killed after a random time, and back after `restart_seconds`, until it is stopped."""

    def __init__(
        self,
        command: Sequence[str],
        every_seconds: float,
        restart_seconds: float,
        random: np.random.Generator,
    ) -> None:
        self.command, self.restart_seconds = command, restart_seconds
        self.every_seconds, self._random = every_seconds, random
        self.kills = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        worker = self._next()
        while True:
            worker.tell("work")
            # What comes after it is loaded meanwhile, so that a restart takes as long as it is said to take.
            after = self._next()
            if self._over.wait(self._random.exponential(self.every_seconds)):
                break
            worker.kill()
            self.kills += 1
            if self._over.wait(self.restart_seconds):
                break
            worker = after
        worker.kill()
        after.kill()

    def _next(self) -> Program:
        worker = Program(self.command, cwd=NODE)
        worker.wait_for("loaded")
        return worker


def command(server: Server, queue: str, concurrency: int, options: Mapping[str, int]) -> list[str]:
    """A worker's command line; it takes jobs once it is told so."""
    return ["node", "crashing.mjs", "work", server.url, queue, str(concurrency), json.dumps(options)]


def play(server: Server, plan: Mapping[str, Steps], folder: Path) -> Path:
    """Adds the jobs of each queue at their moments and waits for the last to end: the trace of all."""
    file, trace = folder / "plan.json", folder / "trace.csv"
    file.write_text(json.dumps(plan))
    with ExitStack() as stack:
        adding = Program(["node", "crashing.mjs", "add", server.url, str(file)], cwd=NODE)
        stack.callback(adding.stop)
        adding.wait_for("ready")
        recorder = Program(_record(server, plan, trace))
        stack.callback(recorder.stop, signal.SIGINT)
        recorder.wait_for("recording")
        adding.tell("go")
        adding.wait_for("done", seconds=120 + max(steps[-1][0] for steps in plan.values()))
    return trace


def _record(server: Server, queues: Iterable[str], trace: Path) -> list[str]:
    options = ["--redis", server.url, "--out", str(trace)]
    for queue in queues:
        options += ["--queue", queue]
    return [sys.executable, "-m", "exporter", "record", *options]
