"""With a state file, counters go on over a restart, however it came; without its help nothing else suffers."""

from __future__ import annotations

import json
import random
import resource
import signal
import sys
from pathlib import Path

import pytest

from tests.conftest import Exporter, ExporterProcess
from tests.exporter.bad_days.bullmq import bullmq
from tests.exporter.bad_days.looking import eventually, finished, is_up, look, lost, size
from tests.exporter.bad_days.queues import ENTRIES_PER_JOB, HandQueue
from tests.processes import Program
from tests.servers import Server


def saved_completions(state: Path, queue: str = "email") -> int | None:
    """What the file says at this moment; None before it was ever written."""
    if not state.exists():
        return None
    queues = json.loads(state.read_text())["queues"]
    return next((one["tally"]["completed"] for one in queues if one["queue"][1] == queue), None)


def wait_until_saved(process: ExporterProcess, state: Path, completions: int) -> None:
    eventually(process, lambda _: saved_completions(state) == completions)


def saved_open_jobs(state: Path, queue: str = "email") -> list[str]:
    """The jobs that the exporter takes for open."""
    queues = json.loads(state.read_text())["queues"] if state.exists() else []
    return [job[0] for one in queues if one["queue"][1] == queue for job in one["open"]]


def refuse(redis_url: str, *arguments: str) -> tuple[int, list[str]]:
    """Start an exporter that is expected to end by itself: its status and what it wrote."""
    command = [sys.executable, "-m", "exporter", "--redis", redis_url, "--listen", "127.0.0.1:0", *arguments]
    program = Program(command)
    try:
        return program.finish(seconds=30), program.lines
    finally:
        program.kill()


def test_jobs_of_a_drained_queue_are_open_no_longer(
    exporter: Exporter, redis_server: Server, tmp_path: Path
) -> None:
    """BullMQ writes no entry when a queue is drained."""
    state = tmp_path / "state.json"
    drained = HandQueue(redis_server.client()).create()
    other = HandQueue(redis_server.client(), "reports").create()
    process = exporter(redis_server.url, "--state-file", str(state))
    for queue in (drained, other):
        queue.add(3)
    eventually(process, lambda _: len(saved_open_jobs(state)) == len(saved_open_jobs(state, "reports")) == 3)
    redis_server.client().delete(drained.key("wait"), *(drained.key(str(job)) for job in (1, 2, 3)))
    eventually(process, lambda _: saved_open_jobs(state) == [])
    assert len(saved_open_jobs(state, "reports")) == 3
    drained.add(1)
    eventually(process, lambda _: saved_open_jobs(state) == ["4"])


def test_counters_go_on_after_a_kill_and_what_came_meanwhile_is_counted(
    exporter: Exporter, redis_server: Server, tmp_path: Path
) -> None:
    state = tmp_path / "state.json"
    queue = HandQueue(redis_server.client()).create()
    process = exporter(redis_server.url, "--state-file", str(state))
    queue.finish(10)
    queue.tell("added", "open", name="send").tell("waiting", "open").tell("active", "open")
    eventually(process, lambda page: finished(page) == 10)
    wait_until_saved(process, state, 10)
    process.program.kill()
    queue.finish(6).finish(2, status="failed").tell("completed", "open")
    HandQueue(redis_server.client(), "newcomer").create().finish(4)
    process = exporter(redis_server.url, "--state-file", str(state))
    page = eventually(process, lambda page: finished(page) is not None and finished(page, "newcomer"))
    assert finished(page) == 17
    assert finished(page, status="failed") == 2
    assert finished(page, "newcomer") == 4
    assert page.histogram("queue_job_duration_seconds", queue="email").count == 19
    assert page.histogram("queue_job_wait_seconds", queue="email").count == 19
    assert page.value("queue_events_lost_total", queue="email", reason="unknown_start") == 0
    assert lost(page) == 0


def test_an_orderly_stop_saves_the_last_moment(
    exporter: Exporter, redis_server: Server, tmp_path: Path
) -> None:
    state = tmp_path / "state.json"
    queue = HandQueue(redis_server.client()).create()
    process = exporter(redis_server.url, "--state-file", str(state))
    queue.finish(10)
    eventually(process, lambda page: finished(page) == 10)
    assert process.stop() == 0
    assert saved_completions(state) == 10


