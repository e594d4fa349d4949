"""This file knows which rules make up the set, in which groups, and which of them a configuration leaves out."""

import difflib
from collections.abc import Iterable, Iterator

from alerts.alerting import exporter as alert_exporter
from alerts.alerting import jobs as alert_jobs
from alerts.alerting import queues as alert_queues
from alerts.alerting import redis as alert_redis
from alerts.alerting.build import finish
from alerts.config import Config
from alerts.promql import Pace
from alerts.recordings import base as record_base
from alerts.recordings import held as record_held
from alerts.recordings import jobs as record_jobs
from alerts.recordings import redis as record_redis
from alerts.recordings import times as record_times
from alerts.recordings.bounds import bounds
from alerts.rules import Alert, Ground, Group, Recording
from alerts.thresholds import ThresholdError, Thresholds


def ground(config: Config, thresholds: Thresholds) -> Ground:
    return Ground(config, thresholds, Pace(config.speed))


def groups(config: Config, thresholds: Thresholds) -> tuple[Group, ...]:
    """All groups. Raises ThresholdError where the configuration names an alert that there is not."""
    g = ground(config, thresholds)
    known = alerts(g)
    _check_names(config, {alert.name for alert in known})
    _check_severities(config, known)
    wanted = tuple(alert for alert in known if config.alerts.get(alert.name, True))
    return (Group("bullgauge-recordings", tuple(_recordings(g))), Group("bullgauge-alerts", wanted))


def alerts(g: Ground) -> list[Alert]:
    """All alerts, also those that the configuration leaves out."""
    return [finish(g, alert) for alert in _alerts(g)]


def _recordings(g: Ground) -> Iterator[Recording]:
    """In the order in which they read each other: a rule sees what the rules before it wrote."""
    yield from record_base.visibility(g)
    yield from record_base.sizes(g)
    yield from record_base.flags(g)
    yield from record_base.processed(g)
    yield from bounds(g)
    yield from record_jobs.counts(g)
    yield from record_jobs.coverage(g)
    yield from record_jobs.throughput(g)
    yield from record_jobs.backlog(g)
    if g.config.profile == "bullgauge":
        yield from _recordings_of_bullgauge(g)
    if g.config.guards.hold_while_blind:
        yield from record_held.held(g)
    yield from record_redis.figures(g)
    yield from record_redis.prometheus(g)


def _recordings_of_bullgauge(g: Ground) -> Iterator[Recording]:
    yield from record_jobs.requeues(g)
    yield from record_times.waits(g)
    yield from record_times.durations(g)
    yield from record_redis.states(g)
    yield from record_redis.connections(g)
    yield from record_redis.server(g)
    yield from record_redis.caches(g)


def _alerts(g: Ground) -> Iterator[Alert]:
    yield from alert_jobs.alerts(g)
    yield from alert_queues.alerts(g)
    yield from alert_redis.alerts(g)
    yield from alert_exporter.alerts(g)


def _check_names(config: Config, known: Iterable[str]) -> None:
    names = sorted(known)
    for key in ("alerts", "severities"):
        for name in getattr(config, key):
            if name not in names:
                close = difflib.get_close_matches(name, names, n=1)
                hint = f"; did you mean {close[0]}?" if close else f"; there are {', '.join(names)}"
                raise ThresholdError((key, name), f"no such alert{hint}")


def _check_severities(config: Config, known: Iterable[Alert]) -> None:
    for name, wanted in config.severities.items():
        if any(alert.name == name and alert.severity != wanted for alert in known):
            raise ThresholdError(
                ("severities", name),
                "can't be changed here: its severities come from its bounds, or from what is the matter",
            )
