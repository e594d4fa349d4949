"""This file knows what the overview needs: all queues against bounds and ceilings, worst first; then the targets."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd

from dashboard import trends
from dashboard.alerting.firing import alarm
from dashboard.capacity import UNKNOWN, Capacity, capacity, slots_in_file
from dashboard.growth import Growth, growth
from dashboard.page import Page
from dashboard.queue_now import QueueNow
from dashboard.queues_now import queues_now
from dashboard.redis_now import fullest_now, redis_now
from dashboard.scorecard import Seen, Target, scorecard
from dashboard.slots_seen import slots_seen
from dashboard.sources.asking import at_once
from dashboard.standing import Standing, standings
from dashboard.trends import total
from dashboard.webhooks import webhooks
from exporter import catalogue as c
from planner.file.claims import ClaimsWords


@dataclass(frozen=True, slots=True)
class Overview:
    """What the cards and the worst queues are drawn from: first, for a source may be slow."""

    queues: tuple[QueueNow, ...]
    standings: tuple[Standing, ...]
    capacity: Capacity
    fullest: tuple[str, float] | None
    growth: Growth
    processed_ratio: float | None
    peak_per_hour: float | None
    claims: ClaimsWords

    @property
    def seconds(self) -> float:
        """How much time rates of now are taken over."""
        return self.queues[0].seconds if self.queues else 0.0

    @property
    def failure_ratio(self) -> float | None:
        ended = sum(queue.finished or 0.0 for queue in self.queues)
        return sum(queue.failed or 0.0 for queue in self.queues) / ended if ended else None

    @property
    def waits(self) -> dict[float, float]:
        """All queues' recent waits as one histogram."""
        return together([queue.waits for queue in self.queues])


def together(histograms: list[dict[float, float]]) -> dict[float, float]:
    """Cumulative counts added up; only edges that all have that counted anything."""
    full = [one for one in histograms if one.get(float("inf"))]
    edges = set.intersection(*(set(one) for one in full)) if full else set()
    return {edge: sum(one[edge] for one in full) for edge in edges}


def overview(page: Page) -> Overview:
    """Raises SourceError."""
    found: list[Any] = at_once(
        partial(queues_now, page.source, page.recent),
        partial(trends.pace, page.source, page.span),
        # Steps, of each of which the copy that saw most counts, add up to more: an error twice is an error too many.
        partial(page.source.increase, c.PROCESSED, ("status",), page.span.whole()),
        partial(growth, page.source, page.now_seconds),
        partial(fullest_now, page.source, page.recent),
    )
    queues, pace, ended, growing, fullest = found
    whole = queues_capacity(page, tuple(queues))
    return Overview(
        queues=tuple(queues),
        standings=tuple(standings(queues, whole.queues, page.thresholds)),
        capacity=whole,
        fullest=fullest,
        growth=growing,
        processed_ratio=processed_ratio(ended),
        peak_per_hour=peak_per_hour(pace),
        claims=page.file.claims if page.file is not None else ClaimsWords(),
    )


def targets(page: Page, seen: Overview) -> tuple[Target, ...]:
    """The report's. Raises SourceError."""
    redis, hooks = redis_now(page.source, page.recent), webhooks(page.source, seen.queues, page.recent)
    range_name = f"the last {page.range_name}"
    parts = seen.queues, seen.capacity, redis, seen.claims, seen.processed_ratio, seen.peak_per_hour
    return scorecard(Seen(*parts, range_name, hooks))


def asked_next(page: Page, seen: Overview) -> tuple[Callable[[], object], ...]:
    """What the screen draws below the cards, in that order."""
    over_time = (trends.waits, trends.work, trends.connections)
    return (
        partial(alarm, page.source),
        *(partial(one, page.source, page.span) for one in over_time),
        partial(redis_now, page.source, page.recent),
        partial(webhooks, page.source, seen.queues, page.recent),
    )


def queues_capacity(page: Page, queues: tuple[QueueNow, ...]) -> Capacity:
    """Slots from the file; for the rest what was seen while all workers were saturated; else not known."""
    names = [queue.name for queue in queues]
    slots = slots_in_file(page.file, names)
    if set(names) - set(slots):
        slots = {**slots_seen(page.source, page.span), **slots}
    return capacity(queues, {name: slots.get(name, UNKNOWN) for name in names})


def processed_ratio(ended: pd.DataFrame) -> float | None:
    """Jobs that did not fail in the end, over all that ended in the range."""
    finished = float(total(ended).sum())
    failed = float(ended[("failed",)].sum()) if ("failed",) in ended.columns else 0.0
    return 1 - failed / finished if finished > 0 else None


def peak_per_hour(pace: pd.DataFrame) -> float | None:
    """The busiest step of the range."""
    if "finished" not in pace or not pace["finished"].notna().any():
        return None
    return float(pace["finished"].max())
