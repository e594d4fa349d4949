"""Knows the options of the verb `fit`."""

import argparse
from pathlib import Path


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
        "--redis", metavar="URL", help="Redis itself: the finished jobs that are kept, read only"
    )
    made.add_argument(
        "--queue", metavar="NAME", action="append", default=[], help="this queue only; may be repeated"
    )
    made.add_argument(
        "--fleet", metavar="FILE", type=Path, help="YAML of queues: their slots, and what else is kept"
    )
    made.add_argument(
        "--slots", metavar="QUEUE=N", action="append", default=[], help="slots of a queue; may be repeated"
    )
    made.add_argument(
        "--column", metavar="OURS=THEIRS", action="append", default=[], help="the trace's name for a column"
    )
    made.add_argument("--for", dest="span", metavar="TIME", default="60s", help="how long (default: 60s)")
    add_range(made)
    made.add_argument(
        "--prefix",
        metavar="PREFIX",
        action="append",
        default=[],
        help="prefix of the queues in Redis (default: bull)",
    )
    made.add_argument(
        "--redis-password-file", metavar="FILE", type=Path, help="file that holds the password of Redis"
    )
    made.add_argument(
        "--jobs",
        metavar="N",
        type=int,
        default=5000,
        help="kept jobs read of each queue and state (default: 5000)",
    )
    made.add_argument("--json", action="store_true", help="print JSON")


def add_range(made: argparse.ArgumentParser) -> None:
    """What a range query needs."""
    made.add_argument(
        "--from", dest="begin", metavar="TIME", help="begin of the range, such as now-7d (the default)"
    )
    made.add_argument("--to", dest="end", metavar="TIME", default="now", help="its end (default: now)")
    made.add_argument(
        "--selector",
        metavar="LABELS",
        default='job="bullgauge"',
        help="""which series (default: 'job="bullgauge"')""",
    )
    made.add_argument(
        "--timeout", metavar="TIME", default="30s", help="longest wait for one answer (default: 30s)"
    )
