"""This file knows a plan as plain words: the planner's file, how it is read, written, and split into two fleets."""

from collections.abc import Mapping
from typing import Any

import yaml

from planner.errors import BadInput
from planner.file.queue_file import AskedFile, read_document

Document = Mapping[str, Any]
# libyaml writes the same text several times faster; a Python without it has the other.
_DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
_LOAD = ("jobs_per_hour", "share", "arrivals")
# What a queue of today takes from the same queue as proposed, where it does not say it itself.
_WORK = (*_LOAD, "service", "retries", "rate_limit", "objectives")


def read(document: Document, name: str) -> AskedFile:
    """The file as the planner's command reads it. Raises BadInput: one line, with the line of the written plan."""
    try:
        return read_document(name, "", document)
    except BadInput:
        text = as_yaml(document)
        return read_document(name, text, yaml.safe_load(text))


def as_yaml(document: Document) -> str:
    """The planner's file, with a line for each short thing."""
    return str(
        yaml.dump(
            dict(document),
            Dumper=_DUMPER,
            sort_keys=False,
            allow_unicode=True,
            width=110,
            default_flow_style=None,
        )
    )


def names(document: Document) -> list[str]:
    """The queues of the file in its order."""
    return [entry["name"] for entry in document["queues"]]


def proposed(document: Document) -> Document:
    """The queues as proposed alone."""
    return {word: value for word, value in document.items() if word != "today"}


def today(document: Document) -> Document | None:
    """The queues as they are now as a file of its own, with the work of the proposed ones; None where not told."""
    if not document.get("today"):
        return None
    known = {entry["name"]: entry for entry in document["queues"]}
    queues = [_with_work_of(known.get(entry["name"], {}), entry) for entry in document["today"]]
    return {**proposed(document), "queues": queues}


def _with_work_of(proposed: Mapping[str, Any], entry: Mapping[str, Any]) -> dict[str, Any]:
    has_load = any(word in entry for word in _LOAD)
    words = [word for word in _WORK if not (has_load and word in _LOAD)]
    return {**{word: proposed[word] for word in words if word in proposed}, **entry}
