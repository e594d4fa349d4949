"""A stream may be trimmed, deleted, made anew or timed by a clock that was set back: what was lost is counted."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.conftest import Exporter, Start
from tests.exporter.bad_days.bullmq import bullmq
from tests.exporter.bad_days.looking import eventually, finished, gaps, look, lost
from tests.exporter.bad_days.queues import ENTRIES_PER_JOB, HandQueue
from tests.servers import Server

AN_HOUR_MS = 3_600_000


@pytest.mark.parametrize("kind", ["redis7", "valkey9"])
def test_entries_trimmed_before_they_were_read_are_counted_exactly(
    kind: str, exporter: Exporter, shared_servers: Callable[[str], Server]
) -> None:
    server = shared_servers(kind)
    server.client().flushall()
    queue = HandQueue(server.client()).create()
    process = exporter(server.url)
    queue.finish(10)
    eventually(process, lambda page: finished(page) == 10)
    for round_number in range(1, 3):
        process.program.pause()
        queue.finish(100, entries_max=80)
        process.program.resume()
        expected = 10 + round_number * 80 // ENTRIES_PER_JOB
        page = eventually(process, lambda page, e=expected: (finished(page) or 0) >= e)
        assert finished(page) == expected
        page = eventually(process, lambda page, n=round_number: lost(page) >= n * (400 - 80))
        assert lost(page) == round_number * (400 - 80)


def test_redis_6_tells_a_gap_and_no_number(
    exporter: Exporter, shared_servers: Callable[[str], Server]
) -> None:
    server = shared_servers("redis6")
    server.client().flushall()
    queue = HandQueue(server.client()).create()
    process = exporter(server.url)
    eventually(process, lambda page: finished(page) == 0)
    queue.finish(10)
    page = eventually(process, lambda page: finished(page) == 10)
    assert gaps(page) == 0
    for round_number in range(1, 3):
        process.program.pause()
        queue.finish(100, entries_max=80)
        process.program.resume()
        page = eventually(process, lambda page, n=round_number: gaps(page) == n)
        assert finished(page) == 10 + round_number * 80 // ENTRIES_PER_JOB
        assert page.value("queue_events_lost_total", queue="email", reason="trimmed") is None


def test_redis_6_tells_gaps_after_it_was_restarted_too(exporter: Exporter, server: Start) -> None:
    redis = server("redis6", "appendonly yes", "appendfsync always")
    HandQueue(redis.client()).create().finish(10)
    process = exporter(redis.url)
    eventually(process, lambda page: finished(page) == 0)
    redis.kill()
    redis.start()
    queue = HandQueue(redis.client()).finish(10)
    eventually(process, lambda page: finished(page) == 10)
    process.program.pause()
    queue.finish(100, entries_max=80)
    process.program.resume()
    eventually(process, lambda page: gaps(page) == 1)


@pytest.mark.parametrize("entries_max", [0, 1, 3])
def test_a_stream_that_keeps_next_to_nothing_tells_its_loss(
    entries_max: int, exporter: Exporter, redis_server: Server
) -> None:
    """Every entry was either read or is counted as lost; with 0 none can ever be read."""
    queue = HandQueue(redis_server.client()).create(entries_max)
    process = exporter(redis_server.url)
    page = eventually(process, lambda page: page.value("queue_events_lag_seconds", queue="email") is not None)
    queue.finish(50, entries_max=entries_max)
    page = eventually(process, lambda page: lost(page) >= 4 * 50 - entries_max)
    read = finished(page) or 0
    assert lost(page) == 4 * 50 - entries_max
    assert read <= 1
    queue.finish(1)
    page = eventually(process, lambda page: (finished(page) or 0) >= read + 1)
    assert finished(page) == read + 1
    assert lost(page) == 4 * 50 - entries_max


@pytest.mark.parametrize("entries_max", [0, 5])
def test_real_bullmq_with_a_tiny_stream_is_counted_or_told_as_lost(
    entries_max: int, exporter: Exporter, redis_server: Server
) -> None:
    redis = {"host": "127.0.0.1", "port": redis_server.port}
    with bullmq(["email"], redis=redis, maxLen=entries_max) as jobs:
        process = exporter(redis_server.url)
        jobs.add(300)
        jobs.wait()
        added = redis_server.client().xinfo_stream("bull:email:events")["entries-added"]
    page = eventually(process, lambda page: finished(page) == 300 or lost(page) > 0)
    assert page.value("queue_jobs_added_total", queue="email") == 300
    # A job is either counted as finished, or its entry is among those that are told as lost.
    page = eventually(process, lambda page: (finished(page) or 0) + lost(page) >= 300)
    assert (finished(page) or 0) <= 300
    assert lost(page) <= added


def test_a_stream_made_anew_with_lower_ids_is_read_from_its_beginning(
    exporter: Exporter, redis_server: Server
) -> None:
    queue = HandQueue(redis_server.client()).create()
    process = exporter(redis_server.url)
    queue.finish(10)
    eventually(process, lambda page: finished(page) == 10)
    assert not _ids_after_deletion(queue), "the next ids must be lower"
    page = eventually(process, lambda page: (finished(page) or 0) >= 12)
    assert finished(page) == 12
    assert gaps(page) == 1
    queue.tell("added", "c", "3000-0", name="send").tell("active", "c", "3001-0").tell(
        "completed", "c", "3002-0"
    )
    page = eventually(process, lambda page: (finished(page) or 0) >= 13)
    assert finished(page) == 13
    assert gaps(page) == 1


def _ids_after_deletion(queue: HandQueue) -> bool:
    """Delete the stream and write two jobs with ids of 1970; whether their ids are newer than the old ones."""
    before = queue.client.xinfo_stream(queue.key("events"))["last-generated-id"]
    with queue.client.pipeline() as pipeline:
        pipeline.delete(queue.key("events"))
        for job, at_ms in (("a", 1000), ("b", 2000)):
            for step, event in enumerate(("added", "waiting", "active", "completed")):
                fields = {"event": event, "jobId": job, "name": "send"}
                pipeline.xadd(queue.key("events"), fields, id=f"{at_ms + step}-0")  # type: ignore[arg-type]
        pipeline.execute()
    after = queue.client.xinfo_stream(queue.key("events"))["last-generated-id"]
    return int(after.split(b"-")[0]) > int(before.split(b"-")[0])


def test_a_clock_set_back_on_the_server_loses_and_doubles_nothing(
    exporter: Exporter, redis_server: Server
) -> None:
    """Ids never step back: after a step of the clock, Redis goes on with the last millisecond and a higher sequence."""
    queue = HandQueue(redis_server.client()).create()
    process = exporter(redis_server.url)
    queue.finish(5)
    eventually(process, lambda page: finished(page) == 5)
    seconds, _ = redis_server.client().time()
    ahead_ms = seconds * 1000 + AN_HOUR_MS
    queue.tell("drained", "-", f"{ahead_ms}-0")
    queue.finish(5)
    page = eventually(process, lambda page: (finished(page) or 0) >= 10)
    assert finished(page) == 10
    assert lost(page) == 0
    # Their ids do not tell when that was, so how long they took is not known, which is said.
    assert page.histogram("queue_job_duration_seconds", queue="email").count == 5
    assert page.value("queue_events_lost_total", queue="email", reason="unknown_start") == 5
    assert (page.value("queue_events_lag_seconds", queue="email") or 0) < 60
    # An exporter that starts now counts what comes from now on, and nothing older.
    late = exporter(redis_server.url)
    eventually(late, lambda page: finished(page) == 0)
    queue.finish(5)
    page = eventually(late, lambda page: (finished(page) or 0) >= 5)
    assert finished(page) == 5
    assert finished(eventually(process, lambda page: finished(page) == 15)) == 15


def test_absurd_entries_are_passed_over(exporter: Exporter, redis_server: Server) -> None:
    queue = HandQueue(redis_server.client()).create()
    process = exporter(redis_server.url)
    queue.finish(2)
    eventually(process, lambda page: finished(page) == 2)
    key, client = queue.key("events"), queue.client
    for fields in (
        {"event": "completed"},
        {"jobId": "1"},
        {"x": "y"},
        {"event": "", "jobId": ""},
        {"event": "delayed", "jobId": "d", "delay": "soon"},
        {"event": "delayed", "jobId": "e", "delay": "1e999"},
        {"event": "delayed", "jobId": "f", "delay": "-5"},
        {"event": "added", "jobId": b"\xff\x00\n", "name": b'\xfe\n"'},
        {"event": "nonsense", "jobId": "1", "prev": "nonsense"},
    ):
        client.xadd(key, fields)  # type: ignore[arg-type]
    queue.finish(3)
    page = eventually(process, lambda page: (finished(page) or 0) >= 5)
    assert finished(page) == 5
    assert look(process).value("queue_exporter_scrape_success", collector="events") == 1
