"""This file knows the bounds in force: which signal, which severity, which bound, for which queues."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import promql_parser

from alerts import quantities
from alerts.aims import aim
from alerts.config import Bounds, Config, Override
from alerts.promql import Matcher, queue_is, queue_is_not
from alerts.quantities import QuantityError, Unit
from alerts.signals import (
    DURATION,
    LATENCY,
    PER_QUEUE,
    SEVERITIES,
    SIGNALS,
    THROUGHPUT,
    Severity,
    Signal,
)


class ThresholdError(ValueError):
    """A bound that can't hold. `path` is where in the configuration it stands."""

    def __init__(self, path: tuple[str | int, ...], text: str) -> None:
        super().__init__(text)
        self.path = path


@dataclass(frozen=True, slots=True)
class Threshold:
    """One bound for one set of queues: those that `matchers` select; none means everything that there is."""

    signal: Signal
    severity: Severity
    bound: float
    matchers: tuple[Matcher, ...] = ()

    @property
    def text(self) -> str:
        """The bound as people write it."""
        return quantities.show(self.bound, self.signal.unit)


@dataclass(frozen=True, slots=True)
class Thresholds:
    """All bounds in force. Sets of queues of one signal and severity never overlap."""

    all: tuple[Threshold, ...]
    targets: tuple[tuple[str, str], ...] = ()

    def of(self, signal: Signal, severity: Severity | None = None) -> tuple[Threshold, ...]:
        """The bounds of a signal, the default last."""
        return tuple(t for t in self.all if t.signal is signal and severity in (None, t.severity))

    def severities(self, signal: Signal) -> tuple[Severity, ...]:
        return tuple(s for s in SEVERITIES if self.of(signal, s))

    def default(self, signal: Signal, severity: Severity) -> float | None:
        """The bound for queues that no override names; for a Redis, the one bound."""
        found = [t for t in self.of(signal, severity) if not any(m.positive for m in t.matchers)]
        return found[0].bound if found else None


def resolve(config: Config) -> Thresholds:
    """Put defaults, bounds and overrides together. Raises ThresholdError."""
    _check_overrides(config)
    found = tuple(t for signal in SIGNALS for s in SEVERITIES for t in _of_signal(config, signal, s))
    for threshold in found:
        _check_edge(config, threshold)
    return Thresholds(found, tuple(_targets(config)))


def _of_signal(config: Config, signal: Signal, severity: Severity) -> Iterator[Threshold]:
    taken: list[Override] = []
    grouped: dict[float, list[str]] = {}
    patterns: list[tuple[float, str]] = []
    for index, override in _by_precedence(config.overrides):
        given = getattr(override, signal.name) if signal.name in PER_QUEUE else None
        if given is None:
            continue
        if not given.bounded:
            raise ThresholdError(
                ("overrides", index, signal.name), "gives no bound: write warning, critical, or `off`"
            )
        taken.append(override)
        bound = _bound(("overrides", index, signal.name), given, signal, severity)
        if bound is None:
            continue
        if override.queue is not None:
            grouped.setdefault(bound, []).append(override.queue)
        else:
            patterns.append((bound, override.pattern or ""))
    for bound, names in sorted(grouped.items()):
        yield Threshold(signal, severity, bound, (queue_is(*names),))
    seen = [o.queue for o in taken if o.queue is not None]
    earlier: list[str] = []
    for bound, pattern in patterns:
        yield Threshold(signal, severity, bound, (Matcher("=~", pattern), *_others(seen, earlier)))
        earlier.append(pattern)
    default = _default(config, signal, severity)
    if default is not None:
        outer = [o.pattern for o in taken if o.pattern is not None]
        yield Threshold(
            signal, severity, default, () if signal is THROUGHPUT else tuple(_others(seen, outer))
        )


def _others(names: list[str], patterns: list[str]) -> Iterator[Matcher]:
    if names:
        yield queue_is_not(*names)
    for pattern in patterns:
        yield Matcher("!~", pattern)


def _by_precedence(overrides: list[Override]) -> list[tuple[int, Override]]:
    """Names go before patterns, and an earlier pattern before a later one."""
    return sorted(enumerate(overrides), key=lambda pair: (pair[1].queue is None, pair[0]))


