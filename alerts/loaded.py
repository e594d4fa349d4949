"""This file knows how to compare the rules with those that a running Prometheus has loaded."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

from alerts.output import Plan
from alerts.render import pretty
from alerts.rules import Alert

SECONDS = 30


class LoadedError(ValueError):
    """Prometheus can't be asked; the text is one line."""


def differences(url: str, plan: Plan) -> Iterator[str]:
    """One line for each rule that is missing there, is there in another form, or is there beside ours."""
    here = {_key(rule): pretty(rule.expr) for group in plan.groups for rule in group.rules}
    there = dict(_there(url))
    for key, expr in here.items():
        if key not in there:
            yield f"{' '.join(filter(None, key))}: not loaded"
        elif pretty(there[key]) != pretty(expr):
            yield f"{' '.join(filter(None, key))}: another expression is loaded"
    for key in sorted(there.keys() - here.keys()):
        yield f"{' '.join(filter(None, key))}: loaded, but no longer generated"


def _key(rule: Any) -> tuple[str, ...]:
    if isinstance(rule, Alert):
        window = dict(rule.labels).get("window", "")
        level = "queue" if "$labels.queue" in rule.summary else ""
        return (rule.name, rule.severity, window, level)
    labels = dict(rule.labels)
    return (rule.record, labels.get("severity", ""), labels.get("bound", ""), "")


def _there(url: str) -> Iterator[tuple[tuple[str, ...], str]]:
    for group in _get(f"{url.rstrip('/')}/api/v1/rules")["data"]["groups"]:
        if not group["name"].startswith("bullgauge-"):
            continue
        for rule in group["rules"]:
            labels = rule.get("labels") or {}
            if rule["type"] == "alerting":
                level = "queue" if "$labels.queue" in rule["annotations"].get("summary", "") else ""
                yield (
                    (rule["name"], labels.get("severity", ""), labels.get("window", ""), level),
                    rule["query"],
                )
            else:
                yield (rule["name"], labels.get("severity", ""), labels.get("bound", ""), ""), rule["query"]


def _get(url: str) -> Any:
    try:
        with urllib.request.urlopen(url, timeout=SECONDS) as answer:
            return json.load(answer)
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise LoadedError(f"{url}: {reason}") from error
