"""This file knows what the running dashboard has opened: its settings, its source and the user's file, once for all."""

from dataclasses import dataclass

from dashboard.settings import Settings
from dashboard.sources.shared import SharedSource
from dashboard.user_file import UserFile


@dataclass(frozen=True, slots=True)
class Opened:
    """What all viewers share. `note` is a line about the source that stands on every screen."""

    settings: Settings
    source: SharedSource
    file: UserFile
    note: str = ""


_opened: list[Opened] = []
"""The script of the page is run anew for each look of each viewer, and finds here what the command has opened."""


def keep(opened: Opened) -> None:
    _opened[:] = [opened]


def kept() -> Opened:
    return _opened[0]
