"""This file knows the bounds in force as a table, and the text of a configuration in which some are changed."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import yaml

from alerts.signals import SEVERITIES, SIGNALS, Level, Severity, Signal
from alerts.thresholds import Threshold, Thresholds
from dashboard.amounts import NOTHING
from planner.file.bounds import BLOCKS

Bounds = Mapping[tuple[str, Severity], str]
"""What is written for a signal and a severity; an empty text or `off` switches it off."""
DOCUMENTED: tuple[Signal, ...] = tuple(signal for signal in SIGNALS if signal.name in BLOCKS)
"""The four signals that the user's file may bound."""


def table(thresholds: Thresholds) -> pd.DataFrame:
    """A row for each signal and set of queues."""
    rows: dict[tuple[str, str], dict[str, str]] = {}
    for one in thresholds.all:
        key = one.signal.name, _which(one)
        row = rows.setdefault(key, _row(one, dict(thresholds.targets).get(one.signal.name)))
        row[one.severity] = f"{one.signal.sign} {one.text}"
    return pd.DataFrame(list(rows.values()))


def _row(one: Threshold, target: str | None) -> dict[str, str]:
    return {
        "signal": one.signal.name.replace("_", " "),
        "warning": NOTHING,
        "critical": NOTHING,
        "target": target or NOTHING,
        "for": _which(one),
        "what it is": one.signal.meaning,
    }


def _which(one: Threshold) -> str:
    if not one.matchers:
        level = one.signal.level
        return "every Redis" if level is Level.REDIS else f"every {level.value}"
    return " and ".join(str(matcher) for matcher in one.matchers)


def written(thresholds: Thresholds) -> dict[tuple[str, Severity], str]:
    """The documented bounds as one writes them."""
    found: dict[tuple[str, Severity], str] = {}
    for signal in DOCUMENTED:
        for severity in SEVERITIES:
            plain = [one for one in thresholds.of(signal, severity) if not one.matchers]
            found[signal.name, severity] = f"{signal.sign}{plain[0].text}" if plain else "off"
    return found


def configuration(bounds: Bounds, job: str, further: str = "") -> str:
    """The generator's file: documented bounds, then the user's further settings as they are written."""
    blocks: dict[str, Any] = {}
    for (name, severity), text in bounds.items():
        blocks.setdefault(name, {})[severity] = text.strip() or "off"
    head = yaml.safe_dump(blocks, sort_keys=False) if blocks else ""
    if job not in ("", "bullgauge"):
        head += yaml.safe_dump({"job": job})
    return head + (f"\n{further.strip()}\n" if further.strip() else "")


def changed(now: Bounds, then: Bounds) -> list[str]:
    """What differs, in words: `job failure rate warning: >2 % → >10 %`."""
    return [
        f"{name.replace('_', ' ')} {severity}: {now.get((name, severity), 'off')} → {text.strip() or 'off'}"
        for (name, severity), text in then.items()
        if text.strip() != now.get((name, severity), "off")
    ]
