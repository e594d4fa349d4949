"""Knows the flags by which a verb is given its queues: a file, fields set in its place or on top of it."""

import argparse
from pathlib import Path


def add_options(verb: argparse.ArgumentParser, values: str = "VALUE", more: str = "") -> None:
    """FILE and `--set`."""
    verb.add_argument("file", metavar="FILE", type=Path, nargs="?", help="YAML file of queues")
    verb.add_argument(
        "--set",
        metavar=f"FIELD={values}",
        action="append",
        default=[],
        help=f"a queue's or the file's field, on top of FILE or in its place: email.concurrency=5{more} (repeatable)",
    )