def test_entries_trimmed_while_nobody_read_are_counted_exactly(
    exporter: Exporter, redis_server: Server, tmp_path: Path
) -> None:
    state = tmp_path / "state.json"
    queue = HandQueue(redis_server.client()).create()
    process = exporter(redis_server.url, "--state-file", str(state))
    queue.finish(10)
    eventually(process, lambda page: finished(page) == 10)
    assert process.stop() == 0
    queue.finish(100, entries_max=40)
    process = exporter(redis_server.url, "--state-file", str(state))
    page = eventually(process, finished)
    assert finished(page) == 10 + 40 // ENTRIES_PER_JOB
    assert page.value("queue_events_lost_total", queue="email", reason="disconnected") == 4 * 100 - 40


def test_killed_again_and_again_under_load_nothing_is_lost_or_counted_twice(
    exporter: Exporter, redis_server: Server, tmp_path: Path
) -> None:
    state = tmp_path / "state.json"
    moments = random.Random(7)
    redis = {"host": "127.0.0.1", "port": redis_server.port}
    queues = ("email", "reports", "cleanup")
    with bullmq(queues, redis=redis, maxLen=200_000, ms=2) as jobs:
        process = exporter(redis_server.url, "--state-file", str(state))
        for _ in range(5):
            before = jobs.finished
            jobs.add(150)
            # Killed somewhere within the batch, and often in the middle of a write of the file.
            enough = before + moments.randrange(100, 400)
            eventually(process, lambda _, enough=enough: jobs.finished >= enough)
            process.program.kill()
            process = exporter(redis_server.url, "--state-file", str(state))
        total = jobs.wait()
    each = total // len(queues)
    for queue in queues:
        page = eventually(process, lambda page, q=queue: (finished(page, q) or 0) >= each)
        assert finished(page, queue) == each
        assert page.histogram("queue_job_duration_seconds", queue=queue).count == each
        assert page.histogram("queue_job_wait_seconds", queue=queue).count == each
        assert page.value("queue_jobs_added_total", queue=queue) == each


