"""Knows how to play one plan twice: with an installed library on a real Redis, and with the planner's rules."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from planner.bull_rules import joins_late, ranks
from planner.fleet import Fleet
from planner.queue_run import Jobs, run

NODE = Path(__file__).parents[1] / "node"


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


def family_of(library: str) -> tuple[str, int]:
    """`bullmq5` as ("bullmq", 5)."""
    family = library.rstrip("0123456789")
    return family, int(library.removeprefix(family))


def add(job: str, at: int = 0, ms: int = 1, **opts: Any) -> dict[str, Any]:
    """A step that adds a job."""
    return {"at": at, "add": {"job": job, "data": {"ms": ms}, "opts": opts}}


def by_our_rules(
    library: str, steps: Sequence[Mapping[str, Any]], slots: int, work_at: float = 0.0
) -> list[str]:
    """Names in the order in which the planner starts the added jobs; nothing starts before `work_at` (seconds)."""
    added = [
        (step["at"] / 1000 + step["add"]["opts"].get("delay", 0) / 1000, step["add"])
        for step in steps
        if "add" in step
    ]
    order = sorted(range(len(added)), key=lambda place: (added[place][0], place))
    given = [added[place] for place in order]
    family, major = family_of(library)
    count = len(given)
    delayed = np.array([int("delay" in one["opts"]) for _, one in given])
    lifo = np.array([int(one["opts"].get("lifo", False)) for _, one in given]) & ~delayed & 1
    out = run(
        Jobs(
            ready=np.array([at for at, _ in given]),
            rank=ranks(np.array([one["opts"].get("priority", 0) for _, one in given]), family, major, lifo),
            first=np.arange(count + 1),
            hold=np.array([one["data"]["ms"] / 1000 for _, one in given]),
            back=np.zeros(count),
            lifo=lifo,
            delayed=delayed,
        ),
        Fleet(slots),
        ((-1.0, work_at),) if work_at else (),
        joins_late(family, major),
    )
    starts = np.array([at for at, _ in given]) + out.waits
    return [given[place][1]["job"] for place in np.argsort(starts, kind="stable")]
