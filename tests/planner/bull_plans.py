"""Knows how to play one plan twice: with an installed library on a real Redis, and with the planner's rules."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from _pytest.mark import ParameterSet

from planner.fleet import Fleet, RateLimit
from planner.simulation.bull_rules import joins_late, ranks
from planner.simulation.queue_run import Jobs, Outcome, run
from planner.workload import Retries
from tests.processes import Program

NODE = Path(__file__).parents[1] / "node"
# Played by every run of the tests; the other majors with the longer proofs.
ALWAYS = ("bull4", "bullmq5")
STALL = {"stalledInterval": 400, "lockDuration": 400}


def each(*libraries: str) -> list[ParameterSet]:
    """A parameter a library."""
    return [
        pytest.param(library, marks=() if library in ALWAYS else pytest.mark.slow) for library in libraries
    ]


@dataclass(frozen=True, slots=True)
class Start:
    """One attempt of a job, seconds from the begin of the plan."""

    job: str
    attempt: int
    started: float
    ended: float


def really(library: str, url: str, queue: str, plan: Mapping[str, Any]) -> list[Start]:
    """What the library did, in order of the starts."""
    said = subprocess.run(
        ["node", "rules.mjs", library, url, queue],
        cwd=NODE,
        input=json.dumps(plan),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    rows = json.loads(said.stdout.splitlines()[-1])
    return [Start(r["job"], r["attempt"], r["started"] / 1000, r["ended"] / 1000) for r in rows]


class Worker:
    """One process that works on a plan, to be killed while it works on a job."""

    def __init__(self, library: str, url: str, queue: str, plan: Mapping[str, Any]) -> None:
        self.program = Program(["node", "rules.mjs", library, url, queue], cwd=NODE)
        self.program.tell(json.dumps(plan))
        self.program.close_input()

    def killed_at(self, line: str) -> None:
        self.program.wait_for(line, seconds=40)
        self.program.kill()

    def notes(self) -> list[str]:
        """Jobs as it noted them at its end."""
        assert self.program.finish() == 0, self.program.tail()
        return [row["job"] for row in json.loads(self.program.lines[-1])]


def family_of(library: str) -> tuple[str, int]:
    """`bullmq5` as ("bullmq", 5)."""
    family = library.rstrip("0123456789")
    return family, int(library.removeprefix(family))


def add(job: str, at: int = 0, ms: int = 1, fails: int = 0, **opts: Any) -> dict[str, Any]:
    """A step that adds a job."""
    return {"at": at, "add": {"job": job, "data": {"ms": ms, "fails": fails}, "opts": opts}}


def by_our_rules(
    library: str,
    steps: Sequence[Mapping[str, Any]],
    slots: int,
    work_at: float = 0.0,
    limit: RateLimit | None = None,
) -> list[str]:
    """Names in the order in which the planner starts the attempts; nothing starts before `work_at` (seconds)."""
    family, major = family_of(library)
    given = sorted((one for step in steps for one in _jobs_of(step)), key=lambda one: one[0])
    opts = [job.get("opts", {}) for _, job, _ in given]
    tries = [_tries(job, family) for _, job, _ in given]
    priority = np.array([one.get("priority", 0) for one in opts])
    delayed = np.array([int("delay" in one) for one in opts])
    named = {job["job"]: place for place, (_, job, _) in enumerate(given)}
    jobs = Jobs(
        ready=np.array([at for at, _, _ in given]),
        rank=ranks(priority, family, major),
        first=np.append(0, np.cumsum([len(one) for one in tries])),
        hold=np.array([hold for one in tries for hold, _ in one]),
        back=np.array([back for one in tries for _, back in one]),
        lifo=np.array([int(one.get("lifo", False)) for one in opts]) * (priority == 0) * (1 - delayed),
        plain=(priority == 0).astype(np.int64),
        delayed=delayed,
        parent=np.array([-1 if above is None else named[above] for _, _, above in given]),
    )
    paused = ((-1.0, work_at),) if work_at else ()
    out = run(jobs, Fleet(slots, rate_limit=limit), paused, joins_late(family, major))
    starts = [(at, given[job][1]["job"]) for job, at in _starts(jobs, out)]
    return [name for _, name in sorted(starts, key=lambda start: start[0])]


def _jobs_of(step: Mapping[str, Any]) -> list[tuple[float, Mapping[str, Any], str | None]]:
    """When each is ready, the job, and its parent."""
    at = step.get("at", 0) / 1000
    if "flow" in step:
        flow = step["flow"]
        return [(at, flow, None), *((at, child, flow["job"]) for child in flow["children"])]
    job = step.get("add")
    return [] if job is None else [(at + job.get("opts", {}).get("delay", 0) / 1000, job, None)]


def _tries(job: Mapping[str, Any], family: str) -> list[tuple[float, float]]:
    """How long each attempt works, and when the job comes back after it."""
    data, opts = job.get("data", {}), job.get("opts", {})
    backoff = opts.get("backoff", {"type": "fixed", "delay": 0})
    rule = Retries(0.5, 9, backoff["delay"] / 1000, backoff["type"])
    rule = rule.of_bull() if family == "bull" else rule
    count = min(data.get("fails", 0) + 1, opts.get("attempts", 1))
    return [(data.get("ms", 1) / 1000, rule.delay_after(number)) for number in range(1, count + 1)]


def _starts(jobs: Jobs, out: Outcome) -> list[tuple[int, float]]:
    """Job and moment of each attempt, read backwards from the job's end."""
    found = []
    for job, ends in enumerate(out.finished.tolist()):
        for a in range(int(jobs.first[job + 1]) - 1, int(jobs.first[job]) - 1, -1):
            starts = ends - float(jobs.hold[a])
            found.append((job, starts))
            before = float(jobs.back[a - 1]) if a > jobs.first[job] else 0.0
            ends = starts - float(out.waits[a]) - before
    return found
