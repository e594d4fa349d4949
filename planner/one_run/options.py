"""Knows the options of `bullgauge-planner predict` that ask for the band of one run, without loading anything."""

import argparse

from planner.whole_numbers import whole_number

MOST_JOBS = 5_000_000


def add_options(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--run-of",
        metavar="JOBS",
        type=whole_number(2, MOST_JOBS),
        help="also the band in which 9 of 10 runs of so many jobs fall",
    )
    verb.add_argument(
        "--fitted-to",
        metavar="JOBS",
        type=whole_number(2, MOST_JOBS),
        help="the file was fitted to so many jobs, which widens that band",
    )
    verb.add_argument(
        "--pickup", metavar="TIME", help="how long an idle slot takes to pick a job up there (default: 0s)"
    )
