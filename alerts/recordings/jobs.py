"""This file knows the recordings of finished jobs: counts, ratios, throughput and demand over windows."""

from collections.abc import Iterator

from alerts import names as n
from alerts.recordings.base import RATE_WINDOW
from alerts.rules import DAY, HOUR, MINUTE, Ground, Recording, label
from exporter import catalogue as c

SHORT = {"15m": 15 * MINUTE, "30m": 30 * MINUTE, "1h": HOUR, "2h": 2 * HOUR}
LONG = {"6h": 6 * HOUR, "1d": DAY, "3d": 3 * DAY}
WINDOWS = {**SHORT, **LONG}
_FAILED = label("status", "failed")


def counts(g: Ground) -> Iterator[Recording]:
    """Jobs that ended in each window. A window ends with the queue: what was deleted is not counted on."""
    for window, seconds in SHORT.items():
        total = f"{g.over('sum', n.RATE, seconds)} * {g.pace.interval:g}"
        yield Recording(n.increase(window), f"{total} and {n.RATE}")
    for window, seconds in LONG.items():
        yield Recording(n.increase(window), f"{g.over('sum', n.TILE, seconds)} and {n.RATE}")
    for window in WINDOWS:
        yield Recording(n.finished(window), f"sum without (status) ({n.increase(window)})")
        if window != "15m":
            yield Recording(n.failed_ratio(window), _ratio(n.increase(window), n.finished(window)))
    yield Recording(n.failed_ratio("5m"), _ratio(n.RATE, f"sum without (status) ({n.RATE})"))


def fills_seconds(g: Ground, window_seconds: float) -> float:
    """When a count over a window holds nothing of before: the oldest rate that it adds up looks back as well."""
    return window_seconds - g.pace.interval_seconds + RATE_WINDOW


def _ratio(by_status: str, total: str) -> str:
    """Nothing finished, no sample: 0/0 never enters a recording."""
    return f"{by_status}{{{_FAILED}}} / ignoring (status) ({total} > 0)"


def coverage(g: Ground) -> Iterator[Recording]:
    """The share of a long window that holds counts of this queue."""
    yield Recording(n.seen_ratio("1h"), _seen(g.over("count", n.RATE, HOUR), g.pace.samples(HOUR)))
    for window, seconds in LONG.items():
        yield Recording(n.seen_ratio(window), _seen(g.over("count", n.TILE, seconds), seconds // 300))


def _seen(counted: str, all_samples: int) -> str:
    return f"max without (status) ({counted}) / {all_samples}"


def throughput(g: Ground) -> Iterator[Recording]:
    """Finished jobs an hour, and those that could have been, nothing held back counted."""
    yield Recording(n.per_hour("queue"), f"{n.finished('30m')} * {2 * g.pace.speed:g}")
    yield Recording(n.per_hour("redis"), f"sum without (prefix, queue) ({n.per_hour('queue')})")
    runs = f"(1 - {n.BLOCKED_30M})"
    # What is held at some moment is nothing at that moment, and the least of a window is what counts.
    yield Recording(n.DEMAND, f"{n.READY} * (1 - {n.HELD})")
    yield Recording(n.REDIS_DEMAND, f"sum without (prefix, queue) ({n.DEMAND})")
    # What waited at the start plus what arrived is what was finished plus what waits now; so said, a
    # delayed job counts from the moment on which it is due.
    yield Recording(
        n.demand_per_hour("queue"), f"({n.finished('30m')} + {n.READY}) * {2 * g.pace.speed:g} * {runs}"
    )
    yield Recording(n.demand_per_hour("redis"), f"sum without (prefix, queue) ({n.demand_per_hour('queue')})")


def backlog(g: Ground) -> Iterator[Recording]:
    """How long the ready jobs would take, and how long the oldest has waited."""
    rate = f"({n.finished('15m')} > 0) / {15 * MINUTE / g.pace.speed:g}"
    yield Recording(n.DRAIN, f"{n.READY} / ({rate})")
    if g.config.profile == "bullgauge":
        yield Recording(n.OLDEST_AGE, f"time() - {g.gauge(c.OLDEST_WAITING)}")


def requeues(g: Ground) -> Iterator[Recording]:
    """Attempts that went back to the queue."""
    for window in ("15m", "30m"):
        yield Recording(n.requeued(window), g.increase(c.REQUEUED, SHORT[window]))
    back = f"sum without (reason) ({n.requeued('30m')}{{{label('reason', 'delayed', 'waiting')}}})"
    yield Recording(n.RETRY_RATIO, f"{back} / (({back} + {n.finished('30m')}) > 0)")
