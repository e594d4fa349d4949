"""This file knows what an exporter's page would show, minute by minute, of queues that behave as a test wants."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, groupby
from operator import sub

from alerts import names as n
from alerts.promql import quote
from alerts.rules import Ground
from exporter import catalogue as c
from exporter.catalogue import Metric

Course = Callable[[int], float | None]
"""A value for each minute; None when there is no sample."""
Values = list[float | None]
"""The values of a course, once they are known."""
Shares = tuple[tuple[float, Course], ...]
"""How long which share of jobs waits."""
INSTANCE = "exporter-0:10577"
QUEUE = "any-queue"


def always(_minute: int) -> float:
    """The course of what is there all the time."""
    return 1


def course(value: "float | Course | None") -> Course:
    return value if callable(value) else lambda _minute: value


def until(minute: int, before: float | None, after: float | None) -> Course:
    """One value before a minute and another from it on."""
    return lambda now: before if now < minute else after


def between(first: int, last: int, inside: float | None, outside: float | None) -> Course:
    return lambda now: inside if first <= now < last else outside


@dataclass(slots=True)
class World:
    """Series of one Redis. What is dead is stale from that minute on, as Prometheus marks it."""

    ground: Ground
    minutes: int
    exporter_up: Course = field(default=always)
    redis_up: Course = field(default=always)
    instance: str = INSTANCE
    labels: tuple[tuple[str, str], ...] = ()
    series: dict[str, Values] = field(default_factory=dict)
    _ups: dict[tuple[Course, ...], list[bool] | None] = field(default_factory=dict)

    def begin(self, *, collected: Course = always) -> "World":
        """What the exporter says of itself."""
        self._put(n.UP, self.exporter_up, (), {})
        if self.ground.config.profile == "bullgauge":
            self._of_exporter(c.REDIS_UP, self.redis_up)
            for name in ("queues", "events"):
                whole = _both(self.redis_up, collected)
                self._of_exporter(c.SCRAPE_SUCCESS, whole, collector=name)
            self._of_exporter(c.LAST_SUCCESS, _last_success(_both(self.redis_up, collected)))
        return self

    def put(self, metric: Metric | str, value: float | Course | Values | None, **labels: str) -> "World":
        """One series of Redis: gone while the exporter or Redis is."""
        return self._put(metric, value, (self.exporter_up, self.redis_up), labels)

    def _of_exporter(self, metric: Metric, value: Course, **labels: str) -> None:
        self._put(metric, value, (self.exporter_up,), labels)

    def _put(
        self,
        metric: Metric | str,
        value: float | Course | Values | None,
        while_up: tuple[Course, ...],
        labels: dict[str, str],
    ) -> "World":
        name = metric if isinstance(metric, str) else metric.name
        own = {"job": self.ground.config.job, **dict(self.labels), **labels}
        if name != n.RULE_FAILURES:
            own["instance"] = self.instance
        key = f"{name}{{{','.join(f'{k}={quote(v)}' for k, v in sorted(own.items()))}}}"
        values, up = self._values(value), self._up(while_up)
        if up is not None:
            values = [v if is_up else None for v, is_up in zip(values, up, strict=True)]
        self.series[key] = values
        return self

    def _values(self, value: float | Course | Values | None) -> Values:
        """One for each minute."""
        if isinstance(value, list):
            return value
        minutes = range(self.minutes + 1)
        return [value(now) for now in minutes] if callable(value) else [value] * len(minutes)

    def _count(self, rate: float | Course, alive: Course = always, first: float = 0) -> Values:
        """A counter that grows by `rate` a minute while its queue is there."""
        if alive is always and not callable(rate):
            step = _exact(rate)
            return [first + now * step for now in range(self.minutes + 1)]
        steps = [_exact(value or 0) for value in self._values(rate)]
        if alive is always:
            return list(accumulate(steps[1:], initial=first))
        there = [bool(value) for value in self._values(alive)]
        grown = [
            step * (now and before) for step, now, before in zip(steps[1:], there[1:], there, strict=False)
        ]
        totals = accumulate(grown, initial=first)
        return [total if is_there else None for total, is_there in zip(totals, there, strict=True)]

    def _up(self, courses: tuple[Course, ...]) -> list[bool] | None:
        """In which minutes all of them are; None for always. Asked once, since most series of a world share them."""
        if courses not in self._ups:
            some = [course for course in courses if course is not always]
            minutes = range(self.minutes + 1)
            self._ups[courses] = [all(up(now) for up in some) for now in minutes] if some else None
        return self._ups[courses]

    def queue(
        self,
        name: str = QUEUE,
        *,
        ready: float | Course = 0,
        finished: float | Course = 0,
        failed: float | Course = 0,
        workers: float | Course | None = 2,
        wait_seconds: float | Course = 0.01,
        late: tuple[float, float] = (0, 0),
        alive: Course = always,
        first: float = 0,
        **gauges: float | Course,
    ) -> "World":
        """A queue. `finished` and `failed` are jobs a minute; `late` is a share of jobs
        and how long they wait; `first` is what the count of failed jobs shows when it appears."""
        self.jobs(name, finished, failed, alive, first)
        at = {"queue": name, "prefix": "bull"}
        if self.ground.config.profile == "bullmq":
            for state, value in (("waiting", ready), ("active", 0), ("paused", 0)):
                self.put(n.BULLMQ_COUNT, _gated(value, alive), queue=name, state=state)
            return self
        states = {
            "waiting": ready,
            **{k[5:]: v for k, v in gauges.items() if k.startswith("size_")},
        }
        for state in c.JOB_STATES:
            self.put(c.SIZE, _gated(states.get(state, 0), alive), state=state, **at)
        self.put(c.PAUSED, _gated(gauges.get("paused", 0), alive), **at)
        self.put(c.RATE_LIMITED, _gated(gauges.get("rate_limited", 0), alive), **at)
        if workers is not None:
            self.put(c.WORKERS, _gated(workers, alive), **at)
        self._waits(finished, _shares(course(wait_seconds), late), alive, at)
        return self

    def jobs(
        self,
        name: str,
        finished: float | Course,
        failed: float | Course,
        alive: Course = always,
        first: float = 0,
    ) -> "World":
        """What is counted of a queue's jobs that ended, and nothing else of it."""
        counts = {"completed": self._count(finished, alive), "failed": self._count(failed, alive, first)}
        if self.ground.config.profile == "bullmq":
            self.put(n.BULLMQ_COMPLETED, counts["completed"], queue=name)
            return self.put(n.BULLMQ_FAILED, counts["failed"], queue=name)
        for status, count in counts.items():
            self.put(c.PROCESSED, count, status=status, queue=name, prefix="bull")
        return self

    def _waits(self, rate: float | Course, shares: Shares, alive: Course, at: dict[str, str]) -> None:
        edges = sorted(
            {t.bound for t in self.ground.thresholds.all if t.signal.name == "queue_processing_latency"}
        )
        lengths = sorted({seconds(now) or 0 for _, seconds in shares for now in range(self.minutes + 1)})
        within: dict[int, Values] = {}
        for edge in edges:
            shorter = bisect_right(lengths, edge)
            if shorter not in within:  # edges between the same two waits count the same jobs
                within[shorter] = self._count(_within(course(rate), shares, edge), alive)
            self.put(f"{c.JOB_WAIT.name}_bucket", within[shorter], le=_le(edge), **at)
        every = self._count(rate, alive)
        self.put(f"{c.JOB_WAIT.name}_bucket", every, le="+Inf", **at)
        self.put(f"{c.JOB_WAIT.name}_count", every, **at)

    def requeued(self, reason: str, rate: float | Course, name: str = QUEUE) -> "World":
        """Attempts a minute that went back."""
        return self.put(c.REQUEUED, self._count(rate), queue=name, prefix="bull", reason=reason)

    def counter(self, metric: Metric | str, rate: float | Course, **labels: str) -> "World":
        return self.put(metric, self._count(rate), **labels)


