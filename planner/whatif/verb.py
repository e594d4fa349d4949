"""Knows the options of `bullgauge-planner whatif`."""

import argparse

from planner.file import flags
from planner.whole_numbers import whole_number

EXAMPLE = "bullgauge-planner whatif fleet.yaml --set email.concurrency=2..6 --load 1,2"


def add_options(verb: argparse.ArgumentParser) -> None:
    flags.add_options(verb, "VALUES", ", or several values: 5..50, 5..50:5, 1,2,3")
    verb.add_argument(
        "--load", metavar="FACTORS", default="1", help="every queue's load times these (default: 1)"
    )
    verb.add_argument(
        "--contracts", metavar="COUNTS", help="today's number, then others; the load grows with them: 75,500"
    )
    verb.add_argument(
        "--moved",
        metavar="SHARES",
        help="share of the traffic on `queues`, the rest on `today`: 0,0.5,1",
    )
    verb.add_argument("--lost-workers", metavar="COUNTS", help="worker processes that each queue loses: 0,1")
    _many(verb, "--cache", "QUEUE=TTLS", "jobs answered from a cache instead: email=60s,300s,3600s")
    verb.add_argument(
        "--keys", metavar="N", type=whole_number(1, 10**12), help="different answers that the cache may hold"
    )
    _many(verb, "--batch", "QUEUE=SIZES", "jobs gathered into batches: email=1,10,100")
    verb.add_argument(
        "--batch-fixed",
        metavar="TIME",
        default="0s",
        help="part of a job's time spent once a batch (default: 0s)",
    )
    _many(verb, "--compressed", "QUEUE=RATIOS", "payloads at these parts of their size: email=1,0.4")
    verb.add_argument(
        "--payload",
        metavar="BYTES",
        help="size of a job's data, such as 20KB (default: payload_bytes of the queue)",
    )
    _many(verb, "--outage", "QUEUE=TIME", "the queue's provider away for so long: email=5m")
    verb.add_argument(
        "--fails-after",
        metavar="TIME",
        help="how long an attempt takes to fail then (default: as long as others)",
    )
    _many(verb, "--influence", "QUEUE.FIGURE", "rank the inputs by what they do to it: email.p95_wait")
    verb.add_argument("--json", action="store_true", help="print JSON")


def _many(verb: argparse.ArgumentParser, name: str, metavar: str, text: str) -> None:
    verb.add_argument(name, metavar=metavar, action="append", default=[], help=f"{text} (repeatable)")
