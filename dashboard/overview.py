"""This file knows what the overview needs: all queues against bounds and ceilings, worst first, and the targets."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import pandas as pd

from dashboard import trends
from dashboard.alerting.firing import Alarm, alarm
from dashboard.capacity import UNKNOWN, Capacity, capacity, slots_in_file
from dashboard.growth import Growth, growth
from dashboard.page import Page
from dashboard.queue_now import QueueNow
from dashboard.queues_now import queues_now
from dashboard.redis_now import RedisNow, redis_now
from dashboard.scorecard import Seen, Target, scorecard
from dashboard.slots_seen import slots_seen
from dashboard.sources.asking import ahead
from dashboard.sources.shared import SharedSource
from dashboard.standing import Standing, standings
from dashboard.trends import total
from dashboard.webhooks import webhooks
from exporter import catalogue as c
from planner.file.claims import ClaimsWords


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything that the screen draws, but the charts over time."""

    queues: tuple[QueueNow, ...]
    standings: tuple[Standing, ...]
    capacity: Capacity
    redis: RedisNow
    growth: Growth
    alarm: Alarm
    targets: tuple[Target, ...]
    processed_ratio: float | None
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
    if isinstance(page.source, SharedSource):
        ahead(*_wanted_later(page))
    queues = tuple(queues_now(page.source, page.recent))
    whole = queues_capacity(page, queues)
    redis = redis_now(page.source, page.recent)
    claims = page.file.claims if page.file is not None else ClaimsWords()
    pace = trends.pace(page.source, page.span)
    # Steps, of each of which the copy that saw most counts, add up to more: an error twice is an error too many.
    ended = page.source.increase(c.PROCESSED, ("status",), page.span.whole())
    processed, peak = processed_ratio(ended), peak_per_hour(pace)
    hooks = webhooks(page.source, queues, page.recent)
    seen = Seen(queues, whole, redis, claims, processed, peak, f"the last {page.range_name}", hooks)
    return Overview(
        queues=queues,
        standings=tuple(standings(queues, whole.queues, page.thresholds)),
        capacity=whole,
        redis=redis,
        growth=growth(page.source, page.now_seconds),
        alarm=alarm(page.source),
        targets=scorecard(seen),
        processed_ratio=processed,
        claims=claims,
    )


def _wanted_later(page: Page) -> tuple[Callable[[], object], ...]:
    """What needs no answer about queues: a server far away answers it meanwhile."""
    return (
        partial(trends.pace, page.source, page.span),
        partial(page.source.increase, c.PROCESSED, ("status",), page.span.whole()),
        partial(growth, page.source, page.now_seconds),
        partial(alarm, page.source),
        partial(redis_now, page.source, page.recent),
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
