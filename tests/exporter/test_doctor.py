"""Each sentence of `doctor` is true of a real server, and names a remedy that removes it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time

import pytest
import redis

from tests.documents import environment
from tests.exporter.bad_days.queues import HandQueue
from tests.exporter.hand_workers import node_name, worker
from tests.servers import Certificates, Server, free_port, start_cluster


def doctor(url: str, *arguments: str) -> tuple[int, list[dict[str, str]]]:
    """The exit status and the findings."""
    command = [sys.executable, "-m", "exporter", "doctor", "--json", "--redis", url, *arguments]
    done = subprocess.run(command, env=environment(), text=True, capture_output=True, timeout=60)
    assert done.stderr == ""
    return done.returncode, json.loads(done.stdout)


def worst(findings: list[dict[str, str]], verdict: str = "warning failed") -> list[str]:
    return [f"{f['what']} | {f['advice']}" for f in findings if f["verdict"] in verdict.split()]


def said(findings: list[dict[str, str]]) -> str:
    return "\n".join(finding["what"] for finding in findings)


def test_a_healthy_server_has_no_finding_but_good_ones(each_server):
    HandQueue(each_server.client(), "email").create().add(1).finish(3)
    client = each_server.client()
    client.set("bull:old:id", 1)
    with worker(each_server, "email", node_name("email")):
        status, findings = doctor(each_server.url)
    assert (status, worst(findings)) == (0, [])
    version = client.info("server").get("valkey_version") or client.info("server")["redis_version"]
    assert f"answers, server {version}" in said(findings)
    assert "bull:email: bullmq 5.81.5, event stream" in said(findings)
    assert "bull:old: bull, pub/sub: names and retries only in part" in said(findings)
    assert "worker connections that carry the name of a queue or its prefix: 1" in said(findings)
    assert "1 event streams are long enough; nothing was trimmed yet" in said(findings)
    assert ("can't tell how many events were lost" in said(findings)) == (each_server.kind == "redis6")


def test_rights_are_told_command_by_command(redis_server):
    client = redis_server.client()
    HandQueue(client, "email").create()
    client.execute_command(
        "ACL", "SETUSER", "some", "on", ">secret", "~*", "&*", "+@all", "-xread", "-client|list", "-hgetall"
    )
    try:
        status, findings = doctor(redis_server.url.replace("redis://", "redis://some:secret@"))
    finally:
        client.execute_command("ACL", "DELUSER", "some")
    assert status == 0
    assert "rights for events: xinfo|stream" in said(findings)
    assert "rights for counts: scan llen lindex zcard exists ping" in said(findings)
    told = "\n".join(worst(findings))
    assert "grant +xread to have it" in told and "grant +client|list to have it" in told
    assert "hgetall" not in told, "HMGET tells the same"
    assert "all rights are there" not in said(findings)


def test_a_policy_that_drops_jobs_fails_and_noeviction_mends_it(each_server):
    client = each_server.client()
    HandQueue(client, "email").create()
    try:
        client.config_set("maxmemory-policy", "allkeys-lru")
        status, findings = doctor(each_server.url)
        assert status == 0 and any(
            "no danger while maxmemory is unlimited" in f for f in worst(findings, "warning")
        )
        client.config_set("maxmemory", "100mb")
        status, findings = doctor(each_server.url)
        assert (
            status == 1 and "eviction policy allkeys-lru: Redis may drop jobs" in worst(findings, "failed")[0]
        )
        client.config_set("maxmemory-policy", "noeviction")
        assert doctor(each_server.url)[0] == 0
    finally:
        client.config_set("maxmemory-policy", "noeviction")
        client.config_set("maxmemory", "0")


def write_events(server: Server, seconds: float, entries: int, entries_max: int) -> HandQueue:
    """A stream that was trimmed to its last `entries_max`, the traffic of `seconds`."""
    client = server.client()
    queue = HandQueue(client, "email").create(entries_max)
    first_ms = int(time.time() * 1000) - int(seconds * 1000)
    step_ms = seconds * 1000 / (entries_max - 1)
    with client.pipeline(transaction=False) as pipeline:
        for number in range(entries):
            at_ms = first_ms + int((number - (entries - entries_max)) * step_ms)
            entry = {"event": "waiting", "jobId": str(number)}
            pipeline.xadd(
                queue.key("events"), entry, id=f"{at_ms}-{number}", maxlen=entries_max, approximate=False
            )
        pipeline.execute()
    return queue


@pytest.mark.parametrize(
    ("seconds", "verdict", "sentence"),
    [
        (
            0.5,
            "failed",
            "its stream holds 500 events, 0.5 s of its traffic: events will be lost before they are read",
        ),
        (
            20,
            "warning",
            "its stream holds 500 events, 20s of its traffic: an exporter that is away for longer loses",
        ),
    ],
)
def test_a_stream_that_is_too_short_is_told_with_the_length_that_mends_it(
    seconds, verdict, sentence, each_server
):
    write_events(each_server, seconds, entries=600, entries_max=500)
    status, findings = doctor(each_server.url)
    [told] = worst(findings)
    assert told.startswith(f"bull:email: {sentence}") and status == (verdict == "failed")
    wanted = int(re.search(r"maxLen: (\d+)", told)[1])
    assert wanted >= 500 / seconds * 60
    # The remedy: the same traffic into a stream of that length.
    each_server.client().delete("bull:email:events")
    write_events(each_server, wanted / (500 / seconds), entries=wanted + 1, entries_max=wanted)
    status, findings = doctor(each_server.url)
    assert (status, worst(findings)) == (0, [])
    assert "1 event streams are long enough; the shortest holds 1m" in said(findings)


def test_a_short_time_in_a_stream_that_was_never_trimmed_is_no_finding(each_server):
    write_events(each_server, 0.5, entries=400, entries_max=400)
    each_server.client().hset("bull:email:meta", "opts.maxLenEvents", 10_000)
    assert worst(doctor(each_server.url)[1]) == []


def test_a_stream_that_keeps_nothing_fails(each_server):
    queue = HandQueue(each_server.client(), "email").create(0).finish(5, entries_max=0)
    assert each_server.client().xlen(queue.key("events")) == 0
    status, findings = doctor(each_server.url)
    assert status == 1
    assert "bull:email: its stream keeps no event" in worst(findings, "failed")[0]


def test_workers_without_a_name_are_counted(each_server):
    HandQueue(each_server.client(), "email").create()
    with worker(each_server, "email"):
        status, findings = doctor(each_server.url)
    assert status == 0
    [told] = worst(findings)
    assert told.startswith("1 connections wait for jobs under no name") and "client|setname" in told


def test_no_queue_is_told_with_the_prefixes(redis_server):
    HandQueue(redis_server.client(), "email", prefix="mine").create()
    status, findings = doctor(redis_server.url, "--prefix", "a", "--prefix", "b")
    assert (status, worst(findings)[0].partition(" | ")[0]) == (0, "no queue found under a, b")
    assert worst(doctor(redis_server.url, "--prefix", "mine")[1]) == []


def test_a_library_newer_than_any_that_was_tried_is_told(redis_server):
    HandQueue(redis_server.client(), "email").create()
    redis_server.client().hset("bull:email:meta", "version", "bullmq:7.0.1")
    assert "bull:email: bullmq 7.0.1 is newer than any" in worst(doctor(redis_server.url)[1])[0]


def test_a_replica_is_told(server):
    master = server("redis7")
    HandQueue(master.client(), "email").create()
    replica = server("redis7", f"replicaof 127.0.0.1 {master.port}")
    replica.wait_for_log("Finished with success")
    assert "this server is a replica" in worst(doctor(replica.url)[1])[0]
    assert worst(doctor(master.url)[1]) == []


def test_a_cluster_is_looked_at_whole(tmp_path):
    nodes = start_cluster("redis7", tmp_path)
    try:
        cluster = redis.RedisCluster(host="127.0.0.1", port=nodes[0].port)
        for name in ("{a}", "{b}", "{c}"):
            cluster.hset(f"bull:{name}:meta", mapping={"opts.maxLenEvents": 10, "version": "bullmq:5.81.5"})
        status, findings = doctor(nodes[0].url, "--cluster")
        assert (status, worst(findings)) == (0, [])
        assert all(f"bull:{name}: bullmq" in said(findings) for name in ("{a}", "{b}", "{c}"))
    finally:
        for node in nodes:
            node.stop()


def test_a_password_that_is_missing_or_wrong_has_its_own_remedy(server, tmp_path):
    up = server("redis7", "requirepass right")
    status, findings = doctor(up.url)
    assert status == 1 and "this Redis asks for a password" in worst(findings)[0]
    (tmp_path / "password").write_text("wrong")
    status, findings = doctor(up.url, "--redis-password-file", str(tmp_path / "password"))
    assert status == 1 and "give the right user and password" in worst(findings)[0]
    status, findings = doctor(up.url, "--redis-password-file", str(tmp_path / "none"))
    assert status == 1 and "the file must be there" in worst(findings)[0]
    (tmp_path / "password").write_text("right\n")
    assert doctor(up.url, "--redis-password-file", str(tmp_path / "password"))[0] == 0


def test_tls_where_there_is_none_and_an_authority_nobody_named(server, certificates: Certificates):
    tls_port = free_port()
    up = server("redis7", *certificates.settings(tls_port, clients="no"))
    status, findings = doctor(up.url.replace("redis://", "rediss://"))
    assert status == 1 and "does this port speak TLS?" in worst(findings)[0]
    status, findings = doctor(f"redis://127.0.0.1:{tls_port}")
    assert status == 1 and "does this port want TLS?" in worst(findings)[0]
    status, findings = doctor(f"rediss://127.0.0.1:{tls_port}")
    assert status == 1 and "name the authority" in worst(findings)[0]


def test_nobody_at_the_address_is_one_failure():
    status, findings = doctor(f"redis://127.0.0.1:{free_port()}")
    assert status == 1 and len(findings) == 1
    assert findings[0]["advice"] == "is the address right, and may this user connect?"


def test_many_queues_are_not_many_lines(redis_server):
    for number in range(50):
        HandQueue(redis_server.client(), f"q{number}").create()
    _, findings = doctor(redis_server.url)
    assert "30 queues more" in said(findings) and len(findings) < 45


def test_a_person_reads_one_line_a_finding_and_its_remedy_below(redis_server):
    HandQueue(redis_server.client(), "e\x1b[2Jvil").create(0).finish(1, entries_max=0)
    command = [sys.executable, "-m", "exporter", "doctor", "--redis", redis_server.url]
    done = subprocess.run(command, env=environment(), text=True, capture_output=True, timeout=60)
    assert done.returncode == 1 and "\x1b" not in done.stdout
    assert re.search(
        r"^ failed  bull:e\\x1b\[2Jvil: its stream keeps no event.*\n {9}give it a length", done.stdout, re.M
    )
