"""Knows the pages of the documents, their fenced blocks, and what the four commands say of themselves."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.servers import missing

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("docs/**/*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"])
PACKAGES = ("exporter", "planner", "alerts", "dashboard")
FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def blocks(language: str, pages: list[Path] = PAGES) -> list[Any]:
    """(page, text) of every fenced block in a language, as test parameters named after page and line."""
    found = []
    for page in pages:
        text = page.read_text()
        for match in FENCE.finditer(text):
            if match[1] == language:
                line = text.count("\n", 0, match.start()) + 1
                found.append(pytest.param(page, match[2], id=f"{name(page)}:{line}"))
    return found


def environment() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if not key.startswith("BULLGAUGE_")}


def run(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, text=True, cwd=ROOT, env=environment(), timeout=60, **options)


@cache
def help_text(package: str, verb: str = "") -> str:
    return run(
        [sys.executable, "-m", package, *verb.split(), "--help"], check=True, capture_output=True
    ).stdout


@cache
def verbs(package: str) -> tuple[str, ...]:
    """The verbs that a command's help lists, each on a line of its own, indented by four."""
    return tuple(re.findall(r"^    ([a-z][a-z-]*)(?:  |$)", help_text(package), re.MULTILINE))


def options(package: str, verb: str = "") -> set[str]:
    return set(re.findall(r"(?<![\w-])--[a-z][\w-]*", help_text(package, verb).partition("\nexample")[0]))


@cache
def all_text() -> str:
    return "\n".join(page.read_text() for page in PAGES)


def tool(command: str) -> list[str]:
    """A command line of somebody else's tool as an argument list; the test is skipped, or fails in CI, without it."""
    words = shlex.split(command)
    if shutil.which(words[0]) is None:
        missing(words[0], f"apt-get install {'prometheus' if words[0] == 'promtool' else words[0]}")
    return words
