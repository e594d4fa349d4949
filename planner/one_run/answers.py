"""Knows how the band of one run is answered beside a prediction: as plain values, and as lines for people."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from planner.answers import duration
from planner.errors import BadInput
from planner.file.durations import seconds
from planner.file.queue_file import AskedQueue


def banded(queue: AskedQueue, options: argparse.Namespace) -> dict[str, Any]:
    """What is added to a queue's answer; nothing where no run was asked for. Raises BadInput."""
    if options.run_of is None:
        if options.fitted_to is not None or options.pickup is not None:
            raise BadInput("--fitted-to and --pickup are of a run; say its length with --run-of JOBS")
        return {}
    from planner.one_run.bands import run_band  # loads the compiler, which formulas do without

    question = queue.question
    options_of_jobs = question.workload.options
    if question.fleet.pause or (options_of_jobs and options_of_jobs.delayed):
        raise BadInput(
            f"--run-of: a run of {queue.name!r} begins without pause and delayed jobs; leave them out"
        )
    if options_of_jobs and options_of_jobs.children and options_of_jobs.children.queue:
        raise BadInput(
            f"--run-of: a run of {queue.name!r} knows no children in another queue; leave them out"
        )
    workload = replace(question.workload, sample_size=options.fitted_to)
    found = run_band(workload, question.fleet, options.run_of, pickup_seconds=_pickup(options.pickup))
    ends = {figure: {"low": low, "high": high} for figure, (low, high) in found.wait_seconds.items()}
    return {"run": {"jobs": found.jobs, "level": found.level, "runs": found.runs, "wait_seconds": ends}}


def _pickup(written: str | None) -> float:
    try:
        found = 0.0 if written is None else seconds(written)
    except BadInput as error:
        raise BadInput(f"--pickup {written}: {error}") from None
    if not 0.0 <= found <= 60.0:
        raise BadInput(f"--pickup {written}: give a time from 0s to 60s")
    return found


def lines(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    return [_line(row["name"], row["run"]) for row in rows if "run" in row]


def _line(name: str, run: Mapping[str, Any]) -> str:
    parts = [
        f"{figure} {duration(ends['low'])} to {duration(ends['high'])}"
        for figure, ends in run["wait_seconds"].items()
    ]
    return f"  {name}: 9 of 10 runs of {run['jobs']:,} jobs wait {', '.join(parts)}"
