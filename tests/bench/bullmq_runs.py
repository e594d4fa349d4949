"""Knows how to run a timetable of real BullMQ jobs, and to record it with `bullgauge-exporter record`."""

import csv
import json
import os
import signal
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from tests.processes import Program, ProgramError
from tests.servers import Server

NODE = Path(__file__).parents[1] / "node"
TICK_MILLISECONDS = 5
# Two speeds: nine of ten jobs take half the mean, one takes 5.5 times it; squared coefficient of variation 2.25.
FAST_SHARE, FAST, SLOW = 0.9, 0.5, 5.5
# Bursty: intervals of two exponentials with balanced means, squared coefficient of variation 4.
BURST_SCV = 4.0

Timetable = list[tuple[float, int]]


def timetable(seed: int, jobs: int, per_second: float, service_seconds: float, kind: str) -> Timetable:
    """(second, milliseconds of work) of each job; `kind` is such as `bursty lognormal`."""
    random = np.random.default_rng(seed)
    arrivals, service = kind.split()
    gaps = random.exponential(1 / per_second, jobs)
    if arrivals == "bursty":
        share = (1 + np.sqrt((BURST_SCV - 1) / (BURST_SCV + 1))) / 2
        gaps /= 2 * np.where(random.random(jobs) < share, share, 1 - share)
    if service == "lognormal":
        sigma = np.sqrt(np.log(2.0))
        seconds = service_seconds * random.lognormal(-(sigma**2) / 2, sigma, jobs)
    else:
        seconds = service_seconds * np.where(random.random(jobs) < FAST_SHARE, FAST, SLOW)
    return [(float(at), max(1, round(1000 * s))) for at, s in zip(np.cumsum(gaps), seconds, strict=True)]


@dataclass(frozen=True, slots=True)
class Run:
    """One run: its trace, and how the machine was. `late_ms` is how late an idle program was at most."""

    trace: Path
    late_ms: float
    machine_load: float


class Machine:
    """A Redis, and an idle program that tells how late the machine was."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self.preferred = prefer()
        if self.preferred:
            self._stack.callback(os.sched_setscheduler, 0, os.SCHED_OTHER, os.sched_param(0))
        self._server = Server("redis7", self.folder / "redis").start()
        self._stack.callback(self._server.stop)
        self._ticker = Program(["node", "timed.mjs", "tick", str(TICK_MILLISECONDS)], cwd=NODE)
        self._stack.callback(self._ticker.stop)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def run(self, name: str, jobs: Timetable, slots: int, processes: int) -> Run:
        """The timetable worked off by real workers, `slots` in all, and its trace."""
        plan, trace = self.folder / f"{name}.json", self.folder / f"{name}.csv"
        plan.write_text(json.dumps(jobs))
        with ExitStack() as stack:
            for each in _shares(slots, processes):
                worker = Program(self._node("work", name, str(each)), cwd=NODE)
                stack.callback(worker.stop)
                worker.wait_for("ready")
            producer = Program(self._node("add", name, str(plan)), cwd=NODE)
            stack.callback(producer.stop)
            producer.wait_for("warm")
            recorder = Program(self._record(name, trace))
            stack.callback(recorder.stop, signal.SIGINT)
            recorder.wait_for("recording")
            self._lateness()
            producer.tell("go")
            producer.wait_for("done", seconds=jobs[-1][0] + 60)
            late = self._lateness()
            _wait_for_rows(trace, len(jobs))
        return Run(trace, late, os.getloadavg()[0])

    def _node(self, verb: str, *rest: str) -> list[str]:
        return ["node", "timed.mjs", verb, self._server.url, *rest]

    def _record(self, name: str, trace: Path) -> list[str]:
        options = ["--redis", self._server.url, "--queue", name, "--out", str(trace)]
        return [sys.executable, "-m", "exporter", "record", *options]

    def _lateness(self) -> float:
        """Milliseconds the idle program was late at most since this was asked last."""
        seen = len(self._ticker.lines)
        self._ticker.tell("how late?")
        return float(self._ticker.wait_for("late", after=seen).split()[1])


def prefer() -> bool:
    """Let what is started from here on come before other programs of the machine, where the system allows it."""
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    except PermissionError:
        return False
    return True


def _shares(slots: int, processes: int) -> list[int]:
    return [len(part) for part in np.array_split(range(slots), processes)]


def _wait_for_rows(trace: Path, count: int, seconds: float = 20) -> None:
    """Until the recorder has written all attempts. Raises ProgramError."""
    deadline = time.monotonic() + seconds
    while (rows := _rows(trace)) < count:
        if time.monotonic() > deadline:
            raise ProgramError(f"{trace.name} holds {rows} of {count} attempts")
        time.sleep(0.02)


def _rows(trace: Path) -> int:
    with trace.open(newline="") as file:
        return max(0, sum(1 for _ in csv.reader(file)) - 1)
