"""The command `bullgauge-dashboard`: its options, and what it says before the page is there."""

import argparse
import sys
from collections.abc import Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from dashboard.choices import chosen
from dashboard.settings import SettingsError
from planner import http_access

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
    missing = [package for module, package in EXTRA.items() if find_spec(module) is None]
    if missing:
        return _refused(f"{', '.join(missing)} missing; install with: pip install 'bullgauge[dashboard]'")
    try:
        return _run(options)
    except SettingsError as error:
        return _refused(str(error))
    except KeyboardInterrupt:
        return 130


def _run(options: argparse.Namespace) -> int:
    settings = chosen(options)
    # Imported late, so that help and mistakes are told at once, and without the extra.
    from dashboard import server

    return server.run(settings)


def _refused(text: str) -> int:
    print(f"bullgauge-dashboard: {text}", file=sys.stderr)
    return 2


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="bullgauge-dashboard",
        description="Shows capacity, headroom, forecast and alerts of Bull and BullMQ queues. It only reads.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("--version", action="version", version=f"bullgauge {version('bullgauge')}")
    source = made.add_argument_group("source").add_mutually_exclusive_group(required=True)
    source.add_argument("--prometheus", metavar="URL", help="Prometheus, Thanos, Mimir, VictoriaMetrics")
    source.add_argument(
        "--exporter", metavar="URL", help="the exporter alone; history since the start, in memory"
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
        "--listen", metavar="HOST:PORT", default="127.0.0.1:8501", help="default 127.0.0.1:8501"
    )
    _add_access(made.add_argument_group("how to reach the source"))
    _add_people(made.add_argument_group("who may look"))
    return made


def _add_access(group: argparse._ArgumentGroup) -> None:
    http_access.add_options(group)
    group.add_argument(
        "--timeout", metavar="SECONDS", type=float, default=10.0, help="longest wait, default 10"
    )
    group.add_argument(
        "--query-parameter",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="sent with each question to Prometheus, such as dedup=true to Thanos; may be repeated",
    )
    group.add_argument(
        "--select",
        metavar="LABEL=VALUE",
        action="append",
        default=[],
        help="only such series; default job=bullgauge",
    )
    group.add_argument(
        "--scrape-interval",
        metavar="SECONDS",
        type=float,
        default=15.0,
        help="of Prometheus' job, default 15",
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
        help="address or network of that proxy; default this machine; may be repeated",
    )
    group.add_argument(
        "--allow",
        metavar="WHO",
        action="append",
        default=[],
        help="only this name or e-mail address, or @example.com for all of a domain; may be repeated",
    )
