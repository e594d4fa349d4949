"""This file knows the verbs that ask a running Prometheus: what it would have told, and which rules it has loaded."""

import argparse
import json
import shutil
import sys
from datetime import UTC, datetime

from alerts import backtest, config_file, history, loaded
from alerts.alerting.exporter import ABSENT
from alerts.backtest import BacktestError, Line
from alerts.history import HistoryError
from alerts.loaded import LoadedError
from alerts.output import Plan
from alerts.quantities import QuantityError, Unit, parse
from exporter.command_line import UsageError
from planner.stored import http as history_http
from planner.stored import http_access
from planner.stored.http import Address


def drift(options: argparse.Namespace, plan: Plan) -> list[str]:
    """How the rules that are loaded differ from the plan's. Raises UsageError."""
    try:
        return list(loaded.differences(_server(options), plan))
    except LoadedError as error:
        raise UsageError(str(error)) from error


def play(options: argparse.Namespace) -> int:
    """The verb `backtest`. Raises UsageError."""
    if shutil.which("promtool") is None:
        raise UsageError("promtool: no such program; it plays the history to the rules: install Prometheus")
    try:
        _compare(options)
    except (HistoryError, BacktestError) as error:
        raise UsageError(str(error)) from error
    return 0


def _compare(options: argparse.Namespace) -> None:
    server, now = _server(options), datetime.now(UTC)
    start, end = (history.moment(text, now).timestamp() for text in (options.start, options.end))
    if start >= end:
        raise UsageError(f"--from {options.start} must be before --to {options.end}")
    paths = [options.config, *([options.against] if options.against else [])]
    plans = {str(path or "the defaults"): config_file.load(path) for path in paths}
    results = {name: (plan, backtest.play(plan, server, start, end)) for name, plan in plans.items()}
    for name, (plan, lines) in results.items():
        told = _json(name, lines) if options.json else _table(name, plan, lines, end - start)
        sys.stdout.write(told + "\n")
        if _nothing_stored(lines, plan, end - start):
            sys.stderr.write(
                f'bullgauge-alerts: nothing is stored of job="{plan.ground.config.job}" in this time, so that other '
                "alerts are silent; `job` of the configuration names another\n"
            )


def _nothing_stored(lines: list[Line], plan: Plan, seconds: float) -> bool:
    """Whether there was no exporter all the time."""
    steps = round(seconds / plan.ground.pace.interval)
    return any(line.alert == ABSENT and len(line.steps) >= steps for line in lines)


def _json(name: str, lines: list[Line]) -> str:
    fired = [[line.alert, line.severity, line.about, line.times, sorted(line.steps)] for line in lines]
    return json.dumps({"configuration": name, "fired": fired})


def _table(name: str, plan: Plan, lines: list[Line], seconds: float) -> str:
    interval = plan.ground.pace.interval
    return f"{name}:\n{backtest.table(plan.alerts, lines, round(seconds / interval) + 1, interval)}"


def _server(options: argparse.Namespace) -> Address:
    """Raises UsageError."""
    try:
        timeout_seconds = parse(options.timeout, Unit.SECONDS).value
    except QuantityError as error:
        raise UsageError(f"--timeout {options.timeout} {error}") from error
    return history_http.address(
        "--prometheus", options.prometheus, timeout_seconds, http_access.access(options)
    )
