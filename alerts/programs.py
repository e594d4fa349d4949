"""This file knows how promtool and amtool are run, where they are installed."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from alerts.config import numbers
from alerts.output import ALERTMANAGER, RULES

LIMIT_SECONDS = 1800


def run(*command: str) -> tuple[int, str]:
    """A program's exit status and everything that it wrote."""
    done = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )
    return done.returncode, done.stdout


def rule_tests(promtool: str, file: Path) -> tuple[int, str]:
    """Exit status and words of `promtool test rules`."""
    # promtool keeps little and throws away much: with a collector that runs less often it needs a fifth less time.
    return run("env", f"GOGC={os.environ.get('GOGC', '400')}", promtool, "test", "rules", str(file))


def unfit(tool: str, version: str) -> str:
    """Why an installed tool, or none, can't judge files that are written for this version; empty where it can."""
    if shutil.which(tool) is None:
        return f"{tool} is not installed"
    found = re.search(r"version (\d+(?:\.\d+)+)", run(tool, "--version")[1])
    if found is not None and numbers(found[1]) < numbers(version):
        return f"{tool} {found[1]} is older than {version}, for which the files are written"
    return ""


def promtool_check(folder: Path) -> list[str]:
    """What promtool finds in the rules."""
    return _findings("promtool", "check", "rules", "--lint=all", "--lint-fatal", str(folder / RULES))


def amtool_check(folder: Path) -> list[str]:
    """What amtool finds in the routes."""
    return _findings("amtool", "check-config", str(folder / ALERTMANAGER))


def _findings(*command: str) -> list[str]:
    status, text = run(*command)
    return [] if status == 0 else [f"{command[0]}: {' '.join(text.split())}"]
