"""This file knows which alert silences which: never another team's, and never another queue's."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from alerts.alerting.exporter import WATCHDOG
from alerts.config import Config

BLIND = ("BullExporterDown", "BullExporterAbsent", "BullRedisDown")
"""While one of these is critical, nothing is known of that Redis."""
OWN = (*BLIND, "BullExporterStale", "BullRulesFailing", WATCHDOG)
"""Alerts on the monitoring itself; they stay heard while it is blind."""
STANDING = ("BullOldestJobWaiting", "BullBacklogSlow", "BullWorkersSaturated")
"""What a queue that stands shows as well."""
SAME_NAME = "alertname"


@dataclass(frozen=True, slots=True)
class Inhibition:
    """While `sources` fire, `targets` are not sent, where the labels `equal` are equal."""

    sources: tuple[str, ...]
    targets: tuple[str, ...]
    equal: tuple[str, ...]
    words: str

    def document(self) -> dict[str, Any]:
        return {
            "source_matchers": list(self.sources),
            "target_matchers": list(self.targets),
            "equal": list(self.equal),
        }

    def silences(self, name: str) -> bool:
        """Whether an alert of this name can be a target."""
        return all(_accepts(matcher, name) for matcher in self.targets)


def _accepts(matcher: str, name: str) -> bool:
    """Whether a matcher leaves an alert's name in; matchers on other labels do."""
    found = re.fullmatch(r'alertname(=~|!~|=|!=)"(.*)"', matcher)
    if found is None:
        return True
    operator, value = found.groups()
    same = re.fullmatch(value, name) is not None if "~" in operator else value == name
    return not same if operator.startswith("!") else same


def inhibitions(config: Config) -> Iterator[Inhibition]:
    """All of them, in the order of the file."""
    redis = (*config.redis_labels, "team")
    queue = (*redis, "prefix", "queue")
    ours, critical = 'alertname=~"Bull.+"', 'severity="critical"'
    yield Inhibition(
        (ours, critical),
        (ours, f'alertname!="{WATCHDOG}"', 'severity="warning"'),
        (SAME_NAME, *queue, "pool", "cache", "window", "instance"),
        "The critical alert of the same name and queue silences the warning.",
    )
    yield Inhibition(
        (_any(*BLIND), critical),
        (ours, _none_of(*OWN)),
        redis,
        "While the exporter or Redis is away (BullExporterDown, BullExporterAbsent, BullRedisDown), what can't be "
        "known of the same Redis is silent, for the same team.",
    )
    yield Inhibition(
        (_any("BullExporterDown", "BullExporterAbsent"), critical),
        (_any("BullExporterStale", "BullRedisDown"),),
        redis,
        "BullExporterDown and BullExporterAbsent of the same Redis silence it.",
    )
    yield Inhibition(
        (_any("BullNoWorkers"),),
        (_any("BullLatencyHigh", "BullQueueStuck", "BullSchedulersStopped", "BullJobsStalled", *STANDING),),
        queue,
        "BullNoWorkers of the same queue silences it.",
    )
    yield Inhibition(
        (_any("BullFailureRateHigh"), critical),
        (_any("BullFailuresLowVolume"),),
        queue,
        "The critical BullFailureRateHigh of the same queue silences it.",
    )
    yield Inhibition(
        (_any("BullQueueStuck"),), (_any(*STANDING),), queue, "BullQueueStuck of the same queue silences it."
    )


def _any(*names: str) -> str:
    return f'alertname=~"{"|".join(names)}"'


def _none_of(*names: str) -> str:
    return f'alertname!~"{"|".join(names)}"'
