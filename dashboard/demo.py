"""This file knows where the demo's figures come from: the exporter of a running `make run`, or a demo of its own."""

import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from dashboard.settings import SettingsError
from exporter.catalogue import REDIS_UP
from exporter.demo.plan import plan_text
from exporter.demo.processes import STOP_SECONDS, end_with_parent

RUNNING = "http://127.0.0.1:10577"
"""Where `make run` serves its page unless told otherwise."""
START = "import sys; from exporter.demo import run; sys.exit(run.run_demo(None, None, '127.0.0.1:0', open_on=None))"


@dataclass(frozen=True, slots=True)
class Demo:
    """Where its exporter is, and the planner's file of its queues."""

    url: str
    plan: str


@contextmanager
def demo_running() -> Iterator[Demo]:
    """The demo of `make run` when it runs, else one of its own, which ends with this. Raises SettingsError."""
    if _answers(RUNNING):
        yield Demo(RUNNING, plan_text())
        return
    child = subprocess.Popen(
        [sys.executable, "-P", "-c", START],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=end_with_parent,
    )
    try:
        yield Demo(_address(child), plan_text())
    finally:
        child.terminate()
        try:
            child.wait(4 * STOP_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/metrics", timeout=2) as answer:
            return REDIS_UP.name.encode() in answer.read()
    except OSError:
        return False


def _address(child: subprocess.Popen[str]) -> str:
    """What it prints beside `look at`; its last line when it ends instead."""
    assert child.stdout is not None
    last = "it wrote nothing"
    for line in child.stdout:
        if line.split()[:2] == ["look", "at"]:
            return line.split()[2].removesuffix("/metrics")
        last = line.strip() or last
    raise SettingsError(f"--demo: {last.removeprefix('bullgauge-exporter demo: ')}")
