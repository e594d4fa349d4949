"""This file knows how the files get into a folder, all or none, and how a folder differs from them."""

import difflib
from collections.abc import Iterator, Mapping
from errno import EISDIR
from pathlib import Path

from alerts.output import DASHBOARDS, RUNBOOKS

OURS = ((DASHBOARDS, "bullgauge-*.json"), (RUNBOOKS, "Bull*.md"))
"""Where files of an earlier run may lie that are no longer made."""


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Put all files in place. They are written beside their places first, so a full disk leaves the old ones whole.

    Raises OSError.
    """
    waiting: list[tuple[Path, Path]] = []
    made: list[Path] = []
    try:
        for name, text in files.items():
            place = folder / name
            made += _made(place.parent)
            beside = place.with_name(f".{place.name}.new")
            waiting.append((beside, place))
            _fill(beside, text, place)
        for _, place in waiting:
            if place.is_dir():  # found before the first file is replaced, not in the midst of them
                raise IsADirectoryError(EISDIR, "a folder is where a file belongs", str(place))
        for beside, place in waiting:
            beside.replace(place)
    finally:
        for beside, _ in waiting:
            beside.unlink(missing_ok=True)
        for empty in reversed(made):
            if not any(empty.iterdir()):
                empty.rmdir()
    for stale in _stale(folder, files):
        stale.unlink()


def _made(folder: Path) -> list[Path]:
    """The folders that had to be made for this one, the outermost first."""
    absent = [one for one in (folder, *folder.parents) if not one.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    return absent[::-1]


def _fill(beside: Path, text: str, place: Path) -> None:
    try:
        beside.write_text(text, encoding="utf-8")
    except OSError as error:
        # A disk that is full is told without the name of the file.
        raise OSError(error.errno, error.strerror, str(place)) from error


def _stale(folder: Path, files: Mapping[str, str]) -> Iterator[Path]:
    for below, pattern in OURS:
        for found in sorted((folder / below).glob(pattern)):
            if f"{below}/{found.name}" not in files:
                yield found


def differences(folder: Path, files: Mapping[str, str]) -> Iterator[str]:
    """Lines of a unified diff from the folder to the files."""
    for name, text in files.items():
        place = folder / name
        old = place.read_text(encoding="utf-8") if place.exists() else ""
        yield from difflib.unified_diff(
            old.splitlines(), text.splitlines(), str(place), f"{name} (generated)", lineterm="", n=1
        )
    for stale in _stale(folder, files):
        yield f"--- {stale}\n+++ (no longer generated)"
