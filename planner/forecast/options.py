"""Knows the options of the verb `forecast`."""

import argparse
from pathlib import Path

from planner.fit.options import add_range
from planner.whole_numbers import whole_number


def add_options(made: argparse.ArgumentParser) -> None:
    made.add_argument(
        "history",
        metavar="HISTORY",
        type=Path,
        nargs="?",
        help="CSV of hours: hour, jobs, and queue where several",
    )
    made.add_argument("--trace", metavar="FILE", type=Path, help="recorded attempts in place of hours")
    made.add_argument("--prometheus", metavar="URL", help="a Prometheus server in place of a file")
    add_range(made, "now-56d")
    made.add_argument(
        "--queue", metavar="NAME", action="append", default=[], help="this queue only (repeatable)"
    )
    made.add_argument(
        "--weeks", metavar="N", type=whole_number(1, 8), default=1, help="weeks ahead, 1 to 8 (default: 1)"
    )
    made.add_argument("--zone", metavar="ZONE", help="the wall clock that people work by (default: UTC)")
    made.add_argument(
        "--fleet", metavar="FILE", type=Path, help="YAML of queues: when objectives break, slots by hour"
    )
    made.add_argument(
        "--column",
        metavar="OURS=THEIRS",
        action="append",
        default=[],
        help="the file's name for a column, such as jobs=count (repeatable)",
    )
    made.add_argument("--json", action="store_true", help="print JSON")
