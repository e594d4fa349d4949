"""Knows the files of a report: one HTML page that needs no other, and Markdown with its charts beside it."""

from collections.abc import Sequence
from pathlib import Path

from planner.report.blocks import Block, Chart, markdown
from planner.report.chapters import TITLE
from planner.report.page import page


def write(folder: Path, parts: Sequence[Block]) -> list[str]:
    """The names of the two that were written for people. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    for part in parts:
        if isinstance(part, Chart):
            (folder / f"{part.name}.svg").write_text(part.svg + "\n", encoding="utf-8")
    (folder / "report.md").write_text(markdown(parts), encoding="utf-8")
    (folder / "report.html").write_text(page(TITLE, parts), encoding="utf-8")
    return ["report.html", "report.md"]
