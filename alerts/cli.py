"""The command `bullgauge-alerts`: what its verbs and options are."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from exporter import command_line
from exporter.command_line import add_verb
from planner.stored import http_access

PROGRAM = "bullgauge-alerts"
EXTRA = {
    "promql_parser": "promql-parser",
    "grafana_foundation_sdk": "grafana-foundation-sdk",
    "jinja2": "Jinja2",
}
EPILOG = """\
example:
  bullgauge-alerts generate --out monitoring
  promtool test rules monitoring/rules_test.yaml
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status: 0 fine, 1 the answer is no, 2 bad input."""
    options = parser().parse_args(argv)
    if missing := command_line.lacking(EXTRA, "alerts"):
        print(f"{PROGRAM}: {missing}", file=sys.stderr)
        return command_line.BAD_INPUT
    # Each verb imports what it needs, so that `--help` answers without the extra.
    from alerts import commands

    return command_line.ended(PROGRAM, lambda: commands.run(options))


def parser() -> argparse.ArgumentParser:
    made = command_line.command(
        PROGRAM,
        "Generates Prometheus rules and their tests, Alertmanager routes, Grafana dashboards, runbooks.",
        EPILOG,
    )
    verbs = made.add_subparsers(dest="verb", metavar="VERB", title="verbs", required=True)
    _add_generate(verbs)
    _add_check(verbs)
    _add_test(verbs)
    _add_explain(verbs)
    _add_merge(verbs)
    _add_backtest(verbs)
    add_verb(
        verbs,
        "schema",
        "print the JSON Schema of the configuration file",
        "bullgauge-alerts schema > alerts.schema.json",
    )
    return made


def _add_config(made: argparse.ArgumentParser) -> None:
    made.add_argument(
        "--config", metavar="FILE", type=Path, help="bounds and settings (default: the documented bounds)"
    )


def _add_generate(verbs: Any) -> None:
    made = add_verb(
        verbs,
        "generate",
        "write the whole set into a folder",
        "bullgauge-alerts generate --config alerts.yaml --out monitoring",
    )
    _add_config(made)
    made.add_argument(
        "--out", metavar="DIR", type=Path, required=True, help="folder; made when it is not there"
    )
    made.add_argument(
        "--form",
        choices=("prometheusrule", "mimir", "configmaps"),
        action="append",
        default=[],
        help="write this form as well (repeatable)",
    )


def _add_check(verbs: Any) -> None:
    made = add_verb(
        verbs,
        "check",
        "check the rules, and compare them with a folder or a Prometheus",
        "bullgauge-alerts check --diff monitoring",
    )
    _add_config(made)
    made.add_argument("--diff", metavar="DIR", type=Path, help="exit 1 when the folder holds something else")
    made.add_argument("--prometheus", metavar="URL", help="exit 1 when other rules are loaded there")
    made.add_argument("--json", action="store_true", help="print JSON")
    _add_access(made)


def _add_test(verbs: Any) -> None:
    made = add_verb(
        verbs, "test", "run the rule tests with promtool", "bullgauge-alerts test --config alerts.yaml"
    )
    _add_config(made)
    made.add_argument(
        "--promtool", metavar="PATH", default="promtool", help="program to run (default: promtool)"
    )


def _add_explain(verbs: Any) -> None:
    made = add_verb(
        verbs,
        "explain",
        "tell what an alert means, when it fires and what to do",
        "bullgauge-alerts explain BullLatencyHigh",
    )
    made.add_argument("alert", metavar="ALERT", nargs="?", help="its name; without one, all are listed")
    _add_config(made)


def _add_merge(verbs: Any) -> None:
    made = add_verb(
        verbs,
        "merge",
        "print an Alertmanager file with these routes added; nothing is overwritten",
        "bullgauge-alerts merge /etc/prometheus/alertmanager.yml --config alerts.yaml",
    )
    made.add_argument("file", metavar="FILE", type=Path, help="the Alertmanager configuration in use")
    _add_config(made)


def _add_backtest(verbs: Any) -> None:
    made = add_verb(
        verbs,
        "backtest",
        "tell how often each alert would have fired on stored history",
        "bullgauge-alerts backtest --prometheus http://localhost:9090 --from now-1d",
    )
    _add_config(made)
    made.add_argument(
        "--prometheus", metavar="URL", required=True, help="where the history is; no rules need be loaded"
    )
    made.add_argument(
        "--from",
        metavar="TIME",
        dest="start",
        default="now-1d",
        help="begin of the range, such as now-7d (default: now-1d)",
    )
    made.add_argument(
        "--to", metavar="TIME", dest="end", default="now", help="end of the range (default: now)"
    )
    made.add_argument("--against", metavar="FILE", type=Path, help="a second configuration to compare with")
    made.add_argument("--json", action="store_true", help="print JSON")
    _add_access(made)


def _add_access(made: argparse.ArgumentParser) -> None:
    """How Prometheus may be reached."""
    made.add_argument(
        "--timeout", metavar="TIME", default="60s", help="longest wait for one answer (default: 60s)"
    )
    http_access.add_options(made)