def _le(edge: float) -> str:
    """As the exporter writes it."""
    return f"{edge:g}" if edge % 1 else f"{edge:.1f}"


def _both(one: Course, other: Course) -> Course:
    return lambda now: 1 if one(now) and other(now) else 0


def _shares(seconds: Course, late: tuple[float, float]) -> Shares:
    share, late_seconds = late
    return ((1 - share, seconds), (share, course(late_seconds))) if share else ((1, seconds),)


def _within(rate: Course, shares: Shares, edge: float) -> Course:
    """Jobs a minute that wait no longer than an edge."""
    return lambda now: sum(
        share * (rate(now) or 0) for share, seconds in shares if (seconds(now) or 0) <= edge
    )


def _gated(value: float | Course, alive: Course) -> float | Course:
    given = course(value)
    return value if alive is always else lambda now: given(now) if alive(now) else None


def _exact(step: float) -> float:
    """A multiple of 1/65536, so that sums are exact: a counter that falls by a rounding error has been reset."""
    return round(step * 65536) / 65536


def _last_success(whole: Course) -> Course:
    """When everything was last read; absent before the first time."""

    def value(now: int) -> float | None:
        return next((minute * 60.0 for minute in range(now, -1, -1) if whole(minute)), None)

    return value


def notation(values: Iterable[float | None]) -> str:
    """Values in promtool's shorthand: `0+5x10`, `_x3`, `stale`."""
    parts: list[str] = []
    for gone, run in groupby(values, lambda value: value is None):
        length = len(items := list(run))
        if not gone:
            parts += _numbers(items)  # type: ignore[arg-type]
        elif parts:
            parts += ["stale", f"_x{length - 1}"] if length > 1 else ["stale"]
        else:
            parts.append(f"_x{length}")
    return " ".join(parts)


def _numbers(items: Sequence[float]) -> Iterator[str]:
    """`0+5x10` for each stretch of equal steps; the step from one stretch to the next is told by neither."""
    at = begin = 0
    for step, run in groupby(map(sub, items[1:], items)):
        end = begin + len(list(run))
        if at < end:
            yield f"{items[at]:.17g}{step:+.17g}x{end - at}"
            at = end + 1
        begin = end
    if at < len(items):
        yield f"{items[at]:.17g}"
