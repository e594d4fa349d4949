"""The command `bullgauge-dashboard`: its options, and what it says before the page is there."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from dashboard.choices import chosen
from dashboard.settings import SettingsError
from exporter import command_line
from exporter.command_line import duration
from planner.stored import http_access

PROGRAM = "bullgauge-dashboard"
EXTRA = {"streamlit": "streamlit", "pandas": "pandas", "altair": "altair", "promql_parser": "promql-parser"}
EPILOG = """\
example:
  bullgauge-dashboard --prometheus http://localhost:9090 --config fleet.yaml
  bullgauge-dashboard --exporter http://localhost:10577
  bullgauge-dashboard --demo
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status: 0 fine, 2 bad input."""
    options = parser().parse_args(argv)
    if missing := command_line.lacking(EXTRA, "dashboard"):
        return _refused(missing)
    try:
        return _run(options)
    except SettingsError as error:
        return _refused(str(error))
    except KeyboardInterrupt:
        return command_line.INTERRUPTED


def _run(options: argparse.Namespace) -> int:
    settings = chosen(options)
    # Imported late, so that help and mistakes are told at once, and without the extra.
    from dashboard import server

    return server.run(settings)


def _refused(text: str) -> int:
    print(f"{PROGRAM}: {text}", file=sys.stderr)
    return command_line.BAD_INPUT


def parser() -> argparse.ArgumentParser:
    made = command_line.command(
        PROGRAM,
        "Shows capacity, headroom, forecast and alerts of Bull and BullMQ queues. It only reads.",
        EPILOG,
    )
    source = made.add_argument_group("source").add_mutually_exclusive_group(required=True)
    source.add_argument("--prometheus", metavar="URL", help="Prometheus, Thanos, Mimir, VictoriaMetrics")
    source.add_argument(
        "--exporter", metavar="URL", help="an exporter alone; history since the start, in memory"
    )
    source.add_argument(
        "--demo", action="store_true", help="real jobs on an embedded server, or those of `make run`"
    )
    made.add_argument(
        "--config", metavar="FILE", type=Path, help="the planner's file: queues with slots, thresholds"
    )
    made.add_argument(
        "--note", metavar="TEXT", default="", help="a line on every screen, such as the cluster's name"
    )
    made.add_argument(
        "--listen",
        metavar="HOST:PORT",
        default="127.0.0.1:8501",
        help="address of the page (default: 127.0.0.1:8501)",
    )
    _add_access(made.add_argument_group("how to reach the source"))
    _add_people(made.add_argument_group("who may look"))
    return made


def _add_access(group: argparse._ArgumentGroup) -> None:
    http_access.add_options(group)
    group.add_argument(
        "--timeout",
        metavar="TIME",
        type=duration,
        default=10.0,
        help="longest wait for one answer (default: 10s)",
    )
    group.add_argument(
        "--query-parameter",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="sent with each question to Prometheus, such as dedup=true to Thanos (repeatable)",
    )
    group.add_argument(
        "--select",
        metavar="LABEL=VALUE",
        action="append",
        default=[],
        help="only such series (repeatable; default: job=bullgauge)",
    )
    group.add_argument(
        "--scrape-interval",
        metavar="TIME",
        type=duration,
        help="how often Prometheus reads the exporter (default: as its samples lie apart)",
    )


def _add_people(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--login", action="store_true", help="OIDC login first; [auth] of Streamlit's secrets.toml"
    )
    group.add_argument(
        "--user-header", metavar="NAME", help="only requests with this header, which a trusted proxy sets"
    )
    group.add_argument(
        "--trusted-proxy",
        metavar="ADDRESS",
        action="append",
        default=[],
        help="address or network of that proxy (repeatable; default: this machine)",
    )
    group.add_argument(
        "--allow",
        metavar="WHO",
        action="append",
        default=[],
        help="only this name or e-mail address, or @example.com for all of a domain (repeatable)",
    )
