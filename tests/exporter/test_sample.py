"""`sample` shows every queue at this moment, the worst first, to a person or to a program."""

from __future__ import annotations

import json
import logging
import re
import subprocess
import sys
import threading
import time
import unicodedata
from dataclasses import replace

import pytest

from exporter.keys import QueueName
from exporter.notices import Notices
from exporter.sample.reading import Sampler
from exporter.sample.table import table
from exporter.settings import DURATION_BUCKETS
from exporter.settings_file import load
from tests.documents import environment
from tests.exporter.bad_days.queues import HandQueue, hold
from tests.exporter.hand_workers import node_name, worker
from tests.processes import Program
from tests.servers import Server, free_port

STATE_KEYS = {"active": "active", "delayed": "delayed", "completed": "completed", "failed": "failed"}


def sample(server: Server, *arguments: str, columns: int | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "exporter", "sample", "--redis", server.url, *arguments]
    env = environment() | ({"COLUMNS": str(columns)} if columns else {})
    return subprocess.run(command, env=env, text=True, capture_output=True, timeout=60)


def watching(url: str, *arguments: str) -> list[str]:
    return [
        sys.executable,
        "-m",
        "exporter",
        "sample",
        "--watch",
        "--every",
        "100ms",
        "--redis",
        url,
        *arguments,
    ]


def queues(server: Server, *arguments: str) -> dict[str, dict]:
    done = sample(server, "--json", *arguments)
    assert done.returncode == 0, done.stderr
    return {queue["queue"]: queue for queue in json.loads(done.stdout)["queues"]}


def allow(client, user_and_rights: str) -> None:
    client.execute_command("ACL", "SETUSER", *user_and_rights.split())


def aged(queue: HandQueue, seconds: float) -> HandQueue:
    """All its jobs were added so long ago."""
    for job in queue.client.lrange(queue.key("wait"), 0, -1):
        hold(queue, job, timestamp=str(int((time.time() - seconds) * 1000)))
    return queue


def test_every_state_is_what_the_keys_hold(each_server):
    client = each_server.client()
    queue = HandQueue(client, "email").create().add(1234)
    client.lpush(queue.key("active"), "a1", "a2")
    client.set(queue.key("a1:lock"), "x")
    for number, (state, name) in enumerate(STATE_KEYS.items(), start=3):
        if state != "active":
            client.zadd(queue.key(name), {f"{state}{i}": 9e15 + i for i in range(number)})
    shown = queues(each_server)["email"]
    assert shown["size"]["waiting"] == client.llen(queue.key("wait")) == 1234
    assert shown["size"]["active"] == client.llen(queue.key("active")) == 2
    for state in ("delayed", "completed", "failed"):
        assert shown["size"][state] == client.zcard(queue.key(state)) > 2
    assert shown["active_unlocked"] == 1
    assert shown["problems"] == ["no worker", "1 active without a lock"]
    assert "1,234" in sample(each_server).stdout


def test_the_worst_queue_is_first_and_says_why(redis_server):
    client = redis_server.client()
    HandQueue(client, "fine").create()
    aged(HandQueue(client, "old").create().add(2), 3 * 3600 + 20 * 60 + 5)
    aged(HandQueue(client, "held").create().add(5), 90_000)
    client.hset("bull:held:meta", "paused", 1)
    late = HandQueue(client, "late").create()
    client.zadd(late.key("delayed"), {"d": int((time.time() - 60) * 1000) * 4096})
    with worker(redis_server, "held", node_name("held")), worker(redis_server, "late", node_name("late")):
        lines = sample(redis_server).stdout.splitlines()
    rows = [line for line in lines if line[:3] in ("!! ", "!  ") or line.startswith("   fine")]
    names = [row[3:].split()[0] for row in rows]
    assert names == ["old", "late", "held", "fine"]
    assert re.search(r"3h 20m +no worker$", rows[0])
    assert rows[1].endswith("1 overdue") and rows[1].split()[-3] != "0"
    assert rows[2].startswith("!  held") and rows[2].endswith("paused")
    assert "4 queues: 2 wrong (!!), 1 held back (!)" in lines[1]


def test_a_worker_is_seen_and_a_full_one_is_said(redis_server):
    HandQueue(redis_server.client(), "email").create()
    with worker(redis_server, "email", node_name("email")):
        shown = queues(redis_server)["email"]
        assert (shown["workers"], shown["workers_saturated"], shown["problems"]) == (1, 0, [])
    # A busy worker's connection has got its answer and asks for no more: flags=N.
    busy = redis_server.client(client_name=node_name("email"))
    busy.bzpopmin("bull:email:marker", 0.01)
    HandQueue(redis_server.client(), "email").add(3)
    shown = queues(redis_server)["email"]
    assert (shown["workers"], shown["workers_saturated"]) == (1, 1)
    assert shown["problems"] == ["its worker is full"] and shown["severity"] == "held"


def test_no_worker_is_not_said_where_one_may_be_there_without_a_name(redis_server):
    HandQueue(redis_server.client(), "email").create().add(1)
    with worker(redis_server, "email"):
        assert queues(redis_server)["email"]["problems"] == ["no worker by name"]
        assert "1 connections wait for jobs under no name" in sample(redis_server).stdout


