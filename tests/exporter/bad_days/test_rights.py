"""What the printed rights give, and that a right that is missing costs its own metrics and one line, no more."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import cache

import pytest

from exporter.connection.rights import FEATURES
from tests.conftest import Exporter, Servers
from tests.exporter.bad_days.looking import eventually, finished, is_up, look, says_nothing_but_down, size
from tests.exporter.bad_days.queues import HandQueue
from tests.exporter.bad_days.watched import PASSWORD, Watched, fill, metrics, watched, work
from tests.servers import Server

OWN = {
    "pools": {"web": {"maximum": 5, "client_names": ["web*"]}},
    "caches": {"results": {"pattern": "job_result:*"}},
}


def of(queues: str, *names: str) -> set[str]:
    """`of("email legacy", "queue_paused")`: that metric of each of these queues; `-` is no queue."""
    return {f"{queue} {name}" for queue in queues.split() for name in names}


def sizes(queues: str, *states: str) -> set[str]:
    return of(queues, *(f"queue_size{{{state}}}" for state in states))


BOTH = "email legacy"
REQUEUES = [
    f"queue_jobs_requeued_total{{{r}}}" for r in ("delayed", "waiting", "stalled", "waiting_children")
]
STATES = ("waiting", "paused", "prioritized", "active", "delayed", "waiting_children", "completed", "failed")
EVENTS = {
    "queue_events_lag_seconds",
    "queue_events_gaps_total",
    "queue_events_lost_total{unknown_start}",
    "queue_job_arrival_interval_square_seconds_total",
    "queue_job_duration_seconds",
    "queue_job_duration_square_seconds_total",
    "queue_job_wait_seconds",
    "queue_jobs_processed_total",
    *REQUEUES,
}
LOSSES = of("email", "queue_events_lost_total{trimmed}", "queue_events_lost_total{disconnected}")
CONNECTIONS = of(
    "-",
    "queue_redis_connections",
    "queue_redis_pool_connections{open}",
    "queue_redis_pool_connections{recent}",
    "queue_redis_pool_size",
) | of(BOTH, "queue_workers", "queue_workers_saturated")
SERVER = of(
    "-",
    "queue_redis_commands_total",
    "queue_redis_connection_utilization_ratio",
    "queue_redis_connections_max",
    "queue_redis_cpu_seconds_total",
    "queue_redis_evicted_keys_total",
    "queue_redis_eviction_policy",
    "queue_redis_keyspace_hits_total",
    "queue_redis_keyspace_misses_total",
    "queue_redis_memory_bytes",
    "queue_redis_rejected_connections_total",
)
NEXT = of("email", "queue_next_delayed_timestamp_seconds", "queue_scheduler_next_run_timestamp_seconds")
OLDEST_WAITING = of(BOTH, "queue_oldest_waiting_timestamp_seconds")
OLDEST_ACTIVE = of("email", "queue_oldest_active_timestamp_seconds")
UNLOCKED = of(BOTH, "queue_active_unlocked")
OVERDUE = of(BOTH, "queue_delayed_overdue", "queue_schedulers_overdue")
ADDED, LIMITED = of(BOTH, "queue_jobs_added_total"), of(BOTH, "queue_rate_limited")
TTL = of("-", "queue_cache_sampled_ttl_seconds", "queue_cache_sampled_without_ttl")
STRLEN = of("-", "queue_cache_sampled_bytes")
PAYLOADS = of(BOTH, "queue_job_payload_bytes")
META = of(
    "email", "queue_concurrency_limit", "queue_rate_limit_jobs", "queue_rate_limit_window_seconds"
) | of(BOTH, "queue_paused", "queue_info", "queue_schedulers")
OF_THE_EXPORTER = of(
    "-",
    "queue_cache_keys",
    "queue_cache_sampled_keys",
    "queue_exporter_build_info",
    "queue_exporter_discovery_seconds",
    "queue_exporter_labels_dropped_total",
    "queue_exporter_last_success_timestamp_seconds",
    "queue_exporter_queues_discovered",
    "queue_exporter_scrape_duration_seconds",
    "queue_exporter_scrape_success",
    "queue_redis_round_trip_seconds",
    "queue_redis_up",
)

LEAST = sizes(BOTH, *STATES) | META | OF_THE_EXPORTER

# What each feature adds to the least set, alone.
GIVES: dict[str, set[str]] = {
    "counts": set(),
    "ages": NEXT | OLDEST_WAITING | OLDEST_ACTIVE | UNLOCKED,
    "overdue": OVERDUE,
    "limits": ADDED | LIMITED,
    "library": set(),
    "events": of("email", *EVENTS) | LOSSES,
    "bull events": of("legacy", *EVENTS),
    "clock": set(),
    "connections": CONNECTIONS,
    "server": SERVER,
    "payloads": set(),  # sizes are asked of jobs whose events were seen
    "caches": TTL | STRLEN,
    "databases": set(),
    "cluster": set(),
    "maxclients": set(),
}

# What is absent when one command is taken from the full set.
COSTS: dict[str, set[str]] = {
    "scan": LEAST - OF_THE_EXPORTER,  # and more: without names, no queue is found
    "llen": sizes(BOTH, "waiting", "paused", "active"),
    "lindex": OLDEST_WAITING,
    "zcard": sizes(BOTH, "prioritized", "delayed", "waiting_children", "completed", "failed")
    | of(BOTH, "queue_schedulers"),
    "hgetall": set(),  # HMGET tells the same
    "exists": of("email", "queue_active_unlocked"),  # `legacy` has no active job: 0 without asking
    "ping": set(),
    "lrange": UNLOCKED | OLDEST_ACTIVE,
    "zrange": NEXT,
    "zrangebyscore": set(),  # fewer candidates for the oldest job
    "hmget": OLDEST_WAITING | OLDEST_ACTIVE,
    "zcount": OVERDUE,
    "get": ADDED | of("email", "queue_rate_limited"),  # `legacy` has no limiter: PTTL tells
    "pttl": LIMITED,
    "type": set(),
    "hget": set(),
    "xread": of("email", *EVENTS) | LOSSES | of("email", "queue_job_payload_bytes"),
    "xinfo|stream": LOSSES | of("email", "queue_events_gaps_total"),
    "psubscribe": of("legacy", *EVENTS) | of("legacy", "queue_job_payload_bytes"),
    "time": set(),
    "client|list": CONNECTIONS,
    "client|setname": set(),
    "info": SERVER,
    "hstrlen": PAYLOADS,
    "ttl": TTL,
    "strlen": STRLEN,
    "select": set(),
    "cluster|slots": set(),
    "config|get": set(),  # INFO tells the same
}
SAID_NOTHING_OF = {"hgetall", "client|setname", "select", "cluster|slots", "config|get"}
"""Nothing is missed without these, in this set-up."""


@cache  # a process for each of a hundred grants would be most of the time of this file
def printed(*options: str) -> list[str]:
    """The words that `bullgauge-exporter acl` prints, with a password set in."""
    command = [sys.executable, "-m", "exporter", "acl", *options]
    line = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return line.strip().replace("PASSWORD", PASSWORD).split()


def grant(server: Server, words: list[str], *more: str) -> None:
    """Apply a printed line to a user without any rights, with further words before its commands begin."""
    user, at = words[2], words.index("-@all")
    server.client().execute_command("ACL", "SETUSER", user, "reset")
    server.client().execute_command(*words[:at], "~job_result:*", *words[at:], *more)


def option(server: Server) -> list[str]:
    return ["--redis-6"] if server.kind == "redis6" else []


def plus(server: Server, command: str, sign: str = "+") -> str:
    return sign + ("xinfo" if server.kind == "redis6" and command == "xinfo|stream" else command)


def seen(server: Server, user: str = "bullgauge") -> tuple[set[str], Watched]:
    """What the page has after two jobs of `email` and one of `legacy` were heard of, or could have been."""
    with watched(server, user, **OWN) as one:
        work(server)
        deadline = time.monotonic() + 10
        while not _heard(one) and time.monotonic() < deadline:
            threading.Event().wait(0.05)
        return metrics(one.page()), one


def _heard(one: Watched) -> bool:
    page = one.page()
    counts = {
        queue: page.value("queue_jobs_processed_total", queue=queue, status="completed")
        for queue in BOTH.split()
    }
    return counts["email"] in (None, 2.0) and counts["legacy"] in (None, 1.0)


@pytest.fixture(scope="module")
def servers(shared_servers: Servers) -> Iterator[Callable[[str], Server]]:
    """Servers that hold the two queues and the cache, filled once for all tests of this file."""
    filled: set[str] = set()

    def get(kind: str) -> Server:
        server = shared_servers(kind)
        if kind not in filled:
            server.client().flushall()
            fill(server)
            filled.add(kind)
        return server

    yield get
    for kind in filled:
        shared_servers(kind).client().execute_command("ACL", "DELUSER", "bullgauge", "default-like")
        shared_servers(kind).client().flushall()


@pytest.mark.parametrize("kind", ["redis6", "redis7", "valkey9"])
def test_the_printed_line_gives_everything(kind: str, servers: Servers) -> None:
    server = servers(kind)
    everyone = ("ACL", "SETUSER", "default-like", "reset", "on", f">{PASSWORD}", "~*", "&*", "+@all")
    server.client().execute_command(*everyone)
    unlimited, _ = seen(server, "default-like")
    words = printed(*option(server))
    grant(server, words, "+ttl", "+strlen")
    limited, one = seen(server)
    assert limited == unlimited
    assert one.lines == []
    for needed in (COSTS["xread"], COSTS["psubscribe"], CONNECTIONS, SERVER, PAYLOADS):
        assert (needed - LOSSES if kind == "redis6" else needed) <= limited


@pytest.mark.parametrize("kind", ["redis6", "redis7", "valkey9"])
def test_the_least_line_gives_counts(kind: str, servers: Servers) -> None:
    server = servers(kind)
    grant(server, printed("--least", *option(server)))
    found, one = seen(server)
    assert found == LEAST
    assert len(one.lines) == len(set(one.lines))


@pytest.mark.parametrize("kind", ["redis6", "redis7", "valkey9"])
def test_each_feature_gives_what_is_its_own(kind: str, servers: Servers) -> None:
    server = servers(kind)
    assert {feature.name for feature in FEATURES} == GIVES.keys()
    for feature in FEATURES:
        words = printed("--least", *option(server))
        grant(server, words, *(plus(server, command) for command in feature.commands))
        found, _ = seen(server)
        expected = GIVES[feature.name] - (LOSSES if kind == "redis6" else set())
        assert found - LEAST == expected, feature.name
        assert found >= LEAST, feature.name


@pytest.mark.parametrize("kind", ["redis7", pytest.param("valkey9", marks=pytest.mark.slow)])
def test_a_command_that_is_missing_costs_its_own_metrics_and_one_line(kind: str, servers: Servers) -> None:
    server = servers(kind)
    also = [f"+{command}" for feature in FEATURES for command in feature.commands]
    grant(server, printed(), *also)
    everything, _ = seen(server)
    assert {command.removeprefix("+") for command in also} == COSTS.keys()
    for command, cost in COSTS.items():
        grant(server, printed(), *also, f"-{command}")
        found, one = seen(server)
        if command == "scan":
            assert not any(metric.split()[0] == "email" for metric in found)
            assert OF_THE_EXPORTER - of("-", "queue_exporter_discovery_seconds") - TTL <= (
                found | of("-", "queue_cache_keys", "queue_cache_sampled_keys")
            )
        else:
            assert everything - found == cost, command
        assert found <= everything, command
        told = [line for line in one.lines if "refuses" in line]
        assert len(one.lines) == len(told) == (0 if command in SAID_NOTHING_OF else 1), (command, one.lines)


def test_without_xinfo_counting_still_begins_at_the_start(servers: Servers) -> None:
    server = servers("redis7")
    grant(server, printed(), "-xinfo|stream")
    with watched(server, "bullgauge") as one:
        assert finished(one.page()) == 0, "jobs of before the start are none of ours"


def test_another_database_needs_select(servers: Servers, exporter: Exporter) -> None:
    server = servers("redis7")
    grant(server, printed())
    url = f"redis://bullgauge:{PASSWORD}@127.0.0.1:{server.port}/3"
    process = exporter(url)
    assert says_nothing_but_down(look(process))
    assert any("select" in line for line in process.program.lines)
    assert not any(PASSWORD in line for line in process.program.lines)
    grant(server, printed(), "+select")
    eventually(process, is_up)


def test_rights_taken_away_and_given_back_are_noticed_without_a_restart(
    servers: Servers, exporter: Exporter
) -> None:
    server = servers("redis7")
    words = printed()
    grant(server, words)
    process = exporter(f"redis://bullgauge:{PASSWORD}@127.0.0.1:{server.port}/0")
    queue = HandQueue(server.client())
    eventually(process, lambda page: finished(page) == 0)
    queue.finish(3)
    eventually(process, lambda page: finished(page) == 3)
    server.client().execute_command("ACL", "SETUSER", "bullgauge", "-xread", "-info", "-llen")
    page = eventually(
        process,
        lambda page: (
            finished(page) is None
            and size(page, "waiting") is None
            and page.value("queue_redis_memory_bytes") is None
        ),
    )
    assert is_up(page)
    assert size(page, "delayed") == 1
    queue.finish(2)
    server.client().execute_command("ACL", "SETUSER", "bullgauge", "+xread", "+info", "+llen")
    page = eventually(process, lambda page: finished(page) == 5)
    page = eventually(process, lambda page: page.value("queue_redis_memory_bytes") is not None)
    assert size(page, "waiting") == 1


def test_rights_granted_after_the_start_are_used_without_a_restart(
    servers: Servers, exporter: Exporter
) -> None:
    server = servers("redis7")
    grant(server, printed("--least"))
    process = exporter(f"redis://bullgauge:{PASSWORD}@127.0.0.1:{server.port}/0")
    page = eventually(process, lambda page: size(page, "delayed") == 1)
    assert finished(page) is None
    queue = HandQueue(server.client()).finish(2)
    server.client().execute_command(*printed())
    page = eventually(process, lambda page: finished(page) is not None and page.values("queue_workers"))
    assert finished(page) == 2, "all since the start"
    queue.finish(1)
    eventually(process, lambda page: finished(page) == 3)


def test_all_rights_taken_away_is_down(servers: Servers, exporter: Exporter) -> None:
    server = servers("redis7")
    grant(server, printed())
    process = exporter(f"redis://bullgauge:{PASSWORD}@127.0.0.1:{server.port}/0")
    eventually(process, lambda page: size(page, "delayed") == 1)
    server.client().execute_command("ACL", "SETUSER", "bullgauge", "off")
    server.client().execute_command("CLIENT", "KILL", "USER", "bullgauge")
    assert says_nothing_but_down(eventually(process, lambda page: not is_up(page)))
    assert not any(PASSWORD in line for line in process.program.lines)
    server.client().execute_command("ACL", "SETUSER", "bullgauge", "on")
    eventually(process, lambda page: size(page, "delayed") == 1)
