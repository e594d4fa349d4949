"""This file knows how the exporter's series become the first recordings: one for each queue and Redis."""

from collections.abc import Callable, Iterator

from alerts import names as n
from alerts.promql import either
from alerts.rules import HOUR, MINUTE, Ground, Recording, label
from exporter import catalogue as c
from exporter.catalogue import Metric

COVERED = 0.9
"""Share of a window that must have been seen before the window counts."""
RATE_WINDOW = 5 * MINUTE
"""What one rate of finished jobs looks back over."""
Make = Callable[[Metric | str], str]
WINDOWS = {"15m": 15 * MINUTE, "30m": 30 * MINUTE, "2h": 2 * HOUR}


def visibility(g: Ground) -> Iterator[Recording]:
    """Whether this Redis can be seen now, and in which share of the last minutes it could."""
    yield Recording(n.EXPORTERS, g.raw(n.UP))
    yield Recording(n.UP_ANY, g.gauge(n.UP))
    yield from (_seen_by_bullmq() if g.config.profile == "bullmq" else _seen(g))
    for window, seconds in WINDOWS.items():
        share = f"{g.over('sum', n.VISIBLE, seconds)} / {g.pace.samples(seconds)}"
        yield Recording(n.visible_ratio(window), share)


def _seen(g: Ground) -> Iterator[Recording]:
    yield Recording(n.REDIS_UP, g.gauge(c.REDIS_UP))
    yield Recording(n.COLLECTED, g.gauge(c.SCRAPE_SUCCESS, label("collector", "queues", "events")))
    yield Recording(n.AGE, f"time() - {g.gauge(c.LAST_SUCCESS)}")
    seen = f"{n.REDIS_UP} * min without (collector) ({n.COLLECTED})"
    yield Recording(n.VISIBLE, either(seen, f"{n.UP_ANY} * 0"))


def _seen_by_bullmq() -> Iterator[Recording]:
    yield Recording(n.VISIBLE, n.UP_ANY)


def sizes(g: Ground) -> Iterator[Recording]:
    """Jobs by state, and those that a worker could take now."""
    source = n.BULLMQ_COUNT if g.config.profile == "bullmq" else c.SIZE
    yield Recording(n.SIZE, g.gauge(source))
    ready = f"{n.SIZE}{{{label('state', 'waiting', 'prioritized')}}}"
    yield Recording(n.READY, f"sum without (state) ({ready})")
    # A queue of which a scrape has failed has its bounds still: an alert on a window is not begun anew at each.
    yield Recording(n.KNOWN, g.over("last", n.READY, 5 * MINUTE))


def flags(g: Ground) -> Iterator[Recording]:
    """Queues that are paused, rate-limited or without workers: now, and at some time in a guard's window."""
    yield Recording(n.PAUSED, _paused(g))
    yield Recording(n.PAUSED_15M, g.over("max", n.PAUSED, 15 * MINUTE))
    seen = g.config.profile == "bullgauge"
    if seen:
        # A limit of so many jobs a minute keeps step with the evaluations; these might never see the flag, scrapes do.
        yield Recording(n.LIMITED, g.once(f"max_over_time({g.raw(c.RATE_LIMITED, window=2 * MINUTE)})"))
        yield Recording(n.WORKERS, g.gauge(c.WORKERS))
        yield Recording(n.DESERTED, f"{n.WORKERS} == bool 0")
        # Once: workers that come and go are another matter than a deployment.
        once = f"(changes({n.DESERTED}[{g.pace.behind(30 * MINUTE)}]) <= bool 2)"
        yield Recording(n.DESERTED_LATELY, f"{g.over('max', n.DESERTED, 10 * MINUTE)} * {once}")
    holding = ((n.PAUSED, n.LIMITED) if seen else (n.PAUSED,)) if g.config.guards.held_queues else ()
    yield Recording(n.HELD, _any(*holding))
    # The limiter's flag flickers at each of its windows, so a guard looks back over its own.
    yield Recording(n.HELD_15M, g.over("max", n.HELD, 15 * MINUTE))
    held = g.over("max", n.HELD, 30 * MINUTE)
    # A deployment leaves a queue without workers for a moment; half a window without them is another matter.
    long_deserted = f"{g.over('avg', n.DESERTED, 30 * MINUTE)} >= bool 0.5"
    deserted = f" + {_known(long_deserted)} + {_known(n.DESERTED)}" if seen else ""
    yield Recording(n.BLOCKED_30M, f"clamp_max({held}{deserted}, 1)")


