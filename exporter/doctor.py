"""This file knows what stands in the way of a good measurement, and says it before anybody relies on one."""

import json
import logging
import time
from dataclasses import asdict, dataclass
from enum import StrEnum

from exporter import rights
from exporter.collector import Collector
from exporter.keys import label
from exporter.notices import Notices
from exporter.settings import TargetSettings

LOOK_SECONDS = 30.0


class Verdict(StrEnum):
    """How a finding is to be taken."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    verdict: Verdict
    what: str
    advice: str = ""


def diagnose(settings: TargetSettings, *, as_json: bool) -> int:
    """Print what was found; 0 when all is well, 1 when something failed."""
    findings = _look(settings)
    if as_json:
        print(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        for finding in findings:
            advice = f"\n         {finding.advice}" if finding.advice else ""
            print(f"{finding.verdict:>7}  {finding.what}{advice}")
    return 1 if any(finding.verdict is Verdict.FAILED for finding in findings) else 0


def _look(settings: TargetSettings) -> list[Finding]:
    quiet = logging.getLogger("bullgauge.doctor")
    quiet.addHandler(logging.NullHandler())
    quiet.propagate = False
    collector = Collector(settings, Notices(quiet))
    collector.start()
    try:
        reason = collector.wait_ready(time.monotonic() + LOOK_SECONDS)
        if reason is not None:
            return [Finding(Verdict.FAILED, reason, "is the address right, and may this user connect?")]
        return [
            Finding(
                Verdict.OK, f"{collector.address}: answers, server {collector.server_version or 'unknown'}"
            ),
            *_memory(collector),
            *_rights(collector, settings),
            *_queues(collector, settings),
        ]
    finally:
        collector.stop()


def _rights(collector: Collector, settings: TargetSettings) -> list[Finding]:
    lines = rights.explain(collector.refused, settings)
    if not lines:
        return [Finding(Verdict.OK, "all rights are there")]
    return [Finding(Verdict.WARNING, line) for line in lines]


def _memory(collector: Collector) -> list[Finding]:
    policy = collector.eviction_policy
    if policy in (None, "noeviction"):
        return []
    advice = "set maxmemory-policy to noeviction: BullMQ's documents ask for it"
    return [
        Finding(
            Verdict.WARNING, f"eviction policy {policy}: Redis may drop jobs when memory is short", advice
        )
    ]


def _queues(collector: Collector, settings: TargetSettings) -> list[Finding]:
    snapshots = collector.snapshots()
    if not snapshots:
        prefixes = ", ".join(settings.prefixes)
        advice = "name the prefix with --prefix; ioredis' keyPrefix counts as one in Bull"
        return [Finding(Verdict.WARNING, f"no queue found under {prefixes}", advice)]
    found = []
    for snapshot in snapshots:
        source = (
            "event stream"
            if snapshot.library.startswith("bullmq")
            else "pub/sub: names and retries only in part"
        )
        version = f" {snapshot.version}" if snapshot.version else ""
        found.append(
            Finding(Verdict.OK, f"{label(snapshot.name.base)}: {snapshot.library}{version}, {source}")
        )
    return found
