"""Knows how many slots a queue has, as far as that can be known: said by the user, a lower bound seen, or neither."""

import math
from dataclasses import dataclass
from typing import Literal

from planner.fit.observed import Observed


@dataclass(frozen=True, slots=True)
class Slots:
    """`count` is None where it can't be known; `why` says where it comes from, or what would tell it."""

    kind: Literal["known", "lower bound", "unknown"]
    count: int | None
    why: str


def slots_of(seen: Observed, given: int | None = None) -> Slots:
    """The user's number, else the most jobs at work per worker while no worker had a free slot, else unknown."""
    if given is not None:
        return Slots("known", given, "as given")
    if seen.crowded:
        return _while_crowded(seen)
    if seen.source == "trace" and seen.active_most:
        return Slots("lower bound", round(seen.active_most), "most attempts that ran at the same time")
    return Slots("unknown", None, _what_would_tell(seen))


def _while_crowded(seen: Observed) -> Slots:
    """Jobs at work ÷ workers while all were saturated, times the workers seen last. Concurrency is not in Redis."""
    fullest = max(seen.crowded, key=lambda moment: moment.active_per_worker)
    count = math.floor(fullest.active_per_worker * seen.crowded[-1].workers + 1e-9)
    moments = f"{len(seen.crowded)} moment{'s' if len(seen.crowded) > 1 else ''}"
    why = f"{fullest.active:g} active on {fullest.workers:g} workers while all were saturated, {moments} seen"
    return Slots("lower bound", max(count, 1), why)


def _what_would_tell(seen: Observed) -> str:
    reason = seen.absent.get("crowded", "no moment was seen at which every worker was saturated")
    return f"capacity can't be known: {reason}; give the slots"
