"""Knows the user's file beside a fit: where slots come from, and what is kept of it in the fitted file."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from planner.errors import BadInput
from planner.file.document import parsed
from planner.file.queue_file import FileWords
from planner.file.reading import checked

# What a fit replaces in a queue's entry.
FITTED = ("jobs_per_hour", "share", "arrivals", "service", "retries")
CAPACITY = ("slots", "concurrency", "workers")


@dataclass(frozen=True, slots=True)
class KnownFleet:
    """Slots and the rest of each queue's entry by name; `beside` is what the file holds beside queues."""

    slots: dict[str, int]
    entries: dict[str, dict[str, Any]]
    beside: dict[str, Any]

    def kept(self, name: str) -> dict[str, Any]:
        """The entry of a queue without what a fit replaces."""
        return {word: value for word, value in self.entries.get(name, {}).items() if word not in FITTED}


def read_fleet(path: Path | None, given: list[str]) -> KnownFleet:
    """From the user's file and `QUEUE=N` options, which go first. Raises BadInput."""
    fleet = _from_file(path) if path is not None else KnownFleet({}, {}, {})
    for text in given:
        name, _, number = text.rpartition("=")
        if not name or not number.isdecimal() or not 1 <= int(number) <= 100_000:
            raise BadInput(f"--slots {text}: write QUEUE=N, such as email=25")
        fleet.slots[name] = int(number)
        entry = fleet.entries.get(name, {})
        fleet.entries[name] = {word: value for word, value in entry.items() if word not in CAPACITY}
    return fleet


def _from_file(path: Path) -> KnownFleet:
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: {getattr(error, 'strerror', None) or error}") from None
    document = parsed(str(path), text)
    whole = {"queues": document} if isinstance(document, list) else document
    try:
        words = checked(FileWords, whole)
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from None
    slots = {
        entry.name: entry.slots or entry.concurrency * entry.workers
        for entry in words.queues
        if entry.slots or entry.concurrency
    }
    entries = {entry["name"]: dict(entry) for entry in whole["queues"]}
    beside = {
        word: value for word, value in whole.items() if word not in ("queues", "today", "jobs_per_hour")
    }
    return KnownFleet(slots, entries, beside)
