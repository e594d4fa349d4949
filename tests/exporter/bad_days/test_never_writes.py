"""No command of the exporter writes: heard by MONITOR through everything that it does, judged by the server's flags."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import yaml
from redis.cluster import RedisCluster

from exporter.connection.rights import FEATURES
from tests.conftest import Exporter, Start
from tests.exporter.bad_days.bullmq import bullmq
from tests.exporter.bad_days.looking import eventually, finished
from tests.exporter.bad_days.monitor import Monitor, flags
from tests.exporter.bad_days.queues import HandQueue
from tests.exporter.bad_days.watched import fill, work
from tests.servers import Server, start_cluster

# What redis-py says of itself on each connection.
ALSO = {"client|setinfo"}
SCRIPTS = {"eval", "evalsha", "fcall", "script", "function"}


def allowed() -> set[str]:
    return {command for feature in FEATURES for command in feature.commands} | ALSO


def judge(server: Server, commands: set[str]) -> None:
    """None of them may write, run scripts, or be other than those whose rights are documented."""
    assert commands, "nothing was heard"
    for command in commands:
        assert "write" not in flags(server, command), command
        assert command.split("|")[0] not in SCRIPTS, command
    assert commands <= allowed()


def judge_unheard(server: Server) -> None:
    """MONITOR is deaf to what administers, so that is judged by the server's own counts, whoever asked."""
    counted = {
        name.removeprefix("cmdstat_").replace("\\", "") for name in server.client().info("commandstats")
    }
    administers = {command for command in counted if "admin" in flags(server, command)}
    assert administers - {"monitor"} == {"client|list", "config|get"}


@pytest.mark.parametrize("kind", ["redis7", "valkey9"])
def test_nothing_that_the_exporter_does_writes(
    kind: str, exporter: Exporter, server: Start, tmp_path: Path
) -> None:
    socket = tmp_path / "redis.sock"
    redis = server(kind, f"unixsocket {socket}")
    fill(redis)
    _more_of_everything(redis)
    url = f"unix://{socket}"
    settings = tmp_path / "exporter.yaml"
    settings.write_text(
        yaml.safe_dump(
            {
                "state_file": str(tmp_path / "state.json"),
                "pools": {"web": {"maximum": 5, "client_names": ["web*"]}},
                "caches": {
                    "results": {"pattern": "job_result:*", "hits_key": "hits", "misses_key": "misses"}
                },
                "targets": [{"name": "other", "redis": {"url": url, "database": 1}, "prefixes": ["bull"]}],
            }
        )
    )
    with Monitor(redis) as monitor, bullmq(["real"], redis={"port": redis.port}) as jobs:
        process = exporter(url, "--config", str(settings))
        eventually(process, lambda page: finished(page, "legacy") == 0 and finished(page) == 0)
        work(redis)
        jobs.add(20)
        jobs.wait()
        eventually(process, lambda page: finished(page, "real") == 20 and finished(page, "legacy") == 1)
        assert "queue_redis_up 1\n" in process.get("/probe?target=other")
        assert "/metrics" in process.get("/")
        assert process.get("/-/ready") == "ready\n"
        for command in ("strlen", "hstrlen", "zrangebyscore", "scan", "psubscribe"):
            monitor.wait_for(command)
        eventually(process, lambda _: (tmp_path / "state.json").exists())
        assert process.stop() == 0
        _record(url, tmp_path, redis)
        _run("doctor", "--redis", url)
        commands = monitor.commands(of_unix_socket=True)
        everything = monitor.commands()
    judge(redis, commands)
    judge_unheard(redis)
    # The ears are good: what writes is heard, and judged as writing.
    assert {"xadd", "evalsha"} & everything
    assert "write" in flags(redis, "xadd")
    for needed in ("xread", "info", "hget", "exists", "lrange", "select", "get"):
        assert needed in commands


def test_nothing_on_a_cluster_writes(exporter: Exporter, tmp_path: Path) -> None:
    cluster = start_cluster("redis7", tmp_path)
    try:
        writer = RedisCluster(host="127.0.0.1", port=cluster[0].port)
        for name in ("{email}", "{reports}", "{notifications}"):
            HandQueue(writer, name).create().finish(2).add(1)  # type: ignore[arg-type]
        writer.close()
        monitors = [Monitor(one) for one in cluster]
        process = exporter(cluster[0].url, "--cluster")
        eventually(process, lambda page: page.value("queue_exporter_queues_discovered") == 3)
        eventually(process, lambda page: finished(page, "{email}") == 0)
        for one, monitor in zip(cluster, monitors, strict=True):
            judge(one, monitor.commands())
            monitor.close()
    finally:
        for one in cluster:
            one.stop()


def _more_of_everything(redis: Server) -> None:
    """What makes the exporter ask its rarer questions."""
    client, now_ms = redis.client(), int(time.time() * 1000)
    client.mset({"hits": 5, "misses": 2})
    queue = HandQueue(client, "prioritised").create()
    client.zadd(queue.key("prioritized"), {"p": 2**32, "q": 5 * 2**32})
    client.zadd(queue.key("delayed"), {"late": (now_ms - 5000) * 4096})
    old = HandQueue(client, "old")
    client.set(old.key("id"), 3)
    client.lpush(old.key("wait"), "1", "2", "3")
    client.zadd(old.key("priority"), {"3": 1})


def _record(url: str, folder: Path, redis: Server) -> None:
    trace = folder / "trace.csv"
    command = [sys.executable, "-m", "exporter", "record", "--redis", url, "--out", str(trace), "--for", "4"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 30
    while not (trace.exists() and trace.read_text().count("\n") > 1):
        assert time.monotonic() < deadline, "nothing was recorded"
        HandQueue(redis.client()).finish(1)
        threading.Event().wait(0.1)
    assert process.wait(30) == 0


def _run(*arguments: str) -> None:
    command = [sys.executable, "-m", "exporter", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
