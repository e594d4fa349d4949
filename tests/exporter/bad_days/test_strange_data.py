"""Keys of another type, absurd values, names of any bytes and thousands of queues cost no other number its truth."""

from __future__ import annotations

import time

import pytest
import redis
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics

from exporter.connection.acl import acl_line
from tests.conftest import Exporter
from tests.exporter.bad_days.looking import (
    eventually,
    finished,
    is_up,
    resident_megabytes,
    size,
)
from tests.exporter.bad_days.queues import HandQueue, hold
from tests.exporter.truth.page import Page
from tests.servers import Server

STATES = ("waiting", "paused", "prioritized", "active", "delayed", "waiting_children", "completed", "failed")

# Which sizes can't be known when a key is of another type.
SIZES_LOST = {
    "wait": {"waiting"},
    "paused": {"paused"},
    "active": {"active"},
    "prioritized": {"prioritized"},
    "delayed": {"delayed"},
    "waiting-children": {"waiting_children"},
    "completed": {"completed"},
    "failed": {"failed"},
    "id": set(),
    "meta": set(),
    "limiter": set(),
    "repeat": set(),
    "events": set(),
}
OTHERS_LOST = {
    "wait": set(),
    "paused": set(),
    "active": {"queue_active_unlocked", "queue_oldest_active_timestamp_seconds"},
    "prioritized": set(),
    "delayed": {"queue_delayed_overdue", "queue_next_delayed_timestamp_seconds"},
    "waiting-children": set(),
    "completed": set(),
    "failed": set(),
    "id": {"queue_jobs_added_total"},
    "meta": {
        "queue_paused",
        "queue_rate_limited",
        "queue_concurrency_limit",
        "queue_rate_limit_jobs",
        "queue_rate_limit_window_seconds",
    },
    "limiter": {"queue_rate_limited"},
    "repeat": {
        "queue_schedulers",
        "queue_schedulers_overdue",
        "queue_scheduler_next_run_timestamp_seconds",
    },
    "events": {
        "queue_events_gaps_total",
        "queue_events_lag_seconds",
        "queue_events_lost_total",
        "queue_job_arrival_interval_square_seconds_total",
        "queue_job_duration_square_seconds_total",
        "queue_job_payload_bytes",
        "queue_job_wait_seconds",
        "queue_jobs_processed_total",
        "queue_jobs_requeued_total",
    },
}


def metrics_of(page: Page, queue: str) -> set[str]:
    """Names of the metrics that a queue has on the page."""
    samples = (sample for family in page.families.values() for sample in family.samples)
    suffixes = ("_bucket", "_sum", "_count", "_created")
    found = set()
    for sample in samples:
        if sample.labels.get("queue") == queue:
            name = sample.name
            for suffix in suffixes:
                name = name.removesuffix(suffix)
            found.add(name)
    return found


def complete(queue: HandQueue) -> None:
    """A queue that has something of everything."""
    client, now_ms = queue.client, int(time.time() * 1000)
    queue.create().add(2)
    client.hset(queue.key("meta"), mapping={"concurrency": 7, "max": 10, "duration": 1000})
    client.set(queue.key("limiter"), 3, px=3_600_000)
    client.lpush(queue.key("active"), "a")
    hold(queue, "a", processedOn=str(now_ms), timestamp=str(now_ms), name="send")
    client.zadd(queue.key("delayed"), {"d": (now_ms + 3_600_000) * 4096})
    client.zadd(queue.key("prioritized"), {"p": 2**32})
    client.zadd(queue.key("repeat"), {"r": now_ms + 3_600_000})
    client.zadd(queue.key("waiting-children"), {"w": now_ms})
    client.zadd(queue.key("completed"), {"c": now_ms})
    client.zadd(queue.key("failed"), {"f": now_ms})


def spoil(client: redis.Redis, key: bytes) -> None:
    """Another type under the same name."""
    was_string = client.type(key) == b"string"
    client.delete(key)
    if was_string:
        client.rpush(key, "no", "string")
    else:
        client.set(key, "no list, set or hash")


def test_a_key_of_another_type_costs_its_own_metrics_only(exporter: Exporter, redis_server: Server) -> None:
    """Thirteen queues, each with one key spoilt, and one that is whole."""
    client = redis_server.client()
    for suffix in SIZES_LOST:
        complete(HandQueue(client, f"without-{suffix}"))
    whole = HandQueue(client, "whole")
    complete(whole)
    process = exporter(redis_server.url)
    eventually(process, lambda page: finished(page, "whole") is not None)
    for suffix in SIZES_LOST:
        spoil(client, f"bull:without-{suffix}:{suffix}".encode())
    whole.finish(3)
    page = eventually(
        process,
        lambda page: (
            finished(page, "whole") == 3
            and "queue_events_lag_seconds" not in metrics_of(page, "without-events")
        ),
    )
    for next_total in (6, 9):
        everything = metrics_of(page, "whole") - {"queue_job_duration_seconds"}
        for suffix, sizes in SIZES_LOST.items():
            queue = f"without-{suffix}"
            known = {state for state in STATES if size(page, state, queue) is not None}
            assert known == set(STATES) - sizes, suffix
            lost = everything - metrics_of(page, queue)
            # A length of 0 or no key gives no time stamp; a spoilt key gives none either.
            assert lost - {"queue_oldest_waiting_timestamp_seconds"} == OTHERS_LOST[suffix] & everything, (
                suffix
            )
        assert is_up(page)
        whole.finish(3)
        page = eventually(process, lambda page, n=next_total: finished(page, "whole") == n)


