"""This file knows what the rules would have said of stored history: promtool plays it to them, sample by sample."""

import re
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alerts import history, lint, names, output, programs, render
from alerts.alerting.exporter import WATCHDOG
from alerts.cases.needed import behind
from alerts.cases.possible import possible
from alerts.cases.world import notation
from alerts.history import Series
from alerts.output import Plan
from alerts.promql import Matcher, duration, select
from alerts.quantities import show_seconds
from alerts.rules import Alert, order, recordings_of
from planner.stored.http import Address

BY = ("alertname", "severity", "queue", "pool", "cache", "window")
COLUMNS = 60
LEAD_SECONDS = 6 * 3600
"""Played before the time asked for, so that windows are full when it begins."""


class BacktestError(RuntimeError):
    """promtool could not play the history; the text is one line."""


@dataclass(frozen=True, slots=True)
class Line:
    """One alert over the time asked for: at which steps it fired."""

    alert: str
    severity: str
    about: str
    steps: frozenset[int]

    @property
    def times(self) -> int:
        """How often it began."""
        return sum(step - 1 not in self.steps for step in self.steps)


def play(plan: Plan, server: str | Address, start: float, end: float) -> list[Line]:
    """What would have fired between two moments. Raises HistoryError, BacktestError."""
    step = plan.ground.pace.interval
    begin = start - LEAD_SECONDS
    stored = history.fetch(server, selectors(plan), begin, end, step)
    lead, last = round(LEAD_SECONDS / step), round((end - begin) / step)
    return _lines(_run(plan, stored, range(lead, last + 1)), lead)


def selectors(plan: Plan) -> list[str]:
    """The exporter's series that the rules read, each once."""
    own = {rule.record for rule in recordings_of(plan.groups)} | {names.ALERTS, names.RULE_FAILURES}
    found = {}
    for rule in recordings_of(plan.groups):
        for selector in lint.selectors(rule.expr):
            if selector.name not in own:
                found[select(f"{selector.name}", *map(_matcher, selector.matchers.matchers))] = True
    return list(found)


def _matcher(parsed: Any) -> Matcher:
    """As PromQL writes it: the parser's own text leaves out the escapes, which `1|1\\.0`, a whole edge, needs."""
    operator = str(parsed).removeprefix(parsed.name).partition('"')[0]
    return Matcher(operator, parsed.value, parsed.name)


def _run(plan: Plan, stored: Series, steps: range) -> str:
    """What promtool prints when every minute is expected to be quiet: the minutes that are not.

    It plays the rules that an alert is made of and that can have a sample here, without their texts.
    """
    part = plan.only(behind(plan.names, plan.rules) & possible(plan.rules, stored))
    interval = plan.ground.pace.interval
    expr = f'count by ({", ".join(BY)}) ({names.ALERTS}{{alertstate="firing", alertname!="{WATCHDOG}"}})'
    checks = [{"expr": expr, "eval_time": duration(step * interval), "exp_samples": []} for step in steps]
    series = [
        {"series": name, "values": notation(samples.get(step) for step in range(steps.stop))}
        for name, samples in stored.items()
    ]
    test = {"interval": duration(interval), "input_series": series, "promql_expr_test": checks}
    document = {
        "rule_files": [output.RULES],
        "evaluation_interval": duration(interval),
        "group_eval_order": order(plan.groups),
        "tests": [test],
    }
    with tempfile.TemporaryDirectory() as place:
        (Path(place) / output.RULES).write_text(render.dump(render.mute(output.rules(part))))
        (Path(place) / output.TESTS).write_text(render.dump(document))
        status, text = programs.run("promtool", "test", "rules", str(Path(place) / output.TESTS))
    # promtool reads at most 10,000 samples a query, enough for some hundred queues; beyond, rules fail.
    if " err: " in text or (status != 0 and "got:" not in text):
        raise BacktestError(f"promtool: {' '.join(text.split())[:300]}")
    return _in_steps(text, interval)


def _in_steps(text: str, interval: float) -> str:
    """The same with each time as the number of its step."""
    return _TIME.sub(lambda found: f"step {round(_seconds(found[1]) / interval)}", text)


_TIME = re.compile(r"time: ([\dhmsd.]+)")
_FOUND = re.compile(r"step (\d+),\s*exp: nil\s*got: (.*)")
_LABELS = re.compile(r"\{((?:[^\"}]|\"(?:\\.|[^\"\\])*\")*)\}")
_LABEL = re.compile(r"(\w+)=\"((?:\\.|[^\"\\])*)\"")
_SIZES = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


def _seconds(text: str) -> float:
    return sum(float(number) * _SIZES[unit] for number, unit in re.findall(r"([\d.]+)(ms|[dhms])", text))


def _lines(text: str, lead: int) -> list[Line]:
    found: dict[tuple[str, str, str], set[int]] = {}
    for step, samples in _FOUND.findall(text):
        for labels in _LABELS.findall(samples):
            marks = dict(_LABEL.findall(labels))
            about = " ".join(marks[name] for name in BY[2:] if marks.get(name))
            found.setdefault((marks["alertname"], marks["severity"], about), set()).add(int(step) - lead)
    return [Line(*key, frozenset(steps)) for key, steps in sorted(found.items())]


def table(alerts: Iterable[Alert], lines: list[Line], steps: int, interval: float) -> str:
    """One row an alert that fired, with a chart of when; then those that never did."""
    rows = [_row(line, steps, interval) for line in lines]
    fired = {(line.alert, line.severity) for line in lines}
    silent = sorted(
        {alert.name for alert in alerts if (alert.name, alert.severity) not in fired} - {WATCHDOG}
    )
    head = f"{'alert':<24} {'severity':<9} {'about':<22} {'times':>5} {'for':>9}  when"
    return "\n".join([head, *rows, f"did not fire: {', '.join(silent)}"])


def _row(line: Line, steps: int, interval: float) -> str:
    lasted = show_seconds(len(line.steps) * interval)
    return (
        f"{line.alert:<24} {line.severity:<9} {line.about[:22]:<22} {line.times:>5} {lasted:>9}  "
        f"{chart(line.steps, steps)}"
    )


def chart(firing: frozenset[int], steps: int) -> str:
    """A strip of the whole time: a full block where it fired at some moment of that part, a dot where it did not."""
    width = min(COLUMNS, steps)
    parts = {step * width // steps for step in firing if step < steps}
    return "".join("█" if column in parts else "·" for column in range(width))