def test_a_hostile_name_does_nothing_to_the_terminal(redis_server):
    names = [
        b"\x1b[2J\x1b]0;gone\x07",
        b"two\nlines\ttab",
        "\u202etxt.exe".encode(),
        b"\xff\x9b",
        b"n" * 10_000,
    ]
    for name in names:
        HandQueue(redis_server.client(), name).create().add(1)
    out = sample(redis_server).stdout
    assert {char for char in out if not char.isprintable()} == {"\n"}
    assert "\\x1b[2J" in out and "two\\nlines" in out and "\\u202etxt.exe" in out
    assert max(len(line) for line in out.splitlines()) < 250


@pytest.mark.parametrize("columns", [60, 80, 100, 132, 200])
def test_a_table_fits_the_terminal_and_still_says_what_is_wrong(columns, redis_server):
    client = redis_server.client()
    for name in ("email", "日本語のとても長いキューの名前です", "route-optimization-of-the-western-district"):
        aged(HandQueue(client, name).create().add(3), 100)
    client.lpush("bull:email:active", "lost")
    out = sample(redis_server, columns=columns).stdout
    assert max(columns_of(line) for line in out.splitlines()) <= columns
    assert "no worker, 1 active without a lock" in out
    assert out.count("1m 4") == 3


def columns_of(line: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in line)


def test_what_is_not_permitted_is_unknown_not_zero(redis_server):
    client = redis_server.client()
    HandQueue(client, "email").create().add(2)
    allow(client, "narrow on >secret %R~bull:* resetchannels -@all +scan +llen +zcard +hgetall +exists +ping")
    try:
        url = redis_server.url.replace("redis://", "redis://narrow:secret@")
        done = subprocess.run(
            [sys.executable, "-m", "exporter", "sample", "--redis", url],
            text=True,
            capture_output=True,
            timeout=60,
        )
    finally:
        client.execute_command("ACL", "DELUSER", "narrow")
    assert done.returncode == 0 and "secret" not in done.stdout
    row = next(line for line in done.stdout.splitlines() if "email" in line).split()
    assert row[1] == "2" and row.count("?") >= 2
    assert "Redis refuses client|list" in done.stdout


def test_it_asks_for_nothing_that_writes(redis_server):
    client = redis_server.client()
    HandQueue(client, "email").create().add(2).finish(3)
    client.set("bull:old:id", 3)
    allow(client, "reader on >secret ~* &* +@all -@write")
    client.execute_command("ACL", "LOG", "RESET")
    try:
        url = redis_server.url.replace("redis://", "redis://reader:secret@")
        program = Program(watching(url, "--json"))
        program.wait_for(lambda line: '"seen": {' in line)
        assert program.stop() == 0
        assert client.acl_log() == []
    finally:
        client.execute_command("ACL", "DELUSER", "reader")


def test_watching_counts_what_finished_since_it_began(redis_server):
    client = redis_server.client()
    queue = HandQueue(client, "email").create().finish(50)
    program = Program(watching(redis_server.url, "--json"))
    program.wait_for('"queue": "email"')
    queue.finish(7).finish(2, "failed")
    line = program.wait_for('"completed": 7, "failed": 2')
    assert program.stop() == 0
    seen = json.loads(line)["queues"][0]["seen"]
    assert seen["requeued"] == 0 and not seen["wait_p95_beyond_buckets"]
    assert seen["wait_p95_at_most_seconds"] in DURATION_BUCKETS


def test_a_redis_that_is_away_is_one_line(tmp_path):
    port = free_port()
    done = subprocess.run(
        [sys.executable, "-m", "exporter", "sample", "--redis", f"redis://:pw@127.0.0.1:{port}"],
        text=True,
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.count("\n") == 1 and str(port) in done.stderr and "pw" not in done.stderr


@pytest.mark.parametrize("every", ["0", "-1", "nan", "1e9"])
def test_a_pause_that_makes_no_sense_is_refused(every, redis_server):
    done = sample(redis_server, "--watch", "--every", every)
    assert done.returncode == 2 and "--every" in done.stderr and done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("jobs", "said"), [(0, "0 jobs ready"), (1, "1 job ready"), (2000, "2,000 jobs ready")]
)
def test_the_summary_counts_as_people_do(jobs, said, redis_server):
    HandQueue(redis_server.client(), "email").create().add(jobs)
    assert f"; {said}, 0 active\n" in sample(redis_server).stdout


def test_a_redis_without_queues_says_so(redis_server):
    done = sample(redis_server)
    assert done.returncode == 0 and "no queue" in done.stdout


def test_a_closed_pipe_ends_it_without_a_word(redis_server):
    HandQueue(redis_server.client(), "email").create()
    process = subprocess.Popen(
        watching(redis_server.url), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(20) == 1 and process.stderr.read() == ""


def test_a_table_of_ten_times_the_queues_takes_about_ten_times_as_long(redis_server):
    HandQueue(redis_server.client(), "email").create().add(1)
    sampler = Sampler(load(None, {"redis": {"url": redis_server.url}}), Notices(logging.Logger("quiet")))
    sampler.start()
    try:
        sampler.find(threading.Event())
        one = sampler.read()
    finally:
        sampler.stop()

    def seconds(queues: int) -> float:
        """Processor time of the quickest of three."""
        snapshots = [
            replace(one.redis.queues[0], name=QueueName(b"bull", b"queue-%d" % number))
            for number in range(queues)
        ]
        many = replace(one, redis=replace(one.redis, queues=snapshots))
        times = []
        for _ in range(3):
            began = time.process_time()
            assert len(table(many, sampler.address, 100)) > queues
            times.append(time.process_time() - began)
        return min(times)

    assert seconds(2000) < 30 * seconds(200)
