"""This file knows a set of rules from outside: what is in it, what of it another configuration changes, its files."""

import io
import re
import zipfile
from collections.abc import Collection
from functools import cache

import pandas as pd

from alerts import lint, output, render, runbooks
from alerts.alertmanager.inhibitions import inhibitions
from alerts.output import Plan, Source
from alerts.quantities import show_seconds
from alerts.rules import Alert, Group, Recording, alerts_of, recordings_of
from dashboard.amounts import NOTHING

Rule = Alert | Recording
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)
"""The same set is the same file, byte for byte."""


def table(plan: Plan) -> pd.DataFrame:
    """A row an alert."""
    meanings = runbooks.texts()
    return pd.DataFrame(
        [
            {
                "alert": alert.name,
                "severity": alert.severity,
                "bound": alert.bound or NOTHING,
                "for": show_seconds(alert.for_seconds) if alert.for_seconds else "at once",
                "what it means": meanings[alert.name]["meaning"],
            }
            for alert in plan.alerts
        ]
    )


def rules_of(plan: Plan, name: str) -> str:
    """The YAML of one alert, with the recordings that it reads."""
    return render.dump(output.rules(only(plan, {name})))


def runbook(plan: Plan, name: str) -> str:
    """Its page, in Markdown, with headings that stand below those of a screen."""
    silencing = list(inhibitions(plan.ground.config))
    page = runbooks.runbook(name, plan.alerts, silencing, plan.ground.pace)
    return re.sub(r"^#", "####", page, flags=re.MULTILINE)


def only(plan: Plan, names: Collection[str]) -> Plan:
    """The set with these alerts and whatever they read, however far back; no other rule changes what they say."""
    kept = _needed(plan, names)
    groups = [Group(g.name, tuple(rule for rule in g.rules if rule in kept)) for g in plan.groups]
    return Plan(plan.ground, tuple(group for group in groups if group.rules))


def _needed(plan: Plan, names: Collection[str]) -> list[Rule]:
    known: dict[str, list[Recording]] = {}
    for recording in recordings_of(plan.groups):
        known.setdefault(recording.record, []).append(recording)
    open_: list[Rule] = [alert for alert in alerts_of(plan.groups) if alert.name in names]
    kept: list[Rule] = []
    seen: set[str] = set()
    while open_:
        kept.append(rule := open_.pop())
        for name in _reads(rule.expr) - seen:
            seen.add(name)
            open_ += known.get(name, [])
    return kept


@cache
def _reads(expr: str) -> frozenset[str]:
    return frozenset(selector.name or "" for selector in lint.selectors(expr))


def affected(before: Plan, after: Plan) -> list[str]:
    """Alerts that the two sets would judge differently: their own rule differs, or one that they read."""
    names = sorted({*before.names, *after.names})
    return [name for name in names if _text(only(before, {name})) != _text(only(after, {name}))]


def _text(plan: Plan) -> str:
    return repr(plan.groups)


def zipped(plan: Plan, source: Source) -> bytes:
    """Every file that `bullgauge-alerts generate` writes, and the configuration that they were made from."""
    files = {**output.texts(plan, source), "alerts.yaml": source.text or "# the documented bounds\n"}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(name, _ZIP_TIME), text, zipfile.ZIP_DEFLATED)
    return packed.getvalue()
