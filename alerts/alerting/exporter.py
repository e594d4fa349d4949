"""This file knows the alerts on the monitoring itself: dead, absent or stale exporter, lost events, failing rules."""

from collections.abc import Iterator

from alerts import names as n
from alerts.alerting.build import severity_of
from alerts.alerting.jobs import WHERE
from alerts.recordings.bounds import has_bound_per_queue
from alerts.recordings.times import missing_edges
from alerts.rules import HOUR, MINUTE, Alert, Ground
from alerts.signals import LATENCY

STALE_SECONDS = 5 * MINUTE
ABSENT = "BullExporterAbsent"
WATCHDOG = "BullWatchdog"


def alerts(g: Ground) -> Iterator[Alert]:
    """All alerts on the monitoring itself. None is held: each is about what can be seen, or can't."""
    yield from _down(g)
    yield _absent(g)
    if g.config.profile == "bullgauge":
        yield _stale(g)
        yield _lost(g)
        if has_bound_per_queue(g, LATENCY):
            yield _bucket(g)
    yield _failing(g)
    yield _watchdog()


def _down(g: Ground) -> Iterator[Alert]:
    replicas = ", ".join(g.config.replica_labels)
    dead = f"{n.EXPORTERS} == 0"
    alive = f"ignoring ({replicas}) ({n.UP_ANY} == 1)"
    who = "Exporter {{ $labels.instance }}"
    yield Alert(
        "BullExporterDown",
        "critical",
        f"{dead} unless {alive}",
        3 * MINUTE,
        f"{who} can't be scraped",
        "Prometheus has not reached this exporter for three minutes, nor any other of the same Redis: "
        "nothing is known of its queues.",
        holds=False,
    )
    yield Alert(
        "BullExporterDown",
        "warning",
        f"{dead} and {alive}",
        3 * MINUTE,
        f"{who} can't be scraped; another one is",
        "Prometheus has not reached this exporter for three minutes. Another exporter of the same Redis answers, "
        "so the numbers are still right.",
        holds=False,
    )


def _absent(g: Ground) -> Alert:
    known = f"last_over_time({n.UP_ANY}[{g.span(6 * HOUR)}]) unless {n.UP_ANY}"
    return Alert(
        ABSENT,
        severity_of(g, ABSENT, "critical"),
        f"{known} or on (job) absent({n.UP_ANY}{{{g.job}}})",
        10 * MINUTE,
        "Prometheus has no exporter to scrape",
        "No target of this job is left, though one was there before or should be: discovery, the scrape "
        "configuration or the deployment has lost it. Nothing is known of the queues.",
        holds=False,
    )


def _stale(g: Ground) -> Alert:
    collected = f"min without (collector) ({n.COLLECTED})"
    # The value is the age; 0 or 1 where there is none.
    old = f"({n.AGE} > {STALE_SECONDS / g.pace.speed:g}) or ({collected} == 0 unless {n.AGE})"
    # Something answers at the address, and it is no exporter of ours.
    empty = f"{n.UP_ANY} == 1 unless {n.REDIS_UP}"
    return Alert(
        "BullExporterStale",
        severity_of(g, "BullExporterStale", "critical"),
        f"(({old}) and {n.REDIS_UP} == 1) or ({empty})",
        5 * MINUTE,
        "The exporter answers, but its numbers are not whole",
        "{{ if gt $value 1.0 }}The last scrape that read all queues and events is {{ $value | humanizeDuration }} "
        "old.{{ else }}No scrape has read all queues and events yet.{{ end }} "
        "Rights that were taken away, or a Redis that is too slow, are the usual reasons.",
        window_seconds=STALE_SECONDS,
        holds=False,
    )


def _lost(g: Ground) -> Alert:
    return Alert(
        "BullEventsLost",
        severity_of(g, "BullEventsLost", "warning"),
        f"({n.LOST} > 0) or ({n.GAPS} > 0)",
        0,
        f"{WHERE}: events were lost",
        'About {{ printf "%.0f" $value }} events of the last 15 minutes (or gaps, where events can\'t be counted) '
        "were trimmed before they were read or missed while disconnected; counts of finished jobs are too low.",
        holds=False,
    )


def _bucket(g: Ground) -> Alert:
    return Alert(
        "BullBucketMissing",
        severity_of(g, "BullBucketMissing", "warning"),
        f"count without (prefix, queue, severity, bound) ({missing_edges(LATENCY)}) > 0",
        10 * MINUTE,
        "The exporter lacks the bucket edge of a latency bound",
        '{{ printf "%.0f" $value }} bounds can\'t be judged: start the exporter with --bucket for each edge that the '
        "configuration names under `buckets`.",
        holds=False,
    )


def _failing(g: Ground) -> Alert:
    return Alert(
        "BullRulesFailing",
        severity_of(g, "BullRulesFailing", "critical"),
        f"{n.RULES_FAILED} > 0",
        0,
        "Prometheus can't evaluate these rules",
        '{{ printf "%.0f" $value }} evaluations of group {{ $labels.rule_group }} failed in the last 15 minutes; '
        "alerts may be missing.",
        holds=False,
    )


def _watchdog() -> Alert:
    return Alert(
        WATCHDOG,
        "warning",
        "vector(1)",
        0,
        "Alerts get through",
        "This alert always fires. Should it stop, then alerts no longer get through: let a dead man's switch watch it.",
        keep_firing_seconds=0,
        holds=False,
    )
