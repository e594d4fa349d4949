"""This file knows what is told of an alert at length: meaning, times, what silences it, what to do."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import jinja2
import yaml

from alerts.alertmanager.inhibitions import SAME_NAME, Inhibition
from alerts.alertmanager.routing import GROUP_WAIT
from alerts.promql import Pace
from alerts.quantities import show_seconds
from alerts.render import LOADER
from alerts.rules import HOUR, Alert

SCRAPE_SECONDS = 60
"""The longest scrape interval that the latest times count with."""


@dataclass(frozen=True, slots=True)
class Row:
    """One severity of an alert, and how soon it is noticed."""

    severity: str
    window: str
    bound: str
    lasts: str
    earliest: str
    latest: str


@cache
def texts() -> dict[str, dict[str, Any]]:
    """The prose of every alert by its name."""
    text = (files("alerts") / "texts" / "runbooks.yaml").read_text()
    found: dict[str, dict[str, Any]] = yaml.load(text, Loader=LOADER)
    return found


def runbook(name: str, alerts: Sequence[Alert], inhibitions: Sequence[Inhibition], pace: Pace) -> str:
    """The Markdown page of one alert."""
    mine = [alert for alert in alerts if alert.name == name]
    return _template().render(
        name=name,
        text=texts()[name],
        rows=[row(alert, pace) for alert in mine],
        bounded=any(alert.bound for alert in mine),
        holds=any(alert.holds for alert in mine),
        silences=silences(name, {alert.severity for alert in mine}, inhibitions),
    )


@cache
def _template() -> jinja2.Template:
    loader = jinja2.FileSystemLoader(str(files("alerts") / "texts"))
    environment = jinja2.Environment(
        loader=loader, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True, autoescape=False
    )
    return environment.get_template("runbook.md.j2")


def row(alert: Alert, pace: Pace) -> Row:
    """How soon an alert is noticed: when its condition holds at once, and when its window must fill first."""
    window = dict(alert.labels).get("window", "")
    soonest = alert.for_seconds / pace.speed + GROUP_WAIT / pace.speed
    fills = max(alert.window_seconds, alert.fills_seconds) / pace.speed
    latest = soonest + fills + 2 * pace.interval + SCRAPE_SECONDS / pace.speed
    return Row(
        alert.severity,
        window,
        alert.bound,
        show_seconds(alert.for_seconds / pace.speed) if alert.for_seconds else "at once",
        _lasting(soonest),
        _lasting(latest),
    )


def silences(name: str, severities: Collection[str], inhibitions: Sequence[Inhibition]) -> list[str]:
    """What keeps Alertmanager from sending an alert of these severities, in words."""
    can = [inhibition for inhibition in inhibitions if inhibition.silences(name)]
    lines = [one.words for one in can if len(severities) > 1 or SAME_NAME not in one.equal]
    return [*lines, "A silence that somebody set in Alertmanager."]


def _lasting(seconds: float) -> str:
    return f"{round(seconds / 60, 1):g} min" if seconds < 3 * HOUR else f"{round(seconds / HOUR, 1):g} h"
