"""This file knows how PromQL is put together: selectors, matchers, durations, replicas."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition on a label; on `queue` when nothing else is said."""

    operator: str
    value: str
    label: str = "queue"

    @property
    def positive(self) -> bool:
        return self.operator in ("=", "=~")

    def of(self, _label: str, metric: str) -> str:
        return f"{metric}{{{self}}}"

    def __str__(self) -> str:
        return f"{self.label}{self.operator}{quote(self.value)}"


def queue_is(*names: str) -> Matcher:
    """Exactly these queues."""
    if len(names) == 1:
        return Matcher("=", names[0])
    return Matcher("=~", "|".join(literal(name) for name in sorted(names)))


def queue_is_not(*names: str) -> Matcher:
    """Every queue but these."""
    exact = queue_is(*names)
    return Matcher("!=" if exact.operator == "=" else "!~", exact.value)


def literal(text: str) -> str:
    """A regular expression of RE2 that matches this text and nothing else."""
    return re.sub(r"([\\.+*?()|\[\]{}^$])", r"\\\1", text)


@cache
def quote(text: str) -> str:
    """A string as PromQL writes it; it reads the escapes that JSON writes."""
    return json.dumps(text, ensure_ascii=False)


def select(metric: str, *matchers: Matcher, window: str = "", offset: str = "") -> str:
    """A selector, such as `queue_size{job="bullgauge"}[5m] offset 1h`."""
    conditions = ", ".join(str(matcher) for matcher in matchers)
    text = f"{metric}{{{conditions}}}" if conditions else metric
    return text + (f"[{window}]" if window else "") + (f" offset {offset}" if offset else "")


def le(edge: float) -> Matcher:
    """A bucket edge; exporters write a whole one as `1`, `1.0`."""
    text = f"{edge:.10f}".rstrip("0").rstrip(".")
    return Matcher("=", text, "le") if "." in text else Matcher("=~", rf"{text}|{text}\.0", "le")


def without(operation: str, labels: Iterable[str], expression: str) -> str:
    """An aggregation that keeps all labels but these: what tells two Redis servers apart survives."""
    return f"{operation} without ({', '.join(labels)}) ({expression})"


def either(*expressions: str) -> str:
    """The first that has a sample."""
    return " or ".join(expressions)


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a window is: as named, or shorter by a factor in a drill."""

    speed: float = 1
    interval_seconds: int = 60
    """Time between two evaluations."""

    def span(self, seconds: float) -> str:
        """A duration as PromQL writes it."""
        return duration(seconds / self.speed)

    @property
    def interval(self) -> float:
        return self.interval_seconds / self.speed

    def behind(self, seconds: float) -> str:
        """A window of a recording, a little short of its name.

        Recordings lie exactly an evaluation apart, and Prometheus 2 counts both ends of a window: 31 samples in 30
        minutes, where Prometheus 3 counts 30. Both count 30 in this one.
        """
        return duration(seconds / self.speed - min(1, self.interval / 2))

    def samples(self, seconds: float) -> int:
        """Evaluations in a window; the same whatever the speed."""
        return round(seconds / self.interval_seconds)


def duration(seconds: float) -> str:
    """`5m`, `29m59s`, `1h`, `1s500ms`."""
    left = round(seconds * 1000)
    parts = []
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"
