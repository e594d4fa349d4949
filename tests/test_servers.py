"""Knows what the test servers promise: real, of the kind asked for, and back where they were."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import redis

from tests.servers import Certificates, Server, free_port, start_cluster, start_sentinel

VERSIONS = {"redis6": "6.2.", "redis7": "7.", "valkey9": "9."}


def test_each_kind_is_the_version_it_is_named_after(each_server: Server) -> None:
    info = each_server.client().info("server")
    assert info.get("valkey_version", info["redis_version"]).startswith(VERSIONS[each_server.kind])


def test_a_server_comes_back_on_the_same_port_with_what_it_stored(server: Callable[..., Server]) -> None:
    one = server("redis7", "appendonly yes", "appendfsync always")
    one.client().set("kept", "yes")
    one.kill()
    one.start()
    assert one.client().get("kept") == b"yes"


def test_a_user_has_the_rights_of_the_configuration_and_no_more(server: Callable[..., Server]) -> None:
    one = server("redis7", "user reader on >secret ~bull:* +get")
    reader = one.client(username="reader", password="secret")
    assert reader.get("bull:x") is None
    try:
        reader.set("bull:x", "1")
    except redis.exceptions.NoPermissionError:
        return
    raise AssertionError("a user without +set was allowed to write")


def test_tls_is_spoken_with_a_certificate_of_the_test_authority(
    server: Callable[..., Server], certificates: Certificates
) -> None:
    port = free_port()
    server("redis7", *certificates.settings(port))
    client = redis.Redis(
        port=port,
        ssl=True,
        ssl_ca_certs=str(certificates.authority),
        ssl_certfile=str(certificates.certificate),
        ssl_keyfile=str(certificates.key),
    )
    assert client.ping()


def test_a_cluster_shares_its_slots_among_its_nodes(tmp_path: Path) -> None:
    nodes = start_cluster("redis7", tmp_path)
    try:
        client = redis.RedisCluster(host="127.0.0.1", port=nodes[0].port)
        assert all(client.set(f"key{number}", number) for number in range(20))
        assert sum(node.client().dbsize() > 0 for node in nodes) == 3
    finally:
        for node in nodes:
            node.stop()


def test_a_sentinel_promotes_the_replica_when_the_primary_dies(
    server: Callable[..., Server], tmp_path: Path
) -> None:
    primary = server("redis7", "repl-diskless-sync-delay 0")
    replica = server("redis7", f"replicaof 127.0.0.1 {primary.port}")
    replica.wait_for_log("Finished with success")
    sentinel = start_sentinel("redis7", tmp_path / "sentinel", primary)
    try:
        sentinel.wait_for_log("+slave slave")
        primary.kill()
        sentinel.wait_for_log("+switch-master")
        asked = sentinel.client(decode_responses=True).execute_command(  # type: ignore[no-untyped-call]
            "SENTINEL", "GET-MASTER-ADDR-BY-NAME", "main"
        )
        assert asked == ["127.0.0.1", str(replica.port)]
    finally:
        sentinel.stop()