def _any(*flags: str) -> str:
    """1 where one of the flags is 1."""
    return f"clamp_max({' + '.join(map(_known, flags))}, 1)" if flags else f"{n.READY} * 0"


def _known(flag: str) -> str:
    """A flag that the exporter can't know is absent: the queue is taken to run."""
    return f"({flag} or {n.READY} * 0)"


def _paused(g: Ground) -> str:
    if g.config.profile == "bullgauge":
        return g.gauge(c.PAUSED)
    # BullMQ says only how many jobs a paused queue holds.
    return f"sum without (state) ({n.SIZE}{{{label('state', 'paused')}}}) > bool 0"


def processed(g: Ground) -> Iterator[Recording]:
    """Jobs that ended, by status; the first ones of a new queue count as well."""
    window = RATE_WINDOW
    tile = window / g.pace.speed
    rate = _each_status(g, lambda metric: g.once(f"rate({g.raw(metric, window=window)})"))
    yield Recording(n.SEEN_RATE, rate)
    yield from _appeared(g, window)
    seen = f"ignoring (prefix, queue, status) ({n.VISIBLE} offset {g.span(window)} == 1)"
    first = f"({either(n.CONTINUED, n.APPEARED)}) / {tile:g} and {seen}"
    yield Recording(n.FIRST_RATE, first)
    yield Recording(n.RATE, either(f"{n.SEEN_RATE} + {n.FIRST_RATE}", n.SEEN_RATE, n.FIRST_RATE))
    # What ended while nobody looked did so at some time: true of hours and days, false of any shorter window.
    yield Recording(n.MISSED, f"{n.CONTINUED} unless {seen}")
    # One sample in five minutes, for windows of days: at each evaluation they would hold five times as many.
    due = f"vector(time() % {tile:g}) < {g.pace.interval:g}"
    total = either(f"{n.RATE} * {tile:g} + {n.MISSED}", f"{n.RATE} * {tile:g}", n.MISSED)
    yield Recording(n.TILE, f"({total}) and on () ({due})")


def _appeared(g: Ground, window: float) -> Iterator[Recording]:
    """What a counter shows when it appears, and by how much it then has grown since it was last seen.

    increase() takes a first value for an old one. A queue that is gone for some minutes comes back with the counter
    that it had, and so does an exporter with a state file; with a smaller one it begins anew.
    """

    def least(metric: Metric | str) -> str:
        return f"min_over_time({g.raw(metric, window=window)})"

    def last(metric: Metric | str) -> str:
        return f"last_over_time({g.raw(metric, window=HOUR, offset=window)})"

    def new(metric: Metric | str) -> str:
        return f"({g.once(least(metric))} unless {g.once(g.raw(metric, offset=window))})"

    yield Recording(n.APPEARED, _each_status(g, new))
    grown = _each_status(g, lambda metric: g.once(f"{least(metric)} - {last(metric)}"))
    yield Recording(n.CONTINUED, f"({grown}) >= 0 and {n.APPEARED}")


def _each_status(g: Ground, of: Make) -> str:
    if g.config.profile == "bullgauge":
        return of(c.PROCESSED)
    pairs = ((n.BULLMQ_COMPLETED, "completed"), (n.BULLMQ_FAILED, "failed"))
    return either(*(f'label_replace({of(metric)}, "status", "{status}", "", "")' for metric, status in pairs))
