"""This file knows how promtool and amtool are run, where they are installed."""

import os
import shutil
import subprocess
from pathlib import Path

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


def promtool_check(folder: Path) -> list[str]:
    """What promtool finds in the rules; nothing where it is not installed."""
    return _findings("promtool", "check", "rules", "--lint=all", "--lint-fatal", str(folder / RULES))


def amtool_check(folder: Path) -> list[str]:
    """What amtool finds in the routes; nothing where it is not installed."""
    return _findings("amtool", "check-config", str(folder / ALERTMANAGER))


def _findings(*command: str) -> list[str]:
    if shutil.which(command[0]) is None:
        return []
    status, text = run(*command)
    return [] if status == 0 else [f"{command[0]}: {' '.join(text.split())}"]
