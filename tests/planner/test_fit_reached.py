"""Proves that kept jobs are read of Redis as it stands in life: Sentinel, Cluster, TLS, users of few rights.

The jobs are written here as BullMQ keeps them; no code of ours writes or counts them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import redis
import yaml

from exporter.connection.acl import acl_line
from planner import cli
from tests.servers import Certificates, Server, free_port, start_cluster, start_sentinel

SECRET = "not-to-be-told"
T, JOBS = 1_762_160_400_000, 300


def keep_jobs(client: redis.Redis, prefix: str, queue: str) -> None:
    """A job a second that took 200 ms."""
    base = f"{prefix}:{queue}"
    pipe = client.pipeline(transaction=False)
    pipe.hset(f"{base}:meta", mapping={"opts.maxLenEvents": 10000, "version": "bullmq:5.0.0"})
    pipe.xadd(f"{base}:events", {"event": "drained"})
    pipe.set(f"{base}:id", JOBS)
    for number in range(1, JOBS + 1):
        ready = T + 1000 * number
        times = {"timestamp": ready, "processedOn": ready + 5, "finishedOn": ready + 205}
        pipe.hset(f"{base}:{number}", mapping={**times, "opts": "{}", "attemptsMade": 1, "data": "{}"})
        pipe.zadd(f"{base}:completed", {str(number): ready + 205})
    pipe.execute()


def user(prefix: str = "bull") -> str:
    """A line of a server's settings: a user with the rights that the exporter asks for, and no others."""
    return acl_line("reader", [prefix]).replace("ACL SETUSER", "user").replace(">PASSWORD", f">{SECRET}")


def fitted(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, object]:
    status = cli.main(["fit", *words, "--json"])
    told = capsys.readouterr()
    assert status == 0, told.err
    assert SECRET not in told.out + told.err
    return dict(json.loads(told.out))


def is_whole(found: dict[str, object], *queues: str) -> None:
    assert [queue["name"] for queue in found["queues"]] == list(queues)  # type: ignore[attr-defined]
    for queue in found["queues"]:  # type: ignore[attr-defined]
        assert queue["arrivals_per_second"]["count"] == JOBS - 1
        assert queue["service_seconds"]["value"] == pytest.approx(0.2)


def told(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert cli.main(["fit", *words]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and SECRET not in err, err
    return err


def config(place: Path, redis_: dict[str, object], **more: object) -> str:
    (place / "exporter.yaml").write_text(yaml.safe_dump({"redis": redis_, **more}))
    return str(place / "exporter.yaml")


def test_a_user_with_the_exporters_rights_and_a_password_in_a_file_is_enough(
    server: Callable[..., Server], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    up = server("redis7", user())
    keep_jobs(up.client(), "bull", "email")
    (tmp_path / "password").write_text(f"{SECRET}\n")
    url = f"redis://reader@127.0.0.1:{up.port}"
    is_whole(fitted(capsys, "--redis", url, "--redis-password-file", str(tmp_path / "password")), "email")
    settings: dict[str, object] = {"host": "127.0.0.1", "port": up.port, "username": "reader"}
    file = config(tmp_path, {**settings, "password_file": str(tmp_path / "password")}, queues=["email"])
    is_whole(fitted(capsys, "--config", file), "email")
    assert "no queue 'mail'" in told(capsys, "--config", file, "--queue", "mail")
    assert "redis.url: must start with" in told(capsys, "--config", file, "--redis", "localhost")


def test_the_exporters_variables_are_taken_where_no_address_is_given(
    server: Callable[..., Server], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    up = server("redis7", user("jobs"))
    keep_jobs(up.client(), "jobs", "email")
    monkeypatch.setenv("BULLGAUGE_REDIS", f"redis://reader:{SECRET}@127.0.0.1:{up.port}")
    monkeypatch.setenv("BULLGAUGE_PREFIX", "jobs")
    found = fitted(capsys, "--redis")
    is_whole(found, "email")
    assert found["origin"] == f"redis://127.0.0.1:{up.port}/0"


def test_what_a_user_may_not_read_is_told_and_not_taken_for_nothing(
    server: Callable[..., Server], capsys: pytest.CaptureFixture[str]
) -> None:
    up = server("redis7", user().replace(" +hmget", "").replace("+hgetall", "+hgetall -hmget"))
    keep_jobs(up.client(), "bull", "email")
    line = told(capsys, "--redis", f"redis://reader:{SECRET}@127.0.0.1:{up.port}")
    assert "HMGET" in line.upper() and "no permissions" in line


def test_tls_with_an_authority_and_a_certificate_of_ones_own(
    server: Callable[..., Server], certificates: Certificates, capsys: pytest.CaptureFixture[str]
) -> None:
    port = free_port()
    up = server("redis7", *certificates.settings(port))
    keep_jobs(up.client(), "bull", "email")
    words = ["--redis", f"rediss://127.0.0.1:{port}"]
    assert "certificate" in told(capsys, *words)
    words += ["--ca-file", str(certificates.authority), "--cert-file", str(certificates.certificate)]
    assert "key_file" in told(capsys, *words)
    is_whole(fitted(capsys, *words, "--key-file", str(certificates.key)), "email")


def test_the_primary_that_sentinel_names_is_read(
    server: Callable[..., Server], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    up = server("redis7", user())
    keep_jobs(up.client(), "bull", "email")
    sentinel = start_sentinel("redis7", tmp_path / "sentinel", up)
    try:
        named = {"addresses": [f"127.0.0.1:{sentinel.port}"], "master": "main"}
        (tmp_path / "password").write_text(SECRET)
        own = {"username": "reader", "password_file": str(tmp_path / "password")}
        found = fitted(capsys, "--config", config(tmp_path, {"sentinel": named, **own}))
        is_whole(found, "email")
        assert found["origin"] == f"sentinel 127.0.0.1:{sentinel.port} master main database 0"
        other = config(tmp_path, {"sentinel": {**named, "master": "other"}, **own})
        assert "other" in told(capsys, "--config", other)
    finally:
        sentinel.stop()


def test_every_primary_of_a_cluster_is_read_and_one_that_is_away_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nodes = start_cluster("redis7", tmp_path)
    try:
        client = redis.RedisCluster(host="127.0.0.1", port=nodes[0].port)
        prefixes = ["{a}", "{b}", "{c}", "{d}"]
        owners = {client.get_node_from_key(prefix).port for prefix in prefixes}  # type: ignore[union-attr]
        assert len(owners) == 3
        for prefix in prefixes:
            keep_jobs(client, prefix, f"mail-{prefix[1]}")  # type: ignore[arg-type]
        words = ["--redis", f"redis://127.0.0.1:{nodes[1].port}", "--cluster"]
        for prefix in prefixes:
            words += ["--prefix", prefix]
        is_whole(fitted(capsys, *words), "mail-a", "mail-b", "mail-c", "mail-d")
        nodes[2].pause()
        line = told(capsys, *words, "--timeout", "2s")
        assert f"127.0.0.1:{nodes[2].port}" in line and "can't be reached" in line
    finally:
        nodes[2].resume()
        for node in nodes:
            node.stop()
