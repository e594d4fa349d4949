"""This file knows the alerts that Prometheus holds pending or firing now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from alerts.alerting.exporter import WATCHDOG
from alerts.names import ALERTS
from dashboard.page import queue_name
from dashboard.sources.prometheus import PrometheusSource
from dashboard.sources.shared import SharedSource
from dashboard.sources.source import Source

FRESH_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Firing:
    """One alert. `about` is its queue, pool or cache; empty for one of a whole Redis."""

    name: str
    severity: str
    state: str
    about: str


@dataclass(frozen=True, slots=True)
class Alarm:
    """All alerts but the watchdog, which only says that rules are loaded; `why` when nothing can be known."""

    alerts: tuple[Firing, ...] = ()
    why: str = ""

    def count(self, state: str) -> int:
        return sum(alert.state == state for alert in self.alerts)


def alarm(source: Source) -> Alarm:
    """Raises SourceError."""
    inner = source.source if isinstance(source, SharedSource) else source
    if not isinstance(inner, PrometheusSource) or not isinstance(source, SharedSource):
        return Alarm(why="alerts live in Prometheus, which is not the source here; give --prometheus")
    selector = f'{ALERTS}{{alertname=~"Bull.+", job=~"|{inner.job}"}}'
    found: Alarm = source.once("alerts", lambda: _read(inner.series(selector)), FRESH_SECONDS)
    return found


def _read(series: Sequence[dict[str, str]]) -> Alarm:
    if not series:
        return Alarm(why="no rules of bullgauge are loaded in this Prometheus; see bullgauge-alerts generate")
    order = {"critical": 0, "warning": 1}
    alerts = {_firing(labels) for labels in series if labels.get("alertname") != WATCHDOG}
    ordered = sorted(alerts, key=lambda one: (one.state, order.get(one.severity, 2), one.name, one.about))
    # The same alert as warning and as critical is one: the worse.
    worst = {(one.name, one.about): one for one in reversed(ordered)}
    return Alarm(tuple(one for one in ordered if worst[one.name, one.about] is one))


def _firing(labels: Mapping[str, str]) -> Firing:
    name, severity, state = (labels.get(label, "") for label in ("alertname", "severity", "alertstate"))
    return Firing(name, severity, state, _about(labels))


def _about(labels: Mapping[str, str]) -> str:
    """A queue as it is called here: two prefixes may have queues of one name."""
    if "queue" in labels:
        return queue_name(labels.get("prefix", "bull"), labels["queue"])
    return next((f"{kind} {labels[kind]}" for kind in ("pool", "cache") if kind in labels), "")
