"""Knows how to have real BullMQ jobs done, on one server, behind Sentinel or on a cluster."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.exporter.truth.runs import install_libraries
from tests.processes import Program

SCRIPT = Path(__file__).with_name("jobs.mjs")


class Jobs:
    """A running Node process with a producer and a worker for each queue."""

    def __init__(self, program: Program, queues: int) -> None:
        self._program = program
        self._queues = queues
        self._added = 0

    def add(self, count: int) -> None:
        """Add `count` jobs to each queue; they are worked on at once."""
        self._added += count * self._queues
        self._program.tell(str(count))

    def wait(self, seconds: float = 60) -> int:
        """Wait until every job added so far is finished; how many that are in all."""
        self._program.wait_for(f"finished {self._added}", seconds)
        return self._added

    @property
    def finished(self) -> int:
        """How many were finished up to now."""
        return sum(line.startswith("finished") for line in list(self._program.lines))


@contextmanager
def bullmq(queues: Sequence[str], **plan: object) -> Iterator[Jobs]:
    """Real BullMQ 5 at work; `plan` as jobs.mjs reads it: redis or cluster, prefix, ms, concurrency, maxLen."""
    install_libraries()
    program = Program(["node", str(SCRIPT), json.dumps({"queues": list(queues), **plan})])
    try:
        program.wait_for("working", seconds=60)
        yield Jobs(program, len(queues))
    finally:
        program.kill()
