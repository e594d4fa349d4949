"""This file knows how rules become the text of a YAML file: always the same text for the same configuration."""

from typing import Any

import promql_parser
import yaml

from alerts.links import Links
from alerts.promql import Pace, duration
from alerts.rules import Alert, Group, Recording

# libyaml writes and reads the same several times faster; a Python without it has the others.
_Base: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Dumper(_Base):  # type: ignore[misc]
    """Writes long expressions as blocks, keys in the order given."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


Dumper.add_representer(str, _text)


def dump(document: Any, heading: str = "", dumper: Any = Dumper) -> str:
    """A YAML document; `heading` becomes comments at its top."""
    comments = "".join(f"# {line}\n" for line in heading.splitlines())
    return comments + yaml.dump(
        document,
        Dumper=dumper,
        sort_keys=False,
        allow_unicode=True,
        width=1_000_000,
        default_flow_style=False,
    )


def pretty(expr: str) -> str:
    """An expression over several lines where it is long. Raises ValueError when it is no PromQL."""
    text: str = promql_parser.parse(expr).prettify()
    return text if len(expr) > 100 else expr


def rules_document(groups: tuple[Group, ...], pace: Pace, links: Links) -> dict[str, Any]:
    """The content of a rules file."""
    return {
        "groups": [
            {
                "name": group.name,
                "interval": duration(pace.interval),
                "rules": [written(rule, pace, links) for rule in group.rules],
            }
            for group in groups
        ]
    }


def mute(document: dict[str, Any]) -> dict[str, Any]:
    """A rules file without texts, which promtool would write anew at each minute, and which change no series."""
    for group in document["groups"]:
        for rule in group["rules"]:
            rule.pop("annotations", None)
    return document


def written(rule: Recording | Alert, pace: Pace, links: Links) -> dict[str, Any]:
    """One rule as its file has it."""
    if isinstance(rule, Recording):
        recording: dict[str, Any] = {"record": rule.record, "expr": pretty(rule.expr)}
        return {**recording, "labels": dict(rule.labels)} if rule.labels else recording
    return {
        "alert": rule.name,
        "expr": pretty(rule.expr),
        "for": pace.span(rule.for_seconds),
        "keep_firing_for": pace.span(rule.keep_firing_seconds),
        "labels": {"severity": rule.severity, **dict(rule.labels)},
        "annotations": {"summary": rule.summary, "description": rule.description, **links.of(rule)},
    }
