"""The command `bullgauge-planner`: what its options and verbs are."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from exporter import __version__

NEEDED = ("numpy", "scipy")
EPILOG = """\
example:
  bullgauge-planner size fleet.yaml

  # fleet.yaml
  queues:
    - {name: email, concurrency: 5, jobs_per_hour: 3000, service: {law: lognormal, mean: 800ms, scv: 2}}
  objectives: {p95_wait: 750ms}
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status: 0 fine, 1 the answer is no, 2 bad input."""
    options = _parser().parse_args(argv)
    missing = [package for package in NEEDED if find_spec(package) is None]
    if missing:
        print(
            f"bullgauge-planner: {' and '.join(missing)} not installed: pip install 'bullgauge[planner]'",
            file=sys.stderr,
        )
        return 2
    # More threads than one make small matrices slower on a busy machine; numpy reads this when it is imported.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from planner.errors import BadInput

    try:
        return _run(options)
    except BadInput as error:
        print(f"bullgauge-planner: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        return 1


def _run(options: argparse.Namespace) -> int:
    from planner import answers
    from planner.queue_file import read_file

    answer = answers.predicted if options.verb == "predict" else answers.sized
    found = []
    for queue in read_file(options.file):
        if sys.stderr.isatty():
            print(f"\r{queue.name} …\x1b[K", end="", file=sys.stderr, flush=True)
        found.append(answer(queue))
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)
    print(json.dumps({"queues": found}, indent=2) if options.json else "\n".join(answers.as_lines(found)))
    return 1 if any(row.get("slots_needed", 0) is None for row in found) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bullgauge-planner",
        description="Says how long jobs will wait, and how many slots a load needs.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"bullgauge {__version__}")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", title="verbs", required=True)
    _add(verbs, "predict", "say how long the jobs of each queue will wait")
    _add(verbs, "size", "find the smallest number of slots that meets the objectives")
    return parser


def _add(verbs: Any, name: str, text: str) -> None:
    parser = verbs.add_parser(
        name,
        help=text,
        description=text[0].upper() + text[1:] + ".",
        epilog=f"example:\n  bullgauge-planner {name} fleet.yaml --json\n",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", metavar="FILE", type=Path, help="YAML file of queues")
    parser.add_argument("--json", action="store_true", help="print JSON")