def _default(config: Config, signal: Signal, severity: Severity) -> float | None:
    given: Bounds | None = getattr(config, signal.name)
    if given is not None and given.bounded:
        return _bound((signal.name,), given, signal, severity)
    text = signal.defaults[SEVERITIES.index(severity)]
    return None if text is None else quantities.parse(text, signal.unit).value


def _bound(path: tuple[str | int, ...], given: Bounds, signal: Signal, severity: Severity) -> float | None:
    """The bound of one severity; None when it is off or not given. Raises ThresholdError."""
    values = {s: _parse((*path, s), getattr(given, s), signal) for s in SEVERITIES}
    warning, critical = values["warning"], values["critical"]
    if warning is not None and critical is not None:
        right = warning < critical if signal.worse == "above" else warning > critical
        if not right:
            order = "less" if signal.worse == "above" else "more"
            raise ThresholdError(
                (*path, "critical"),
                f"warning {given.warning} and critical {given.critical} are the wrong way round: "
                f"the warning must be {order} than the critical bound",
            )
    return values[severity]


def _parse(path: tuple[str | int, ...], text: str | None, signal: Signal) -> float | None:
    if text is None or text == "off":
        return None
    try:
        quantity = quantities.parse(text, signal.unit)
    except QuantityError as error:
        raise ThresholdError(path, f"{text!r:.80} {error}") from error
    if quantity.sign and quantity.sign != signal.sign:
        raise ThresholdError(
            path, f"{text!r} must begin with {signal.sign}: it alarms when {signal.name} is {signal.worse}"
        )
    if quantity.value <= 0:
        raise ThresholdError(path, f"{text!r} must be more than 0")
    return quantity.value


def _targets(config: Config) -> Iterator[tuple[str, str]]:
    for signal in SIGNALS:
        given: Bounds | None = getattr(config, signal.name)
        if given is not None and given.target is not None:
            try:
                aim(config, signal)
                yield signal.name, given.target
            except QuantityError as error:
                raise ThresholdError((signal.name, "target"), f"{given.target!r} {error}") from error


def _check_overrides(config: Config) -> None:
    for kind in ("overrides", "owners"):
        seen: dict[str, int] = {}
        for index, item in enumerate(getattr(config, kind)):
            key = item.queue if item.queue is not None else f"pattern {item.pattern}"
            if key in seen:
                raise ThresholdError(
                    (kind, index), f"{key!r} is named twice, at numbers {seen[key] + 1} and {index + 1}"
                )
            seen[key] = index
            if item.pattern is not None:
                _check_regex((kind, index, "pattern"), item.pattern)
    names = [queue.name for queue in config.queues]
    for index, name in enumerate(names):
        if name in names[:index]:
            raise ThresholdError(("queues", index, "name"), f"{name!r} is listed twice")


# What promql-parser's engine knows and Prometheus' (RE2 in Go) does not: some flags, names of groups without P,
# letters by number, borders of words by side, more than 1000 repetitions.
_NOT_RE2 = re.compile(
    r"(?<!\\)\(\?(?!P<|:|[imsU-]+[:)])|\\[uU<>]|\\[bB]\{|\{(?:\d+,)?(?!1000\})[1-9]\d{3,}\}"
)


def _check_regex(path: tuple[str | int, ...], pattern: str) -> None:
    try:
        promql_parser.parse(Matcher("=~", pattern).of("queue", "x"))
        known = _NOT_RE2.search(pattern.replace(r"\\", "")) is None
    except ValueError:
        known = False
    if not known:
        raise ThresholdError(path, f"{pattern!r} is no regular expression that Prometheus can read")


def _check_edge(config: Config, threshold: Threshold) -> None:
    if threshold.signal not in (LATENCY, DURATION) or threshold.bound in config.duration_edges:
        return
    seconds = f"{threshold.bound:g}"
    raise ThresholdError(
        _where(config, threshold),
        f"{threshold.text} is no bucket edge of the exporter, so it can't be told exactly; start the "
        f"exporter with `--bucket {seconds}` and write `buckets: [{seconds}]` here",
    )


def _where(config: Config, threshold: Threshold) -> tuple[str | int, ...]:
    name, severity = threshold.signal.name, threshold.severity
    for index, override in enumerate(config.overrides):
        given: Bounds | None = getattr(override, name)
        text = getattr(given, severity) if given else None
        if text and text != "off" and quantities.parse(text, Unit.SECONDS).value == threshold.bound:
            return ("overrides", index, name, severity)
    return (name, severity)
