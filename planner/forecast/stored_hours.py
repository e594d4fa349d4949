"""Knows how many jobs of each queue started in each hour, as a Prometheus holds it.

An hour is the difference between what a counter held at its two ends. Where no exporter was there at both (one was
started anew, moved, or was not scraped), its smaller parts are asked for, in each of which one may have been.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from exporter import catalogue as c
from planner.errors import BadInput
from planner.fit.counters import Labels, Whose
from planner.fit.series_of_queues import by_queue, only
from planner.fit.steps_of_range import SCRAPES_A_STEP, scrape_seconds
from planner.forecast.counts import trimmed
from planner.forecast.hours import DAY_HOURS, HOUR, Hourly
from planner.laws.named import Vector
from planner.stored.ranges import Prometheus, Range

NAME = f"{c.JOB_WAIT.name}_count"
# Parts of an hour; the smallest that holds some scrapes is taken.
PART_SECONDS = (300.0, 600.0, 900.0, 1200.0, 1800.0)
# An hour of which less is known is unknown, not quiet.
LEAST_SHARE = 0.5
# A server that told nothing for so long before the end has the queue no more.
GONE_HOURS = DAY_HOURS


def counts_of_prometheus(
    server: Prometheus, begin: float, end: float, queues: Sequence[str]
) -> dict[str, Hourly]:
    """First starts by the hour; queues of one name on several servers are added up. Raises BadInput."""
    over = Range(math.floor(begin / HOUR) * HOUR, math.floor(end / HOUR) * HOUR, HOUR)
    if not over.moments:
        raise BadInput("--from: the range holds no whole hour")
    limit = (only(queues),) if queues else ()
    apart = scrape_seconds(server, begin, end)
    found = _whole(server, over, apart, limit)
    if not any(np.isfinite(counts).any() for counts in found.values()):
        raise BadInput(f"{server.address.shown}: holds no whole hour of a queue with {{{server.selector}}}")
    by_name: dict[str, list[Vector]] = {}
    for (_, _, queue), counts in found.items():
        by_name.setdefault(queue, []).append(counts)
    return {queue: trimmed(Hourly(over.begin, _added(each))) for queue, each in sorted(by_name.items())}


def _whole(server: Prometheus, over: Range, apart: float, limit: tuple[str, ...]) -> dict[Whose, Vector]:
    """The hours of each queue, mended from their parts."""
    grown = server.growth(NAME, HOUR, apart, *limit)
    held = by_queue(server, f"max without (instance, pod) (present_over_time({grown.counter}[1h]))", over)
    exact = by_queue(server, grown.exact, over)
    found = {whose: _only_one(exact.get(whose, {}), over) for whose in held}
    unsure = {
        whose: np.isfinite(_only_one(held[whose], over)) & np.isnan(counts) for whose, counts in found.items()
    }
    part = next((part for part in PART_SECONDS if part >= SCRAPES_A_STEP * apart - 1e-9), None)
    if part is None or not found:
        return found
    query = server.growth(NAME, part, apart, *limit).throughout
    for day in _days(np.any(list(unsure.values()), axis=0)):
        span = Range(over.begin + day.start * HOUR, over.begin + day.stop * HOUR, part)
        for whose, parts in by_queue(server, query, span).items():
            mended = _from_parts(_only_one(parts, span), day.stop - day.start)
            found[whose][day] = np.where(unsure[whose][day], mended, found[whose][day])
    return found


def _days(hours: NDArray[np.bool_]) -> list[slice]:
    """Days in which an hour is marked: few questions, each of a small answer."""
    return [
        slice(first, min(first + DAY_HOURS, len(hours)))
        for first in range(0, len(hours), DAY_HOURS)
        if hours[first : first + DAY_HOURS].any()
    ]


def _from_parts(parts: Vector, hours: int) -> Vector:
    """Hours as the mean of their known parts, where half of them are known."""
    each = parts.reshape(hours, -1)
    known = np.isfinite(each).sum(axis=1)
    mean = np.where(np.isfinite(each), each, 0.0).sum(axis=1) / np.maximum(known, 1)
    return np.asarray(np.where(known >= LEAST_SHARE * each.shape[1], mean * each.shape[1], np.nan))


def _only_one(series: Mapping[Labels, Vector], over: Range) -> Vector:
    return next(iter(series.values()), np.full(over.moments, np.nan))


def _added(each: Sequence[Vector]) -> Vector:
    """Servers together, where all are known; one has no jobs before it was there, nor once it is gone."""
    total = np.zeros(len(each[0]))
    anywhere = np.any([np.isfinite(counts) for counts in each], axis=0)
    for counts in each:
        known = np.flatnonzero(np.isfinite(counts))
        own = counts.copy()
        if len(known):
            own[: known[0]] = 0.0
            if len(counts) - 1 - known[-1] >= GONE_HOURS:
                own[known[-1] + 1 :] = 0.0
            total = total + own
    return np.asarray(np.where(anywhere, total, np.nan))
