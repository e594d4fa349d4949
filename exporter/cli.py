"""The command `bullgauge-exporter`: what its options and verbs are."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from exporter.command_line import add_verb, command, duration, ended
from exporter.environment import LOG_LEVELS, fill

PROGRAM = "bullgauge-exporter"
EPILOG = """\
example:
  bullgauge-exporter --redis redis://127.0.0.1:6379 --listen :10577
  curl http://127.0.0.1:10577/metrics
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status: 0 fine, 1 the answer is no, 2 bad input."""
    arguments = sys.argv[1:] if argv is None else list(argv)
    options = _parser().parse_args(_with_verb(arguments))
    return ended(PROGRAM, lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    # Each verb imports what it needs, so that `--help` and the sidecar start at once.
    from exporter import commands

    # The demo starts servers of its own; settings of the user's exporter are not for these.
    if options.verb != "demo":
        fill(options, os.environ)
    return commands.run(options, _overrides(options))


def _with_verb(arguments: list[str]) -> list[str]:
    """`serve` is what the command does when no verb is given."""
    if arguments and (not arguments[0].startswith("-") or arguments[0] in ("-h", "--help", "--version")):
        return arguments
    return ["serve", *arguments]


def _parser() -> argparse.ArgumentParser:
    parser = command(
        PROGRAM,
        "Reads Bull and BullMQ queues from Redis, read-only, and serves Prometheus metrics.\n"
        f"Without a verb it serves; its options: {PROGRAM} serve --help\n"
        "Options of all verbs but demo may stand in variables: BULLGAUGE_REDIS for --redis, and so on.",
        EPILOG,
    )
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", title="verbs (without one: serve)")
    _add_serve(verbs)
    _add_sample(verbs)
    _add_record(verbs)
    _add_doctor(verbs)
    _add_demo(verbs)
    _add_acl(verbs)
    add_verb(verbs, "metrics", "print every metric as a Markdown page", "bullgauge-exporter metrics")
    add_verb(verbs, "schema", "print the JSON Schema of the configuration file", "bullgauge-exporter schema")
    return parser


def _add_serve(verbs: Any) -> None:
    parser = add_verb(
        verbs,
        "serve",
        "serve /metrics until stopped",
        "bullgauge-exporter serve --redis redis://127.0.0.1:6379 --listen :10577",
    )
    _add_target(parser)
    parser.add_argument("--listen", metavar="HOST:PORT", help="address to serve on (default: :10577)")
    parser.add_argument(
        "--web-config", metavar="FILE", type=Path, help="TLS and passwords, as other exporters take them"
    )
    parser.add_argument(
        "--collect",
        metavar="GROUP",
        action="append",
        help="a group of metrics to read (repeatable; default: all; `metrics` lists them)",
    )
    parser.add_argument(
        "--state-file", metavar="FILE", type=Path, help="carry counters and places over a restart"
    )
    parser.add_argument(
        "--bucket", metavar="SECONDS", type=float, action="append", help="a further bucket edge (repeatable)"
    )


def _add_sample(verbs: Any) -> None:
    parser = add_verb(
        verbs,
        "sample",
        "show all queues at this moment, the worst first",
        "bullgauge-exporter sample --redis redis://127.0.0.1:6379 --watch",
    )
    _add_target(parser)
    parser.add_argument("--watch", action="store_true", help="show them again and again, until Ctrl-C")
    parser.add_argument(
        "--every", metavar="TIME", type=duration, default=2.0, help="pause between two looks (default: 2s)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON; with --watch one object a line")


def _add_record(verbs: Any) -> None:
    parser = add_verb(
        verbs,
        "record",
        "write one line for each finished attempt",
        "bullgauge-exporter record --out trace.csv --for 1h",
    )
    _add_target(parser)
    parser.add_argument(
        "--out", metavar="FILE", type=Path, help=".csv, .jsonl or .parquet (default: CSV on stdout)"
    )
    _add_for(parser)


def _add_doctor(verbs: Any) -> None:
    parser = add_verb(
        verbs,
        "doctor",
        "say what can be seen of a Redis, and what is in the way",
        "bullgauge-exporter doctor --redis redis://127.0.0.1:6379",
    )
    _add_target(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")


def _add_demo(verbs: Any) -> None:
    parser = add_verb(
        verbs, "demo", "measure real jobs on an embedded Valkey", "bullgauge-exporter demo --for 1m"
    )
    _add_for(parser)
    parser.add_argument(
        "--redis", metavar="URL", help="read this Redis instead; no server and no jobs are started"
    )
    parser.add_argument(
        "--listen",
        metavar="HOST:PORT",
        default="127.0.0.1:10577",
        help="address of the exporter, or the next free port (default: 127.0.0.1:10577)",
    )


def _add_acl(verbs: Any) -> None:
    parser = add_verb(
        verbs, "acl", "print the Redis ACL that the exporter needs", "bullgauge-exporter acl --prefix bull"
    )
    parser.add_argument(
        "--prefix", metavar="PREFIX", action="append", help="key prefix (repeatable; default: bull)"
    )
    parser.add_argument(
        "--user", metavar="NAME", default="bullgauge", help="name of the ACL user (default: bullgauge)"
    )
    parser.add_argument("--least", action="store_true", help="counts and discovery only")
    parser.add_argument(
        "--with",
        dest="also",
        choices=("caches", "databases", "cluster", "maxclients"),
        action="append",
        help="an optional feature as well (repeatable)",
    )
    parser.add_argument("--redis-6", action="store_true", help="in the words of Redis 6.2")


def _add_for(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--for", metavar="TIME", type=duration, dest="for_seconds", help="stop after this time: 90, 10m or 1h"
    )


def _add_target(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", metavar="FILE", type=Path, help="YAML file; options override it")
    parser.add_argument(
        "--redis",
        metavar="URL",
        help="redis://, rediss:// or unix:// (default: $BULLGAUGE_REDIS or redis://127.0.0.1:6379)",
    )
    parser.add_argument("--redis-password-file", metavar="FILE", help="file that holds the password")
    parser.add_argument(
        "--cluster", action="store_true", default=None, help="the address is a node of a Redis Cluster"
    )
    parser.add_argument(
        "--prefix", metavar="PREFIX", action="append", help="key prefix (repeatable; default: bull)"
    )
    parser.add_argument(
        "--queue",
        metavar="NAME",
        action="append",
        help="a queue's name (repeatable); given, no SCAN is ever sent",
    )
    parser.add_argument("--log-level", choices=LOG_LEVELS, help="how much is logged (default: info)")


def _overrides(options: argparse.Namespace) -> dict[str, Any]:
    """The settings that options or the environment give, as the configuration file would write them."""
    redis = {
        "url": getattr(options, "redis", None),
        "password_file": getattr(options, "redis_password_file", None),
        "cluster": getattr(options, "cluster", None),
    }
    given = {
        "redis": {name: value for name, value in redis.items() if value is not None} or None,
        "prefixes": getattr(options, "prefix", None),
        "queues": getattr(options, "queue", None),
        "collect": getattr(options, "collect", None),
        "listen": getattr(options, "listen", None),
        "web_config_file": getattr(options, "web_config", None),
        "state_file": getattr(options, "state_file", None),
        "buckets": getattr(options, "bucket", None),
    }
    return {name: value for name, value in given.items() if value is not None}
