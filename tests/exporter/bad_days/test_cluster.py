"""A Redis Cluster is one target: all queues of all primaries, and recovery when one of them goes and comes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis.cluster import RedisCluster

from tests.conftest import Exporter
from tests.exporter.bad_days.bullmq import bullmq
from tests.exporter.bad_days.looking import eventually, finished, is_up, look, size
from tests.exporter.bad_days.queues import HandQueue
from tests.exporter.truth.page import Page
from tests.servers import Server, start_cluster

QUEUES = ("{email}", "{reports}", "{notifications}")
"""One queue on each of the three primaries."""


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[list[Server]]:
    servers = start_cluster("redis7", tmp_path)
    yield servers
    for server in servers:
        server.stop()


def nodes(cluster: list[Server]) -> list[dict[str, object]]:
    return [{"host": "127.0.0.1", "port": server.port} for server in cluster]


def client(server: Server) -> RedisCluster:
    return RedisCluster(host="127.0.0.1", port=server.port)


def test_real_jobs_on_all_primaries_are_counted(cluster: list[Server], exporter: Exporter) -> None:
    with (
        bullmq(QUEUES, cluster=nodes(cluster)) as many_slots,
        bullmq(["a", "b"], cluster=nodes(cluster), prefix="{tagged}") as one_slot,
    ):
        process = exporter(cluster[1].url, "--cluster", "--prefix", "bull", "--prefix", "{tagged}")
        for jobs in (many_slots, one_slot):
            jobs.add(20)
            jobs.wait()
        everything = [("bull", name) for name in QUEUES] + [("{tagged}", "a"), ("{tagged}", "b")]
        for prefix, queue in everything:
            page = eventually(
                process,
                lambda page, p=prefix, q=queue: (
                    page.value("queue_jobs_processed_total", prefix=p, queue=q, status="completed") == 20
                ),
            )
            assert page.value("queue_jobs_added_total", prefix=prefix, queue=queue) == 20
    owners = {client(cluster[0]).keyslot(f"bull:{queue}:id") * 3 // 16384 for queue in QUEUES}
    assert owners == {0, 1, 2}, "the test means one queue on each primary"


def test_a_primary_that_goes_and_comes_back(cluster: list[Server], exporter: Exporter) -> None:
    queues = [HandQueue(client(cluster[0]), queue).create() for queue in QUEUES]  # type: ignore[arg-type]
    process = exporter(cluster[0].url, "--cluster")
    for queue in queues:
        queue.finish(5)
    for name in QUEUES:
        eventually(process, lambda page, q=name: finished(page, q) == 5)
    cluster[2].pause()
    page = look(process, timeout_seconds=2)
    assert queues_on(page) == {name for name in QUEUES if owner(cluster, name) is not cluster[2]}
    cluster[2].resume()
    eventually(process, is_up)
    eventually(process, lambda _: _is_whole(cluster[0]))
    for queue in queues:
        queue.finish(2)
    for name in QUEUES:
        page = eventually(process, lambda page, q=name: (finished(page, q) or 0) >= 7)
        assert finished(page, name) == 7


def test_the_queues_of_the_other_primaries_stay_when_one_is_dead(
    cluster: list[Server], exporter: Exporter
) -> None:
    for server in cluster:
        server.client().config_set("cluster-require-full-coverage", "no")
    # The node that was named is the dead one.
    process = exporter(cluster[2].url, "--cluster")
    writer = client(cluster[0])
    queues = {name: HandQueue(writer, name).create().finish(5) for name in QUEUES}  # type: ignore[arg-type]
    for name in QUEUES:
        eventually(process, lambda page, q=name: finished(page, q) == 5)
    cluster[2].kill()
    left = {name for name in QUEUES if owner(cluster, name) is not cluster[2]}
    assert len(left) == 2
    page = eventually(process, lambda page: queues_on(page) == left)
    assert is_up(page)
    assert page.value("queue_exporter_scrape_success", collector="queues") == 0
    # Sums over all servers are not to be had.
    assert page.value("queue_redis_memory_bytes") is None
    assert page.values("queue_redis_connections") == []
    for name in left:
        queues[name].finish(2)
        page = eventually(process, lambda page, q=name: (finished(page, q) or 0) >= 7)
        assert (finished(page, name), size(page, "waiting", name)) == (7, 0)
    cluster[2].start()
    (back,) = set(QUEUES) - left
    eventually(process, lambda page: page.value("queue_exporter_scrape_success", collector="queues") == 1)
    HandQueue(cluster[2].client(), back).create().finish(3)
    page = eventually(process, lambda page: (finished(page, back) or 0) >= 8)
    assert finished(page, back) == 8
    assert queues_on(page) == set(QUEUES)
    assert page.value("queue_redis_memory_bytes") is not None


def test_a_look_at_a_cluster_with_a_dead_primary_says_that_it_is_one_at_a_part(cluster: list[Server]) -> None:
    for server in cluster:
        server.client().config_set("cluster-require-full-coverage", "no")
    writer = client(cluster[0])
    for name in QUEUES:
        HandQueue(writer, name).create().add(1)  # type: ignore[arg-type]
    cluster[2].kill()
    command = [sys.executable, "-m", "exporter", "sample", "--redis", cluster[0].url, "--cluster"]
    shown = json.loads(
        subprocess.run([*command, "--json"], capture_output=True, check=True, timeout=60).stdout
    )
    left = {name for name in QUEUES if owner(cluster, name) is not cluster[2]}
    assert {queue["queue"] for queue in shown["queues"]} == left
    assert not shown["queues_complete"]
    assert (shown["server"], shown["connections"]) == (None, None)
    (reason,) = shown["unreached"]
    assert str(cluster[2].port) in reason
    table = subprocess.run(command, capture_output=True, check=True, timeout=60, text=True).stdout
    assert "2 queues without those of 1 primary that can't be reached:" in table
    assert f"not reached, so its queues are missing: UNREACHABLE 127.0.0.1:{cluster[2].port}" in table
    doctor = [*command[:3], "doctor", *command[4:]]
    told = subprocess.run(doctor, capture_output=True, timeout=60, text=True)
    assert told.returncode == 1
    assert "a primary of the cluster can't be reached" in told.stdout


def test_a_replica_that_takes_over_is_found(
    cluster: list[Server], exporter: Exporter, tmp_path: Path
) -> None:
    """Also when the node that was named in the settings is the one that is gone."""
    replica = _add_replica(cluster, tmp_path)
    try:
        process = exporter(cluster[2].url, "--cluster")
        writer = client(cluster[0])
        for queue in QUEUES:
            HandQueue(writer, queue).create().finish(5)  # type: ignore[arg-type]
        for queue in QUEUES:
            eventually(process, lambda page, q=queue: finished(page, q) == 5)
        cluster[2].wait_for_replica()
        cluster[2].kill()
        replica.wait_for_log("Failover election won", seconds=60)
        cluster[0].wait_for_log("Cluster state changed: ok")
        eventually(process, is_up)
        writer = client(cluster[0])
        for queue in QUEUES:
            HandQueue(writer, queue).finish(2)  # type: ignore[arg-type]
        for queue in QUEUES:
            page = eventually(process, lambda page, q=queue: (finished(page, q) or 0) >= 7)
            assert finished(page, queue) == 7
    finally:
        replica.stop()


def test_a_slot_that_moves_takes_its_queue_along(cluster: list[Server], exporter: Exporter) -> None:
    writer = client(cluster[0])
    queue = HandQueue(writer, QUEUES[0]).create()  # type: ignore[arg-type]
    process = exporter(cluster[0].url, "--cluster")
    queue.finish(5)
    eventually(process, lambda page: finished(page, QUEUES[0]) == 5)
    slot = writer.keyslot(f"bull:{QUEUES[0]}:id")
    source = cluster[slot * 3 // 16384]
    target = next(server for server in cluster if server is not source)
    _move_slot(slot, source, target)
    queue.finish(3)
    page = eventually(process, lambda page: (finished(page, QUEUES[0]) or 0) >= 8)
    assert finished(page, QUEUES[0]) == 8
    assert look(process).value("queue_size", queue=QUEUES[0], state="waiting") == 0


def queues_on(page: Page) -> set[str]:
    """Every queue of which the page says anything."""
    samples = [sample for family in page.families.values() for sample in family.samples]
    return {sample.labels["queue"] for sample in samples if "queue" in sample.labels}


def owner(cluster: list[Server], queue: str) -> Server:
    return cluster[client(cluster[0]).keyslot(f"bull:{queue}:id") * 3 // 16384]


def _is_whole(server: Server) -> bool:
    return b"cluster_state:ok" in server.client().execute_command("CLUSTER", "INFO")


def _add_replica(cluster: list[Server], folder: Path) -> Server:
    """A replica of the last primary."""
    settings = ("cluster-enabled yes", "cluster-node-timeout 2000")
    replica = Server("redis7", folder / "replica", *settings).start()
    for server in cluster:
        server.client().config_set("cluster-node-timeout", 2000)
        server.client().config_set("repl-diskless-sync-delay", 0)
    replica.client().execute_command("CLUSTER", "MEET", "127.0.0.1", cluster[0].port)
    replica.wait_for_log("Cluster state changed: ok")
    primary = cluster[2].client().execute_command("CLUSTER", "MYID").decode()
    replica.client().execute_command("CLUSTER", "REPLICATE", primary)
    replica.wait_for_log("Finished with success")
    return replica


def _move_slot(slot: int, source: Server, target: Server) -> None:
    ids = [server.client().execute_command("CLUSTER", "MYID").decode() for server in (source, target)]
    target.client().execute_command("CLUSTER", "SETSLOT", slot, "IMPORTING", ids[0])
    source.client().execute_command("CLUSTER", "SETSLOT", slot, "MIGRATING", ids[1])
    keys = source.client().execute_command("CLUSTER", "GETKEYSINSLOT", slot, 1000)
    source.client().execute_command("MIGRATE", "127.0.0.1", target.port, "", 0, 5000, "KEYS", *keys)
    for server in (target, source):
        server.client().execute_command("CLUSTER", "SETSLOT", slot, "NODE", ids[1])
