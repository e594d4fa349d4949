"""Each printed line of rights is enough for what it promises, and holds no word that it could do without.

What the words of metrics cost is shown in bad_days/test_rights.py; here is what only shows in names, ages and clocks.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import Exporter
from tests.documents import environment
from tests.exporter.bad_days.looking import eventually, finished, is_up, look, size
from tests.exporter.bad_days.queues import HandQueue, hold
from tests.exporter.truth.page import Page
from tests.servers import Server, missing, start_cluster

WRONG_CLOCK = ("env", "FAKETIME_DONT_FAKE_MONOTONIC=1", "faketime", "-f", "+2h")


def printed(server: Server, *options: str) -> list[str]:
    """The words that `acl` prints for this server, with a password set in."""
    command = [sys.executable, "-m", "exporter", "acl", *options]
    command += ["--redis-6"] if server.kind == "redis6" else []
    line = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return line.strip().replace("PASSWORD", "secret").split()


@contextmanager
def user(server: Server, words: list[str], *changes: str) -> Iterator[str]:
    """The address of `server` as the user of a printed line; `changes` are further words, or `-word` for one fewer."""
    client = server.client()
    without = {f"+{change[1:]}" for change in changes if change.startswith("-")}
    added = [change for change in changes if not change.startswith("-")]
    assert without <= set(words)
    client.execute_command(*(word for word in words if word not in without), *added)
    client.execute_command("ACL", "LOG", "RESET")
    try:
        yield server.url.replace("redis://", f"redis://{words[2]}:secret@")
    finally:
        client.execute_command("ACL", "DELUSER", words[2])


def sample(url: str, *before: str) -> dict:
    """What `sample --json` says; `before` are words before the command."""
    command = [*before, sys.executable, "-m", "exporter", "sample", "--json", "--redis", url]
    done = subprocess.run(command, env=environment(), text=True, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


# Tried once a connection, for servers whose INFO does not tell maxclients; and by redis-py, which names itself.
TRIED = {"config|get", "client|setinfo"}
TRIED_6 = {"config", "client"}
"""Redis 6.2 logs the command without its sub-command."""


def denied(server: Server) -> set[str]:
    tried = TRIED | (TRIED_6 if server.kind == "redis6" else set())
    return {entry["object"] for entry in server.client().acl_log()} - tried


@pytest.mark.parametrize("options", [(), ("--prefix", "{bull}", "--prefix", "bull"), ("--user", "me-2")])
def test_with_the_printed_line_redis_refuses_nothing(options, each_server, exporter: Exporter):
    HandQueue(each_server.client(), "email").create().add(1)
    each_server.client().set("bull:old:id", 3)
    with user(each_server, printed(each_server, *options)) as url:
        process = exporter(url)
        eventually(process, lambda page: size(page, "waiting") == 1 and finished(page) is not None)
        process.stop()
        assert denied(each_server) == set()


def test_with_the_least_line_only_what_is_tried_once_is_refused(redis_server):
    HandQueue(redis_server.client(), "email").create().add(3)
    with user(redis_server, printed(redis_server, "--least")) as url:
        [queue] = sample(url)["queues"]
    assert queue["size"]["waiting"] == 3 and queue["oldest_waiting"] is None


def test_without_ping_the_least_line_would_have_redis_log_a_refusal_each_second(
    redis_server, exporter: Exporter
):
    words = printed(redis_server, "--least")
    HandQueue(redis_server.client(), "email").create()

    def refused() -> int:
        return sum(entry["count"] for entry in redis_server.client().acl_log() if entry["object"] == "ping")

    for changes, grows in (((), False), (("-ping",), True)):
        with user(redis_server, words, *changes) as url:
            process = exporter(url)
            eventually(process, is_up)
            before = refused()
            # A right that was missing is tried again after five seconds; PING would be missed each second.
            eventually(process, lambda page: rounds(page) > 4)
            process.stop()
            assert (refused() > before + 2) == grows


def rounds(page: Page) -> float:
    return page.histogram("queue_redis_round_trip_seconds").count


def test_zrangebyscore_finds_an_older_job_behind_a_better_priority(each_server):
    queue = HandQueue(each_server.client(), "email").create()
    old_ms = int(time.time() * 1000) - 3_600_000
    # In the last priority the job that came first is the oldest, and neither the first nor the last member.
    for job, score, at_ms in (("a", 1, old_ms + 2000), ("b", 5, old_ms), ("c", 5, old_ms + 1000)):
        each_server.client().zadd(queue.key("prioritized"), {job: score * 2**32 + ord(job)})
        hold(queue, job, timestamp=str(at_ms), delay="0", opts="{}")
    words = printed(each_server)
    with user(each_server, words) as url:
        assert sample(url)["queues"][0]["oldest_waiting"] == old_ms / 1000
    with user(each_server, words, "-zrangebyscore") as url:
        assert sample(url)["queues"][0]["oldest_waiting"] > old_ms / 1000


def test_hget_names_jobs_that_waited_already_at_the_start(each_server, exporter: Exporter):
    words = printed(each_server)
    for changes, job_type in (((), "send"), (("-hget",), "__unknown__")):
        each_server.client().flushall()
        queue = HandQueue(each_server.client(), "email").create().add(1, name="send")
        with user(each_server, words, *changes) as url:
            process = exporter(url)
            eventually(process, lambda page: finished(page) == 0)
            queue.tell("active", "1").tell("completed", "1")
            page = eventually(process, lambda page: finished(page) == 1)
            process.stop()
            assert page.histogram("queue_job_duration_seconds", job_type=job_type).count == 1


def test_type_tells_a_bull_queue_with_a_job_called_events_from_bullmq(each_server):
    client = each_server.client()
    client.set("bull:old:id", 1)
    client.hset("bull:old:events", mapping={"name": "x", "timestamp": 1})
    words = printed(each_server)
    with user(each_server, words) as url:
        assert sample(url)["queues"][0]["library"] == "bull"
    with user(each_server, words, "-type") as url:
        assert sample(url)["queues"][0]["library"] == "bullmq"


def test_setname_lets_the_exporter_tell_its_own_connections(each_server):
    HandQueue(each_server.client(), "email").create()
    words = printed(each_server)
    with user(each_server, words) as url:
        assert sample(url)["connections"]["exporter"] >= 2
    with user(each_server, words, "-client|setname") as url:
        assert sample(url)["connections"]["exporter"] == 0


def test_time_gives_the_servers_clock_where_ours_is_wrong(each_server):
    if shutil.which("faketime") is None:
        missing("faketime", "apt-get install faketime")
    HandQueue(each_server.client(), "email").create()
    words = printed(each_server)
    for changes, ahead in (((), 0), (("-time",), 7200)):
        with user(each_server, words, *changes) as url:
            at = sample(url, *WRONG_CLOCK)["at"]
        assert abs(at - time.time() - ahead) < 60


def test_another_database_takes_the_line_that_is_printed_with_it(each_server):
    client = each_server.client(db=5)
    HandQueue(client, "email").create().add(2)
    with user(each_server, printed(each_server, "--with", "databases")) as url:
        assert sample(url.replace("/0", "/5"))["queues"][0]["size"]["waiting"] == 2
        assert denied(each_server) == set()


def test_from_redis_6_2_on_info_tells_maxclients_so_config_get_is_optional(each_server):
    HandQueue(each_server.client(), "email").create()
    real = int(each_server.client().config_get("maxclients")["maxclients"])
    for options in ((), ("--with", "maxclients")):
        with user(each_server, printed(each_server, *options)) as url:
            assert sample(url)["server"]["clients_max"] == real


def test_caches_take_their_own_keys_and_the_line_that_is_printed_with_them(
    each_server, exporter: Exporter, tmp_path: Path
):
    each_server.client().set("job_result:1", "x" * 77, ex=3600)
    (tmp_path / "config.yaml").write_text('caches: {results: {pattern: "job_result:*"}}\n')
    words = printed(each_server, "--with", "caches")
    with user(
        each_server, words, "~job_result:*" if each_server.kind == "redis6" else "%R~job_result:*"
    ) as url:
        process = exporter(url, "--config", str(tmp_path / "config.yaml"))
        page = eventually(process, lambda page: page.value("queue_cache_sampled_bytes") == 77)
        assert 0 < (page.value("queue_cache_sampled_ttl_seconds") or 0) <= 3600
        process.stop()
        assert denied(each_server) == set()


def test_a_cluster_takes_the_line_that_is_printed_with_it(tmp_path: Path, exporter: Exporter):
    nodes = start_cluster("redis7", tmp_path)
    try:
        for options in (("--with", "cluster"), ()):
            for node in nodes:
                node.client().execute_command("ACL", "SETUSER", "bullgauge", "reset")
                node.client().execute_command(*printed(node, *options))
            process = exporter(nodes[0].url.replace("redis://", "redis://bullgauge:secret@"), "--cluster")
            if options:
                eventually(process, is_up)
                assert [denied(node) for node in nodes] == [set()] * 3
            else:
                process.program.wait_for("cluster|slots")
                assert not is_up(look(process))
            process.stop()
    finally:
        for node in nodes:
            node.stop()


@pytest.mark.parametrize(
    "arguments", [("--prefix", "a ~*"), ("--user", "a b"), ("--prefix", ""), ("--prefix", "a\nb")]
)
def test_what_would_be_read_as_further_rights_is_refused(arguments):
    done = subprocess.run(
        [sys.executable, "-m", "exporter", "acl", *arguments], text=True, capture_output=True, timeout=60
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert (
        done.stderr.startswith(f"bullgauge-exporter: command line: {arguments[0]} ")
        and done.stderr.count("\n") == 1
    )
