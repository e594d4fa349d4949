"""Knows how a what-if question is answered: every combination predicted, outages and influences beside it."""

import argparse
from dataclasses import asdict
from typing import Any

from planner.errors import BadInput
from planner.file.durations import seconds
from planner.whatif import options as whatif_options
from planner.whatif import pools as whatif_pools
from planner.whatif import sweep
from planner.whatif.changes import named
from planner.whatif.influence import influences
from planner.whatif.outage import Outage, aftermath
from planner.whatif.scenario import Each, Scenario, answered, as_it_is, scenarios

Row = dict[str, Any]


def whatif(options: argparse.Namespace, each: Each) -> list[Row]:
    """One answer a combination; for people one alone stands beside the file as it is. `each` applies an answer to
    things. Raises BadInput.
    """
    asked = scenarios(options.file, whatif_options.settings(options), whatif_options.axes(options))
    outages = [_outage(text, options.fails_after) for text in options.outage]
    figures = [_figure(text) for text in options.influence]
    if len(asked) == 1 and asked[0].changed and not options.json and options.file is not None:
        asked = [as_it_is(options.file), *asked]
    found = answered(asked, sweep.predicted, each)
    pools = whatif_pools.pools_of(asked)
    for scenario, row, own in zip(asked, found, pools, strict=True):
        row["pools"] = own
        if len(asked) > 1 and not scenario.changed:
            continue
        if outages:
            row["outages"] = [_after(scenario, name, outage) for name, outage in outages]
        if figures:
            row["influences"] = [_ranked(scenario, name, figure) for name, figure in figures]
    return found


def _outage(text: str, fails_after: str | None) -> tuple[str, Outage]:
    name, equals, written = text.partition("=")
    if not equals or not name or not written:
        raise BadInput(f"--outage {text}: write QUEUE=TIME, such as email=5m")
    length = _time(f"--outage {text}", written)
    return name, Outage(
        length, None if fails_after is None else _time(f"--fails-after {fails_after}", fails_after)
    )


def _time(where: str, written: str) -> float:
    try:
        found = seconds(written)
    except BadInput as error:
        raise BadInput(f"{where}: {error}") from None
    if not 0 < found <= 30 * 86400:
        raise BadInput(f"{where}: {written} is no time above 0 and up to 30 days")
    return found


def _figure(text: str) -> tuple[str, str]:
    name, point, figure = text.rpartition(".")
    if not point or not name or not figure:
        raise BadInput(f"--influence {text}: write QUEUE.FIGURE, such as email.p95_wait")
    return name, figure


def _after(scenario: Scenario, name: str, outage: Outage) -> Row:
    question = named(scenario.file, name, "--outage").question
    found = aftermath(question.workload, question.fleet, outage, f"--outage {name}")
    assumed = (
        []
        if question.workload.retries
        else ["no retries: every job that starts in the outage fails for good"]
    )
    if outage.fails_after is None:
        assumed.append("an attempt takes as long to fail as to succeed")
    return {"queue": name, "outage_seconds": outage.seconds, "assumed": assumed, **asdict(found)}


def _ranked(scenario: Scenario, name: str, figure: str) -> Row:
    question = named(scenario.file, name, "--influence").question
    found, left_out = influences(question.workload, question.fleet, figure, f"--influence {name}.{figure}")
    return {"queue": name, "figure": figure, "inputs": [asdict(one) for one in found], "left_out": left_out}