DAMAGED = {
    "empty": "",
    "cut short": '{"format":1,"redis":"redis://127.0.0.1:PORT/0","counting_began_ms":17',
    "no mapping": "[1, 2, 3]",
    "another version": '{"format":99,"redis":"redis://127.0.0.1:PORT/0"}',
    "fields missing": '{"format":1,"redis":"redis://127.0.0.1:PORT/0"}',
    "fields of another kind": '{"format":1,"redis":"redis://127.0.0.1:PORT/0","counting_began_ms":"x","queues":7}',
    "a queue of another kind": '{"format":1,"redis":"redis://127.0.0.1:PORT/0","counting_began_ms":1,"queues":[{}]}',
    "no text": "\udcff\udcfe",
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_a_damaged_state_file_is_set_aside_with_one_line(
    damage: str, exporter: Exporter, redis_server: Server, tmp_path: Path
) -> None:
    state = tmp_path / "state.json"
    text = DAMAGED[damage].replace("PORT", str(redis_server.port))
    state.write_bytes(text.encode("utf-8", "surrogateescape"))
    queue = HandQueue(redis_server.client()).create()
    process = exporter(redis_server.url, "--state-file", str(state))
    queue.finish(3)
    eventually(process, lambda page: finished(page) == 3)
    wait_until_saved(process, state, 3)
    lines = [line for line in process.program.lines if "state" in line]
    assert len(lines) == 1, lines
    assert str(state) in lines[0]
    aside = state.with_name(state.name + ".unusable")
    assert aside.read_bytes() == text.encode("utf-8", "surrogateescape")


def test_a_state_of_other_bucket_edges_begins_anew_as_a_whole(
    exporter: Exporter, redis_server: Server, tmp_path: Path
) -> None:
    state = tmp_path / "state.json"
    queue = HandQueue(redis_server.client()).create()
    process = exporter(redis_server.url, "--state-file", str(state))
    queue.finish(3)
    eventually(process, lambda page: finished(page) == 3)
    assert process.stop() == 0
    process = exporter(redis_server.url, "--state-file", str(state), "--bucket", "7")
    queue.finish(2)
    page = eventually(process, lambda page: (finished(page) or 0) >= 2)
    assert finished(page) == 2
    assert page.histogram("queue_job_wait_seconds", queue="email").count == 2
    assert sum("state" in line for line in process.program.lines) == 1


def test_the_state_of_another_redis_is_refused(redis_server: Server, tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    text = '{"format":1,"redis":"redis://elsewhere:6379/0","counting_began_ms":1,"queues":[]}'
    state.write_text(text)
    status, lines = refuse(redis_server.url, "--state-file", str(state))
    assert status == 2
    assert len(lines) == 1
    assert str(state) in lines[0]
    assert "redis://elsewhere:6379/0" in lines[0]
    assert state.read_text() == text


def test_two_exporters_may_not_share_a_state_file(
    exporter: Exporter, redis_server: Server, tmp_path: Path
) -> None:
    state = tmp_path / "state.json"
    first = exporter(redis_server.url, "--state-file", str(state))
    status, lines = refuse(redis_server.url, "--state-file", str(state))
    assert status == 2
    assert len(lines) == 1
    assert str(state) in lines[0]
    assert is_up(look(first))


def test_a_folder_that_is_not_there_is_refused(redis_server: Server, tmp_path: Path) -> None:
    state = tmp_path / "nowhere" / "state.json"
    status, lines = refuse(redis_server.url, "--state-file", str(state))
    assert (status, len(lines)) == (2, 1)
    assert str(state) in lines[0]


def test_a_full_disk_costs_the_saving_and_nothing_else(
    exporter: Exporter, redis_server: Server, tmp_path: Path
) -> None:
    state = tmp_path / "state.json"
    queue = HandQueue(redis_server.client()).create()
    process = exporter(redis_server.url, "--state-file", str(state))
    queue.finish(3).add(1)
    eventually(process, lambda page: finished(page) == 3)
    wait_until_saved(process, state, 3)
    # No file may grow beyond 100 bytes, so every write ends as on a full disk: with an error in the middle.
    pid = process.program.process.pid
    unlimited = resource.prlimit(pid, resource.RLIMIT_FSIZE, (100, resource.RLIM_INFINITY))
    queue.finish(4)
    process.program.wait_for("counters will not survive a restart")
    page = eventually(process, lambda page: finished(page) == 7)
    assert size(page, "waiting") == 1
    assert saved_completions(state) == 3, "the old file stays whole"
    assert not state.with_name(state.name + ".new").exists()
    resource.prlimit(pid, resource.RLIMIT_FSIZE, unlimited)
    wait_until_saved(process, state, 7)
    assert sum("state file" in line for line in process.program.lines) == 1


def test_a_stop_on_a_full_disk_still_ends_well(
    exporter: Exporter, redis_server: Server, tmp_path: Path
) -> None:
    state = tmp_path / "state.json"
    process = exporter(redis_server.url, "--state-file", str(state))
    eventually(process, is_up)
    pid = process.program.process.pid
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (10, resource.RLIM_INFINITY))
    assert process.program.stop(signal.SIGTERM) == 0


def test_two_exporters_give_the_same_totals_and_disturb_nothing(
    exporter: Exporter, redis_server: Server, tmp_path: Path
) -> None:
    with bullmq(["email"], redis={"host": "127.0.0.1", "port": redis_server.port}) as jobs:
        processes = [
            exporter(redis_server.url, "--state-file", str(tmp_path / "first")),
            exporter(redis_server.url, "--state-file", str(tmp_path / "second")),
        ]
        jobs.add(200)
        assert jobs.wait() == 200
    pages = [eventually(process, lambda page: finished(page) == 200) for process in processes]
    for name in ("queue_job_duration_seconds", "queue_job_wait_seconds"):
        assert pages[0].histogram(name, queue="email") == pages[1].histogram(name, queue="email")
