"""This file knows what rules are made of: recordings, alerts and groups, values that are written at the end."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from alerts.config import Config
from alerts.promql import Matcher, Pace, select, without
from alerts.signals import Severity
from alerts.thresholds import Thresholds
from exporter.catalogue import Metric

SECOND, MINUTE, HOUR, DAY = 1, 60, 3600, 86400
Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Recording:
    """One recording rule."""

    record: str
    expr: str
    labels: Labels = ()


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert rule. It looks back over `window_seconds`; with `holds` it outlives a blind spell."""

    name: str
    severity: Severity
    expr: str
    for_seconds: float
    summary: str
    description: str
    keep_firing_seconds: float = 5 * MINUTE
    window_seconds: float = 0
    labels: Labels = ()
    holds: bool = True
    bound: str = ""
    """The default bound in words, where the alert has one."""
    fills_seconds: float = 0
    """What must have filled before it is noticed at the latest, where that is longer than the window."""


@dataclass(frozen=True, slots=True)
class Group:
    """Rules that are evaluated one after the other."""

    name: str
    rules: tuple[Recording | Alert, ...]


@dataclass(frozen=True, slots=True)
class Ground:
    """What every rule is made from: configuration, bounds in force, pace."""

    config: Config
    thresholds: Thresholds
    pace: Pace = field(default_factory=Pace)

    @property
    def job(self) -> Matcher:
        return Matcher("=", self.config.job, "job")

    def span(self, seconds: float) -> str:
        return self.pace.span(seconds)

    def raw(self, metric: Metric | str, *matchers: Matcher, window: float = 0, offset: float = 0) -> str:
        """A selector of this job's series."""
        return select(
            metric if isinstance(metric, str) else metric.name,
            self.job,
            *matchers,
            window=self.span(window) if window else "",
            offset=self.span(offset) if offset else "",
        )

    def once(self, expression: str) -> str:
        """What several exporters of one Redis say counts once: the largest, before anything is summed."""
        return without("max", self.config.replica_labels, expression)

    def gauge(self, metric: Metric | str, *matchers: Matcher) -> str:
        return self.once(self.raw(metric, *matchers))

    def increase(self, metric: Metric | str, window: float, *matchers: Matcher) -> str:
        return self.once(f"increase({self.raw(metric, *matchers, window=window)})")

    def over(self, function: str, record: str, window: float) -> str:
        """A function of a recording over a window, such as `min_over_time(queue:queue_size:ready[15m])`."""
        return f"{function}_over_time({record}[{self.pace.behind(window)}])"


def label(name: str, *values: str) -> Matcher:
    """A condition on a label other than `queue`."""
    return Matcher("=", values[0], name) if len(values) == 1 else Matcher("=~", "|".join(values), name)


def alerts_of(groups: Iterable[Group]) -> Sequence[Alert]:
    return [rule for group in groups for rule in group.rules if isinstance(rule, Alert)]


def order(groups: Iterable[Group]) -> list[str]:
    """The groups' names for promtool, which evaluates those it is not told about in an order of chance."""
    return [group.name for group in groups]


def recordings_of(groups: Iterable[Group]) -> Sequence[Recording]:
    return [rule for group in groups for rule in group.rules if isinstance(rule, Recording)]