def test_a_spoilt_stream_that_is_mended_is_followed_again(exporter: Exporter, redis_server: Server) -> None:
    client = redis_server.client()
    queue, other = HandQueue(client, "email").create(), HandQueue(client, "other").create()
    process = exporter(redis_server.url)
    queue.finish(4)
    eventually(process, lambda page: finished(page) == 4)
    spoil(client, queue.key("events"))
    other.finish(5)
    page = eventually(process, lambda page: finished(page, "other") == 5 and finished(page) is None)
    client.delete(queue.key("events"))
    queue.finish(2)
    page = eventually(process, lambda page: finished(page) is not None)
    assert finished(page) == 6
    assert finished(page, "other") == 5


ABSURD_NUMBERS = (
    *(
        "",
        "x",
        "-1",
        "--5",
        "1e400",
        "-inf",
        "inf",
        "nan",
        "0x10",
        " 7 ",
        "9" * 400,
        "9" * 5000,
        "1.5.2",
        "²",
    ),
)


def test_absurd_fields_are_unknown_and_never_a_number(exporter: Exporter, redis_server: Server) -> None:
    client = redis_server.client()
    for place, number in enumerate(ABSURD_NUMBERS):
        queue = HandQueue(client, f"q{place}").create()
        for job, target in (("w", "wait"), ("a", "active"), ("p", "prioritized"), ("d", "delayed")):
            fields = dict.fromkeys(("timestamp", "delay", "processedOn", "finishedOn"), number)
            hold(queue, job, opts=f'{{"delay":{number}}}', **fields)
            if target in ("wait", "active"):
                client.lpush(queue.key(target), job)
        client.zadd(queue.key("prioritized"), {"p": 2**32, "last": float("inf")})
        client.zadd(queue.key("delayed"), {"d": float("-inf"), "e": float("inf")})
        client.zadd(queue.key("repeat"), {"r": float("inf")})
        meta = dict.fromkeys(("concurrency", "max", "duration", "paused"), number)
        client.hset(queue.key("meta"), mapping={**meta, "version": number})
        client.set(queue.key("limiter"), number, px=3_600_000)
        client.set(queue.key("id"), number)
    empty = HandQueue(client, "missing").create()
    client.lpush(empty.key("wait"), "nothing-there")
    client.lpush(empty.key("active"), "nothing-there")
    HandQueue(client, "email").create()
    process = exporter(redis_server.url)
    HandQueue(client, "email").finish(3)
    page = eventually(process, lambda page: finished(page) == 3)
    assert page.value("queue_exporter_queues_discovered") == len(ABSURD_NUMBERS) + 2
    assert size(page, "waiting", "missing") == 1
    assert page.value("queue_active_unlocked", queue="missing") == 1
    assert page.value("queue_oldest_waiting_timestamp_seconds", queue="missing") is None
    for family in page.families.values():
        for sample in family.samples:
            assert sample.value == sample.value, sample
            assert abs(sample.value) < 1e300, sample
    for name in ("queue_oldest_waiting_timestamp_seconds", "queue_oldest_active_timestamp_seconds"):
        assert page.values(name) == [], name
    assert not any("Traceback" in line for line in process.program.lines)


@pytest.mark.parametrize("ahead_seconds", [5, 5_000_000_000])
def test_a_worker_from_the_future_started_no_job_after_now(
    ahead_seconds: int, exporter: Exporter, redis_server: Server
) -> None:
    client = redis_server.client()
    future_ms = str(int(time.time() * 1000) + ahead_seconds * 1000)
    queue = HandQueue(client).create()
    client.lpush(queue.key("active"), "1")
    client.lpush(queue.key("wait"), "2")
    hold(queue, "1", processedOn=future_ms, timestamp=future_ms)
    hold(queue, "2", timestamp=future_ms)
    process = exporter(redis_server.url)
    page = eventually(process, lambda page: size(page, "active") == 1)
    for name in ("queue_oldest_active_timestamp_seconds", "queue_oldest_waiting_timestamp_seconds"):
        value = page.value(name, queue="email")
        assert value is None or value <= time.time()


NAMES = {
    "quotes": b"say \"hello\" and 'bye'",
    "newlines": b"two\nlines\r\nand a return\r",
    "tabs and zero": b"a\tb\x00c\x1b[31m",
    "other scripts": "заявки 申請 طلبات 🐂".encode(),
    "colons": b"a:b::c:",
    "looks like a key": b"x:meta:id",
    "hash tag": b"{tag}",
    "braces": b'le="0.5"} 7',
    "globs": b"*[a-z]?\\",
    "backslashes": b"\\n \\ \\\\",
    "no UTF-8": b"\xff\xfe\x80",
    "half a character": "é".encode()[:1],
    "a surrogate": b"\xed\xa0\x80",
    "a line separator": "a\u2028b\u0085c".encode(),
    "10 kB": b"long" * 2560,
    "spaces": b"  ",
}


