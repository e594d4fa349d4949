"""This file knows the live workload as a plan: what was seen, fitted by the planner, on the slots that are known."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from dashboard.capacity import slots_in_file
from dashboard.plan.document import Document
from planner.file.queue_file import AskedFile
from planner.fit.fitting import Fitted, fit_all
from planner.fit.observed import Observed
from planner.fit.slots import slots_of
from planner.fit.words import queue_words

_FITTED = {"jobs_per_hour", "share", "arrivals", "service", "retries"}
_OF_THE_PLAN = {"queues", "today", "jobs_per_hour"}


@dataclass(frozen=True, slots=True, eq=False)
class Live:
    """The planner's file made of what was seen; None without a queue that can be planned.

    `remarks` and `left_out` hold by queue what is doubtful, and why a queue is not in the plan.
    """

    document: Document | None
    remarks: Mapping[str, tuple[str, ...]]
    left_out: Mapping[str, str]


def live(found: Mapping[str, Observed], file: AskedFile | None, document: Document | None) -> Live:
    """`file` and `document` are the user's, which knows the slots."""
    slots, kept = slots_in_file(file, list(found)), _kept(document)
    known = {name: one.count for name, one in slots.items()}
    asked = [(_to_fit(seen, known.get(name)), known.get(name)) for name, seen in found.items()]
    fits = dict(zip(found, fit_all(asked), strict=True))
    planned = {name: one for name, one in fits.items() if one.workload is not None and one.slots.count}
    entries = [_entry(one, name, kept.get(one.observed.queue, {})) for name, one in planned.items()]
    beside = {word: value for word, value in (document or {}).items() if word not in _OF_THE_PLAN}
    return Live(
        document={**beside, "queues": entries} if entries else None,
        remarks={name: _remarks(one) for name, one in planned.items()},
        left_out={name: _why(one) for name, one in fits.items() if name not in planned},
    )


def _to_fit(seen: Observed, slots: int | None) -> Observed:
    """A queue without slots can't be planned, so the law that its buckets follow is not looked for."""
    return seen if slots_of(seen, slots).count is not None else replace(seen, durations=None)


def _kept(document: Document | None) -> dict[str, Mapping[str, Any]]:
    """The user's words of each queue that a fit does not replace; today's where the file tells of today."""
    entries = [*(document or {}).get("queues", ()), *((document or {}).get("today") or ())]
    return {
        entry["name"]: {word: value for word, value in entry.items() if word not in _FITTED}
        for entry in entries
    }


def _entry(fitted: Fitted, name: str, kept: Mapping[str, Any]) -> dict[str, Any]:
    words = queue_words(fitted, name)
    if {"slots", "concurrency"} & set(kept):
        words.pop("slots", None)
    return {**words, **kept, "name": name}


def _remarks(fitted: Fitted) -> tuple[str, ...]:
    bound = fitted.slots.kind == "lower bound"
    return ((f"slots are a lower bound: {fitted.slots.why}",) if bound else ()) + fitted.doubts


def _why(fitted: Fitted) -> str:
    if fitted.workload is None:
        return fitted.why
    return f"{fitted.slots.why}: give --config"
