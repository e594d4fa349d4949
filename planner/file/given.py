"""Knows how a verb is given its queues: a file, `--set FIELD=VALUE` flags, or a file with some fields set by flags."""

import argparse
import copy
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from planner.errors import BadInput
from planner.file.document import parsed
from planner.file.queue_file import AskedFile, read_document
from planner.file.settings import is_of_file, put, read_setting

NO_QUEUES = "no queues; give FILE, or flags such as --set email.jobs_per_hour=3000"


@dataclass(frozen=True, slots=True)
class Given:
    """What stands there before any field is set. Without a file (`path` is None), or queues in it, flags begin them."""

    path: Path | None
    text: str
    document: Any

    @property
    def is_without_queues(self) -> bool:
        return isinstance(self.document, dict) and "queues" not in self.document

    def check(self) -> None:
        """Raises BadInput where no field can be set, for the file was wrong before."""
        if not self.is_without_queues:
            self.with_fields({})

    def with_fields(self, fields: Mapping[str, Any]) -> AskedFile:
        """The file with other values. Raises BadInput."""
        if self.path is None and not fields:
            raise BadInput(NO_QUEUES)
        fresh = copy.deepcopy(self.document)
        if isinstance(fresh, list) and any(map(is_of_file, fields)):
            fresh = {"queues": fresh}
        elif fields and self.is_without_queues:
            fresh["queues"] = []
        for field, value in fields.items():
            put(fresh, field, value, begin=self.is_without_queues)
        told = " ".join(f"--set {field}={value}" for field, value in fields.items())
        label = f"{self.path} with {told}" if fields else str(self.path)
        return read_document("--set" if self.path is None else label, self.text, fresh)


def given(path: Path | None) -> Given:
    """Raises BadInput."""
    if path is None:
        return Given(None, "", {})
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: {getattr(error, 'strerror', None) or error}") from None
    return Given(path, text, parsed(str(path), text))


def asked_file(options: argparse.Namespace) -> AskedFile:
    """The file of a verb's options. Raises BadInput."""
    settings = [read_setting(text) for text in options.set]
    for setting in settings:
        if len(setting.values) > 1:
            raise BadInput(
                f"--set {setting.path}: {len(setting.values)} values; give one (bullgauge-planner whatif tries several)"
            )
    there = given(options.file)
    if settings:
        there.check()
    return there.with_fields({one.path: one.values[0] for one in settings})
