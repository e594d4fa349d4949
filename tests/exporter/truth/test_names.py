"""Knows what must hold of several prefixes under one exporter, and of queues whose names are anything but plain."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.conftest import ExporterProcess
from tests.exporter.truth import notes, runs
from tests.exporter.truth.mapping import expected_sizes
from tests.exporter.truth.page import Page
from tests.processes import Program
from tests.servers import Server

SCENARIOS = "plain,failing,retrying,states"


@dataclass(frozen=True, slots=True)
class Named:
    """One library at work on queues called `{name}-{scenario}` under a prefix of its own."""

    library: str
    prefix: str
    name: str


# BullMQ 5 and 6 refuse `:` in names, no library does in prefixes. Two share one name, one prefix begins another.
EVERY = (
    Named("bull4", "one:two", 'a:b {c} почта "x"'),
    Named("bullmq4", "one", "a:id:meta"),
    Named("bullmq5", "{three}", '{報告} back\\slash, "quote"'),
    Named("bullmq6", "four[*]?", '{報告} back\\slash, "quote"'),
)


@dataclass(frozen=True, slots=True)
class Played:
    queues: dict[str, dict[str, notes.QueueTruth]]
    """By prefix and name."""
    page: Page


@pytest.fixture(scope="module")
def played(shared_servers: Callable[[str], Server]) -> Played:
    """All of them at once, on one server, under one exporter."""
    runs.install_libraries()
    server = shared_servers("redis7")
    exporter = ExporterProcess(server.url, *(word for named in EVERY for word in ("--prefix", named.prefix)))
    programs = [_start(named, server) for named in EVERY]
    try:
        queues = {
            named.prefix: _finish(named, program) for named, program in zip(EVERY, programs, strict=True)
        }
        ended = sum(q.completed + q.failed for truths in queues.values() for q in truths.values())
        page = runs.scrape_until(
            exporter,
            lambda page: sum(page.values("queue_jobs_processed_total")) >= ended,
            runs.EVENTS_SECONDS,
        )
        return Played(queues, page)
    finally:
        for program in programs:
            program.stop()
        exporter.stop()


def _start(named: Named, server: Server) -> Program:
    arguments = ["node", str(runs.NODE / "workload.mjs"), named.library, server.url, named.prefix, named.name]
    program = Program([*arguments, SCENARIOS, "1"], env={**os.environ, "NODE_NO_WARNINGS": "1"})
    program.close_input()
    return program


def _finish(named: Named, program: Program) -> dict[str, notes.QueueTruth]:
    found = runs.noted(program)
    return notes.read(found, named.library)


@pytest.fixture(params=EVERY, ids=lambda named: named.library)
def named(request: pytest.FixtureRequest) -> Named:
    found: Named = request.param
    return found


def test_finished_and_requeued_jobs_are_counted_exactly(named: Named, played: Played) -> None:
    for queue in played.queues[named.prefix].values():
        labels = {"prefix": named.prefix, "queue": queue.name}
        found = {
            **{
                s: played.page.value("queue_jobs_processed_total", status=s, **labels)
                for s in ("completed", "failed")
            },
            **{
                r: played.page.value("queue_jobs_requeued_total", reason=r, **labels)
                for r in ("delayed", "waiting")
            },
        }
        requeued = {reason: queue.requeued(reason) for reason in ("delayed", "waiting")}
        assert found == {"completed": queue.completed, "failed": queue.failed, **requeued}, queue.name


def test_jobs_that_are_left_are_as_many_as_the_library_counts(named: Named, played: Played) -> None:
    for queue in played.queues[named.prefix].values():
        if "end" in queue.counts:
            expected = expected_sizes(named.library, queue.counts["end"])
            labels = {"prefix": named.prefix, "queue": queue.name}
            found = {state: played.page.value("queue_size", state=state, **labels) for state in expected}
            assert found == expected, queue.name


def test_no_queue_is_found_that_is_none(played: Played) -> None:
    assert played.page.value("queue_exporter_queues_discovered") == sum(map(len, played.queues.values()))
