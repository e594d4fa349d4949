"""This file knows how the user's file becomes queues with slots (the planner's) and thresholds (the alerts')."""

from dataclasses import dataclass
from pathlib import Path

import yaml

from alerts.config_file import ConfigError, parse
from alerts.thresholds import Thresholds
from dashboard.settings import SettingsError
from planner.errors import BadInput
from planner.file.bounds import BLOCKS
from planner.file.document import parsed
from planner.file.queue_file import AskedFile, read_document


class FileError(SettingsError):
    """The file can't be used; the text is one line: where, which value, which rule, what to do."""


@dataclass(frozen=True, slots=True)
class UserFile:
    """What the user's file says; without one, thresholds are the documented defaults."""

    thresholds: Thresholds
    asked: AskedFile | None = None
    path: Path | None = None


def read(path: Path | None) -> UserFile:
    """Raises FileError."""
    if path is None:
        return UserFile(parse("", "defaults").ground.thresholds)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FileError(
            f"{path}: {getattr(error, 'strerror', None) or error}; give --config a readable file"
        ) from error
    return understood(text, path)


def understood(text: str, path: Path) -> UserFile:
    """The file at `path`, whose text is given. Raises FileError."""
    try:
        document = parsed(str(path), text)
        asked = read_document(str(path), text, document)
        blocks = {name: document[name] for name in BLOCKS if isinstance(document, dict) and name in document}
        thresholds = parse(yaml.safe_dump(blocks), str(path)).ground.thresholds
    except (BadInput, ConfigError) as error:
        raise FileError(str(error)) from error
    return UserFile(thresholds, asked, path)
