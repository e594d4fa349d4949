"""Knows how the four commands are read: mistakes are told in one line, durations take units, Ctrl-C is an end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from exporter import __version__
from exporter.durations import seconds
from tests.documents import PACKAGES, ROOT, run
from tests.processes import Program


def asked(package: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run([sys.executable, "-m", package, *arguments], capture_output=True)


@pytest.mark.parametrize("package", PACKAGES)
def test_the_version_is_that_of_the_package(package: str) -> None:
    assert asked(package, "--version").stdout == f"bullgauge {__version__}\n"


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("exporter smaple", "VERB: invalid choice: 'smaple'"),
        ("exporter --lisen :1", "unrecognized arguments: --lisen :1; see bullgauge-exporter --help"),
        ("exporter record --for soon", "--for: 'soon' is not a duration: write seconds (2) or a unit"),
        ("planner", "the following arguments are required: VERB; see bullgauge-planner --help"),
        ("planner predict", "no queues; give FILE, or flags such as --set email.jobs_per_hour=3000"),
        ("planner replay x.csv --slots 0", "--slots: 0: give a whole number from 1 to 100000"),
        ("alerts", "the following arguments are required: VERB; see bullgauge-alerts --help"),
        (
            "alerts generate",
            "the following arguments are required: --out; see bullgauge-alerts generate --help",
        ),
        (
            "dashboard",
            "one of the arguments --prometheus --exporter --demo is required; see bullgauge-dashboard",
        ),
        (
            "dashboard --demo --timeout long",
            "--timeout: 'long' is not a duration: write seconds (2) or a unit",
        ),
    ],
)
def test_a_command_that_can_not_be_read_is_told_in_one_line(command: str, said: str) -> None:
    package, *arguments = command.split()
    done = asked(package, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"bullgauge-{package}: {said}") and done.stderr.count("\n") == 1


def test_ctrl_c_ends_a_command_without_a_traceback(tmp_path: Path) -> None:
    pipe = tmp_path / "fleet.yaml"
    os.mkfifo(pipe)
    program = Program([sys.executable, "-m", "planner", "predict", str(pipe)], cwd=ROOT)
    with pipe.open("w"):  # which waits until the command has begun to read
        # Python misses a signal that comes just before a read blocks, until the next one: then it is pressed again.
        program.process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            program.process.wait(10)
        assert program.stop(signal.SIGINT, seconds=30) == 130
    assert program.lines == []


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("90", 90),
        ("0.5", 0.5),
        (2, 2),
        ("800ms", 0.8),
        ("2s", 2),
        ("10m", 600),
        ("1min", 60),
        ("24h", 86400),
        ("7d", 604800),
    ],
)
def test_a_duration_is_read_in_every_unit(written: object, found: float) -> None:
    assert seconds(written) == found


@pytest.mark.parametrize("written", ["", "soon", "nan", "5 weeks", "1h30m", True, None])
def test_what_is_no_duration_is_refused_with_the_ways_to_write_one(written: object) -> None:
    with pytest.raises(ValueError, match="is not a duration: write seconds"):
        seconds(written)
