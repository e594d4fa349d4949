"""This file knows what two sets of rules would have said of the last days: the generator's backtest, day by day."""

import math
import shutil
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import pandas as pd

from alerts import backtest
from alerts.backtest import LEAD_SECONDS, Line
from alerts.output import Plan
from alerts.quantities import Unit, parse, show_seconds
from alerts.rules import Alert
from dashboard.alerting.rules import only
from dashboard.plan.work import Job
from dashboard.sources.prometheus import PrometheusSource
from dashboard.sources.shared import SharedSource
from dashboard.sources.source import Source

DAY_SECONDS = 86_400.0
GRAIN_SECONDS = 3_600.0
"""The last day ends with a full hour, so that viewers of one hour share its answer."""
Known = Mapping[Hashable, Any]


def address(source: Source) -> str | None:
    """Where the history lies that a backtest plays; None where there is no Prometheus."""
    inner = source.source if isinstance(source, SharedSource) else source
    return inner.url if isinstance(inner, PrometheusSource) else None


def impossible(source: Source) -> str:
    """Why there can be no backtest, in one line; nothing where there can."""
    if address(source) is None:
        return "A backtest plays stored history, which only a Prometheus has: give --prometheus URL."
    if shutil.which("promtool") is None:
        return "A backtest needs promtool, which comes with Prometheus, where the dashboard runs: install it."
    return ""


@dataclass(frozen=True, slots=True)
class Days:
    """A stretch of the past in days, the oldest first; days begin at midnight UTC."""

    start_seconds: float
    end_seconds: float
    day_seconds: float = DAY_SECONDS

    @classmethod
    def back(cls, days: int, now_seconds: float) -> "Days":
        end = math.floor(now_seconds / GRAIN_SECONDS) * GRAIN_SECONDS
        return cls(end - days * DAY_SECONDS, end)

    @property
    def parts(self) -> list[tuple[float, float]]:
        """Start and end of each day, cut at midnight."""
        first = math.floor(self.start_seconds / self.day_seconds) + 1
        last = math.ceil(self.end_seconds / self.day_seconds)
        middle = [day * self.day_seconds for day in range(first, last)]
        cuts = [self.start_seconds, *middle, self.end_seconds]
        return list(pairwise(cuts))


def can_be_played(plan: Plan, names: Iterable[str]) -> list[str]:
    """Alerts whose windows are full by what is played before each day; those over days are not."""
    wanted = set(names)
    longest = {name: 0.0 for name in plan.names if name in wanted}
    for alert in plan.alerts:
        if alert.name in longest:
            longest[alert.name] = max(longest[alert.name], alert.window_seconds, _named_window(alert))
    return [name for name, seconds in longest.items() if seconds <= LEAD_SECONDS]


def _named_window(alert: Alert) -> float:
    """The long window of a pair is told by a label."""
    text = dict(alert.labels).get("window")
    return parse(text, Unit.SECONDS).value if text else 0.0


@dataclass(frozen=True, slots=True)
class Play:
    """One set of rules on one stretch of time. `names` are the alerts that are played."""

    plan: Plan
    names: tuple[str, ...]
    url: str
    days: Days

    def _key(self, part: tuple[float, float]) -> Hashable:
        return "backtest", self.url, part, repr(self._small.groups)

    @property
    def _small(self) -> Plan:
        return only(self.plan, self.names)

    def jobs(self) -> dict[Hashable, Job]:
        """One a day, the newest first."""
        small = self._small
        return {
            self._key(part): partial(backtest.play, small, self.url, *part) for part in self._latest_first
        }

    @property
    def _latest_first(self) -> Sequence[tuple[float, float]]:
        return list(reversed(self.days.parts))

    def lines(self, known: Known) -> list[Line]:
        """What fired in the days that are known by now; steps are counted from the start of the whole."""
        steps: dict[tuple[str, str, str], set[int]] = {}
        for part in self.days.parts:
            offset = round((part[0] - self.days.start_seconds) / self.interval)
            for line in known.get(self._key(part), ()):
                key = line.alert, line.severity, line.about
                steps.setdefault(key, set()).update(step + offset for step in line.steps)
        return [Line(*key, frozenset(found)) for key, found in sorted(steps.items())]

    @property
    def interval(self) -> float:
        return self.plan.ground.pace.interval


def spells(line: Line, start_seconds: float, interval: float) -> list[tuple[float, float]]:
    """When an alert fired: start and end of each time, as epoch seconds."""
    found: list[list[int]] = []
    for step in sorted(line.steps):
        if found and found[-1][1] == step - 1:
            found[-1][1] = step
        else:
            found.append([step, step])
    return [
        (start_seconds + first * interval, start_seconds + (last + 1) * interval) for first, last in found
    ]


def table(before: Play, after: Play, known: Known) -> pd.DataFrame:
    """How often and for how long each alert would have fired with either set."""
    both = [
        {(one.alert, one.severity, one.about): one for one in play.lines(known)} for play in (before, after)
    ]
    rows = []
    for key in sorted({*both[0], *both[1]}):
        row: dict[str, object] = dict(zip(("alert", "severity", "about"), key, strict=True))
        for name, found, play in zip(("in force", "changed"), both, (before, after), strict=True):
            line = found.get(key)
            row[f"times, {name}"] = line.times if line else 0
            row[f"for, {name}"] = show_seconds(len(line.steps) * play.interval) if line else "never"
        rows.append(row)
    return pd.DataFrame(rows)


def bars(before: Play, after: Play, known: Known) -> pd.DataFrame:
    """Each time that an alert would have fired: columns row, set, start, end, told."""
    rows = []
    for name, play in (("in force", before), ("changed", after)):
        for line in play.lines(known):
            for start, end in spells(line, play.days.start_seconds, play.interval):
                row = " · ".join(part for part in (line.alert, line.severity, line.about) if part)
                rows.append(
                    {"row": row, "set": name, "start": start, "end": end, "told": show_seconds(end - start)}
                )
    found = pd.DataFrame(rows, columns=["row", "set", "start", "end", "told"])
    for column in ("start", "end"):
        found[column] = pd.to_datetime(found[column], unit="s", utc=True)
    return found
