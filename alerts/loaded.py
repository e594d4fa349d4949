"""This file knows how to compare the rules with those that a running Prometheus has loaded."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from alerts.links import Links
from alerts.output import Plan
from alerts.render import pretty, written
from alerts.rules import Alert, Recording
from planner.stored.http import Address

PATH = "/api/v1/rules"
Key = tuple[str | int, ...]
"""What tells a rule from the others of its group; its last part counts those that nothing else tells apart."""
Form = dict[str, Any]
"""What a rule says, by the name that its file gives to each part."""


class LoadedError(ValueError):
    """Prometheus can't be asked; the text is one line."""


def differences(server: Address, plan: Plan) -> Iterator[str]:
    """One line for each rule that is missing there, is there in another form, or is there beside ours.

    Raises BadInput where there is no answer, LoadedError where it is of something else.
    """
    here = _counted((_key(rule), _form(rule, plan)) for group in plan.groups for rule in group.rules)
    groups = _groups(server)
    there = _counted(pair for group in groups for pair in _rules(group))
    yield from _intervals(groups, plan.ground.pace.interval)
    for key, form in here.items():
        if key not in there:
            yield f"{_named(key)}: not loaded"
            continue
        others = [part for part, value in there[key].items() if value != form[part]]
        if others:
            yield f"{_named(key)}: loaded, but differs in {', '.join(others)}"
    for key in sorted(there.keys() - here.keys()):
        yield f"{_named(key)}: loaded, but no longer generated"


def _named(key: Key) -> str:
    return " ".join(filter(None, map(str, key[:-1])))


def _counted(rules: Iterable[tuple[Key, Form]]) -> dict[Key, Form]:
    before: Counter[Key] = Counter()
    found = {}
    for key, form in rules:
        found[(*key, before[key])] = form
        before[key] += 1
    return found


def _intervals(groups: list[Any], wanted: float) -> Iterator[str]:
    for group in groups:
        if group["interval"] != wanted:
            yield f"{group['name']}: evaluated every {group['interval']:g} s, not every {wanted:g} s"


def _key(rule: Alert | Recording) -> Key:
    if isinstance(rule, Alert):
        return _alert_key(rule.name, {"severity": rule.severity, **dict(rule.labels)}, rule.summary)
    return _recording_key(rule.record, dict(rule.labels))


def _alert_key(name: str, labels: dict[str, str], summary: str) -> Key:
    level = "queue" if "$labels.queue" in summary else ""
    return (name, labels.get("severity", ""), labels.get("window", ""), level)


def _recording_key(name: str, labels: dict[str, str]) -> Key:
    return (name, labels.get("severity", ""), labels.get("bound", ""), "")


def _form(rule: Alert | Recording, plan: Plan) -> Form:
    pace = plan.ground.pace
    form = {
        "labels": {},
        **written(rule, pace, Links(plan.ground.config.addresses)),
        "expr": pretty(rule.expr),
    }
    if isinstance(rule, Alert):
        form["for"] = round(rule.for_seconds / pace.speed, 3)
        form["keep_firing_for"] = round(rule.keep_firing_seconds / pace.speed, 3)
    return form


def _groups(server: Address) -> list[Any]:
    """Those that are ours."""
    answer = server.ask(PATH)
    try:
        found = json.loads(answer)["data"]["groups"]
    except (ValueError, KeyError, TypeError) as error:
        raise LoadedError(f"{server.shown}{PATH}: the answer is none of Prometheus") from error
    return [group for group in found if group["name"].startswith("bullgauge-")]


def _rules(group: Any) -> Iterator[tuple[Key, Form]]:
    for rule in group["rules"]:
        labels = rule.get("labels") or {}
        form: Form = {"expr": pretty(rule["query"]), "labels": labels}
        if rule["type"] != "alerting":
            yield _recording_key(rule["name"], labels), form
            continue
        texts = rule.get("annotations") or {}
        form |= {"for": rule["duration"], "annotations": texts}
        if "keepFiringFor" in rule:  # Prometheus 2.42 does not tell
            form["keep_firing_for"] = rule["keepFiringFor"]
        yield _alert_key(rule["name"], labels, texts.get("summary", "")), form
