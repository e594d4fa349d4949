"""Knows the options of the verb `fit`."""

import argparse
from pathlib import Path

from planner.stored import http_access
from planner.whole_numbers import whole_number


def add_options(made: argparse.ArgumentParser) -> None:
    made.add_argument(
        "trace",
        metavar="TRACE",
        type=Path,
        nargs="?",
        help="recorded attempts: .csv, .jsonl, .json or .parquet",
    )
    made.add_argument("--exporter", metavar="URL", help="a running exporter, read for a while")
    made.add_argument("--prometheus", metavar="URL", help="a Prometheus server, asked for a range")
    made.add_argument(
        "--redis",
        metavar="URL",
        nargs="?",
        const="",
        help="Redis itself: the finished jobs that are kept, read only "
        "(default: $BULLGAUGE_REDIS or redis://127.0.0.1:6379)",
    )
    made.add_argument(
        "--queue", metavar="NAME", action="append", default=[], help="this queue only (repeatable)"
    )
    made.add_argument(
        "--fleet", metavar="FILE", type=Path, help="YAML of queues: their slots, and what else is kept"
    )
    made.add_argument(
        "--slots", metavar="QUEUE=N", action="append", default=[], help="slots of a queue (repeatable)"
    )
    made.add_argument(
        "--column",
        metavar="OURS=THEIRS",
        action="append",
        default=[],
        help="the trace's name for a column, such as ready=created (repeatable)",
    )
    made.add_argument(
        "--for",
        dest="span",
        metavar="TIME",
        default="60s",
        help="how long to read the exporter (default: 60s)",
    )
    add_range(made, "now-7d")
    _add_redis(made)
    made.add_argument(
        "--jobs",
        metavar="N",
        type=whole_number(1, 1_000_000),
        default=5000,
        help="kept jobs read of each queue and state (default: 5000)",
    )
    made.add_argument("--json", action="store_true", help="print JSON")


def _add_redis(made: argparse.ArgumentParser) -> None:
    """How Redis is reached, in the exporter's words."""
    made.add_argument(
        "--config",
        metavar="FILE",
        type=Path,
        help="the exporter's settings: how it reaches Redis, by Sentinel and TLS too; options override it",
    )
    made.add_argument(
        "--redis-password-file", metavar="FILE", type=Path, help="file that holds the password of Redis"
    )
    made.add_argument(
        "--cluster", action="store_true", default=None, help="the address is a node of a Redis Cluster"
    )
    made.add_argument(
        "--prefix",
        metavar="PREFIX",
        action="append",
        help="key prefix (repeatable; default: bull)",
    )


def add_range(made: argparse.ArgumentParser, begin: str) -> None:
    """What a range query needs; without `--from` the range begins at `begin`."""
    made.add_argument(
        "--from", dest="begin", metavar="TIME", default=begin, help=f"begin of the range (default: {begin})"
    )
    made.add_argument(
        "--to", dest="end", metavar="TIME", default="now", help="end of the range (default: now)"
    )
    made.add_argument(
        "--selector",
        metavar="LABELS",
        default='job="bullgauge"',
        help="""which series (default: 'job="bullgauge"')""",
    )
    made.add_argument(
        "--timeout", metavar="TIME", default="30s", help="longest wait for one answer (default: 30s)"
    )
    http_access.add_options(made)