def test_queues_of_any_name_are_found_and_told_apart(exporter: Exporter, redis_server: Server) -> None:
    client = redis_server.client()
    for place, name in enumerate(NAMES.values()):
        HandQueue(client, name).create().add(place + 1, name=name.decode("utf-8", "backslashreplace"))
    process = exporter(redis_server.url)
    for place, name in enumerate(NAMES.values()):
        HandQueue(client, name).finish(place + 1)
    page = eventually(
        process, lambda page: sum(page.values("queue_jobs_processed_total")) == sum(range(1, len(NAMES) + 1))
    )
    for place, name in enumerate(NAMES.values()):
        shown = name.decode("utf-8", "backslashreplace")
        assert size(page, "waiting", shown) == place + 1, name
        assert finished(page, shown) == place + 1, name
    families = list(open_metrics(process.get(accept="application/openmetrics-text; version=1.0.0")))
    shown_queues = {
        sample.labels["queue"] for family in families for sample in family.samples if "queue" in sample.labels
    }
    assert shown_queues == {name.decode("utf-8", "backslashreplace") for name in NAMES.values()}
    assert all(line.isprintable() for line in process.program.lines)


PREFIXES = {
    "globs": "b*[u]?ll\\",
    "hash tag": "{bull}",
    "colon": "app:bull",
    "spaces and quotes": "my 'bull' \"x\"",
    "other scripts": "бык",
}


@pytest.mark.parametrize("which", PREFIXES)
def test_any_prefix_is_taken_literally(which: str, exporter: Exporter, redis_server: Server) -> None:
    prefix, client = PREFIXES[which], redis_server.client()
    HandQueue(client, "email", prefix).create()
    HandQueue(client, "stranger", "bXuXll\\").create().add(1)
    HandQueue(client, "stranger").create().add(1)
    process = exporter(redis_server.url, "--prefix", prefix)
    HandQueue(client, "email", prefix).finish(2)
    page = eventually(process, lambda page: finished(page) == 2)
    assert page.value("queue_size", queue="email", prefix=prefix, state="waiting") == 0
    assert page.value("queue_exporter_queues_discovered") == 1


def test_named_queues_of_strange_names_need_no_scan(exporter: Exporter, redis_server: Server) -> None:
    client = redis_server.client()
    names = ["*[a-z]?\\", "a:b", "заявки", 'say "x"']
    for name in names:
        HandQueue(client, name).create().add(1)
    client.config_resetstat()
    process = exporter(redis_server.url, *(word for name in names for word in ("--queue", name)))
    for name in names:
        HandQueue(client, name).finish(2)
    for name in names:
        page = eventually(process, lambda page, n=name: finished(page, n) == 2)
        assert size(page, "waiting", name) == 1
    assert "cmdstat_scan" not in client.info("commandstats")


def test_five_thousand_queues(exporter: Exporter, redis_server: Server) -> None:
    client = redis_server.client()
    names = [f"queue-{number:04}" for number in range(5000)]
    with client.pipeline(transaction=False) as pipeline:
        for name in names:
            pipeline.hset(f"bull:{name}:meta", mapping={"opts.maxLenEvents": 100, "version": "bullmq:5.81.5"})
            pipeline.xadd(f"bull:{name}:events", {"event": "drained"})
            pipeline.lpush(f"bull:{name}:wait", "1")
            pipeline.hset(f"bull:{name}:1", mapping={"timestamp": 1_700_000_000_000, "data": "{}"})
        pipeline.execute()
    process = exporter(redis_server.url)
    deadline = time.monotonic() + 60
    while f"queue_exporter_queues_discovered {len(names)}\n" not in (text := process.raw()):
        assert time.monotonic() < deadline, text[-2000:]
    with client.pipeline(transaction=False) as pipeline:
        for name in names:
            for event in ("added", "waiting", "active", "completed"):
                pipeline.xadd(f"bull:{name}:events", {"event": event, "jobId": "2", "name": "send"})
        pipeline.execute()
    line = 'queue_jobs_processed_total{prefix="bull",queue="queue-4999",status="completed"} 1\n'
    while line not in (text := process.raw()):
        assert time.monotonic() < deadline, "the last queue's job was never counted"
    done = [line for line in text.splitlines() if line.startswith("queue_jobs_processed_total")]
    assert sum(line.endswith('status="completed"} 1') for line in done) == len(names)
    waiting = sum(line.endswith('state="waiting"} 1') for line in text.splitlines())
    assert waiting == len(names)
    assert resident_megabytes(process) < 400


def test_the_printed_rights_name_a_strange_prefix_in_one_word(redis_server: Server) -> None:
    """A prefix with a space must not grant more than was asked."""
    client = redis_server.client()
    client.execute_command("ACL", "SETUSER", "strange", "reset")
    with pytest.raises((redis.ResponseError, ValueError)):
        client.execute_command(*acl_line("strange", ["my bull"]).split())
