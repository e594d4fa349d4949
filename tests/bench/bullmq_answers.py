"""Knows how to ask the planner's command about a recorded trace."""

import contextlib
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from planner.cli import main

Figures = dict[str, float]
Ends = dict[str, tuple[float, float]]
"""Seconds by figure between which 9 of 10 runs lie."""


def replayed(trace: Path, slots: int) -> tuple[Figures, Figures]:
    """Seconds of wait by figure: what was seen, and what the replay on `slots` says."""
    queue = _replay(trace, slots)
    return queue["observed"]["wait_seconds"], queue["predicted"]["wait_seconds"]


def observed(trace: Path) -> dict[str, tuple[int, Figures]]:
    """Jobs, and seconds of wait by figure, that a trace shows of each queue."""
    queues = json.loads(_said("replay", str(trace), "--json"))["queues"]
    return {queue["name"]: (queue["jobs"], queue["observed"]["wait_seconds"]) for queue in queues}


def foretold(file: Path, options: Sequence[str]) -> Ends:
    """What `predict FILE --run-of …` says of the one queue of a file."""
    [queue] = json.loads(_said("predict", str(file), *options, "--json"))["queues"]
    return {figure: (ends["low"], ends["high"]) for figure, ends in queue["run"]["wait_seconds"].items()}


def band(trace: Path, recorded_slots: int, slots: int, jobs: int) -> Ends:
    """The ends in seconds by figure between which 9 of 10 runs of `jobs` jobs on `slots` lie, fitted to the trace."""
    recorded = _replay(trace, recorded_slots)
    file = trace.with_name(f"{trace.stem}-on-{slots}.yaml")
    file.write_text(_said("fit", str(trace), "--slots", f"{recorded['name']}={slots}"))
    options = ["--run-of", str(jobs), "--fitted-to", str(recorded["jobs"])]
    options += ["--pickup", str(recorded["pickup_seconds"])]
    return foretold(file, options)


def _replay(trace: Path, slots: int) -> dict[str, Any]:
    [queue] = json.loads(_said("replay", str(trace), "--slots", str(slots), "--json"))["queues"]
    found: dict[str, Any] = queue
    return found


def _said(*arguments: str) -> str:
    """What the command printed. An unstable queue (1) is an answer too: a run of it has its waits all the same."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        status = main(arguments)
    if status not in (0, 1):
        raise ValueError(f"bullgauge-planner {' '.join(arguments)} ended with {status}")
    return out.getvalue()
