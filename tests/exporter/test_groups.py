"""Of the groups of metrics, a page holds those that were asked for, and Redis is asked for nothing else."""

from __future__ import annotations

import urllib.error
from collections.abc import Callable, Iterator

import pytest

from tests.bench import queues
from tests.conftest import ExporterProcess
from tests.exporter.bad_days.looking import eventually
from tests.exporter.bad_days.monitor import Monitor
from tests.exporter.truth.page import Page
from tests.servers import Server

Start = Callable[..., ExporterProcess]

# As docs/metrics.md tells it; a counter's family is named without `_total`.
GROUPS = {
    "sizes": "queue_size queue_paused queue_info",
    "ages": "queue_oldest_waiting_timestamp_seconds queue_oldest_active_timestamp_seconds queue_active_unlocked "
    "queue_next_delayed_timestamp_seconds queue_delayed_overdue queue_schedulers queue_schedulers_overdue "
    "queue_scheduler_next_run_timestamp_seconds",
    "limits": "queue_rate_limited queue_concurrency_limit queue_rate_limit_jobs queue_rate_limit_window_seconds",
    "totals": "queue_jobs_added queue_jobs_processed queue_jobs_requeued queue_events_lost queue_events_gaps "
    "queue_events_lag_seconds",
    "durations": "queue_job_duration_seconds queue_job_duration_square_seconds",
    "waits": "queue_job_wait_seconds queue_job_arrival_interval_square_seconds",
    "payloads": "queue_job_payload_bytes",
    "connections": "queue_workers queue_workers_saturated queue_redis_connections",
    "redis": "queue_redis_connections_max queue_redis_connection_utilization_ratio queue_redis_round_trip_seconds "
    "queue_redis_memory_bytes queue_redis_evicted_keys queue_redis_rejected_connections queue_redis_keyspace_hits "
    "queue_redis_keyspace_misses queue_redis_commands queue_redis_cpu_seconds queue_redis_eviction_policy",
    "caches": "queue_cache_keys queue_cache_sampled_keys queue_cache_sampled_bytes queue_cache_sampled_ttl_seconds "
    "queue_cache_sampled_without_ttl",
}
ALWAYS = {
    "queue_redis_up",
    "queue_exporter_scrape_success",
    "queue_exporter_scrape_duration_seconds",
    "queue_exporter_last_success_timestamp_seconds",
    "queue_exporter_discovery_seconds",
    "queue_exporter_labels_dropped",
    "queue_exporter_build_info",
}
ONLY_WITH_QUEUES = "queue_exporter_queues_discovered"
COLLECTORS = {
    "queues": {"sizes", "ages", "limits"},
    "events": {"totals", "durations", "waits", "payloads"},
    **{name: {name} for name in ("connections", "redis", "caches")},
}
# What finding queues and keeping the connections sends, whatever is collected.
ALWAYS_SENT = {"scan", "time", "ping", "type", "hmget", "get", "exists"}


def of_one_moment(page: Page, group: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """The samples of a group that stand still while nothing happens to the queues."""
    names = set(GROUPS[group].split()) - {"queue_events_lag_seconds"}
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for name, family in page.families.items()
        if name in names
        for sample in family.samples
    }


def asked_for(process: ExporterProcess, *groups: str, path: str = "/metrics?") -> Page:
    return Page(process.get(path + "&".join(f"collect[]={group}" for group in groups)))


def fill(server: Server) -> None:
    """Queues of every kind that is read in its own way."""
    client = server.client()
    queues.fill(client, 3)
    queues.work(client, 0, 5)
    client.hset("bull:queue-0000:meta", mapping={"concurrency": 7, "max": 100, "duration": 1000})
    client.zadd("bull:queue-0001:repeat", {"nightly": 2_000_000_000_000})
    client.set("job_result:1", "x", ex=60)
    # BullMQ 3: a marker stands between the plain jobs and the prioritised ones, and behind LIFO jobs.
    client.set("bull:older:id", 9)
    client.hset("bull:older:meta", "opts.maxLenEvents", 10000)
    client.zadd("bull:older:priority", {"9": 1})
    client.rpush("bull:older:wait", "7", "8", "0:0", "9")
    client.hset("bull:lifo:meta", "opts.maxLenEvents", 10000)
    client.rpush("bull:lifo:wait", "1", "0:0", "3", "4")
    # Bull leaves nothing of an idle queue but its counter.
    client.set("bull:idle:id", 3)


CACHES = "caches: {results: {pattern: 'job_result:*'}}\n"


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExporterProcess]:
    """An exporter that has seen jobs of every kind; nothing happens to them any more."""
    folder = tmp_path_factory.mktemp("groups")
    server = Server("redis7", folder).start()
    client = server.client()
    fill(server)
    config = folder / "config.yaml"
    config.write_text(CACHES)
    process = ExporterProcess(server.url, "--config", str(config))
    eventually(process, lambda page: page.value(ONLY_WITH_QUEUES) == 6)
    queues.work(client, 0, 2, first=2000)
    client.hset("bull:queue-0001:50", mapping={"name": "send", "data": "{}"})
    client.xadd("bull:queue-0001:events", {"event": "added", "jobId": 50, "name": "send"})
    client.xadd("bull:queue-0001:events", {"event": "waiting", "jobId": 50})
    eventually(
        process,
        lambda page: (
            page.values("queue_cache_sampled_bytes")
            and page.value("queue_jobs_processed_total", queue="queue-0000", status="completed") == 2
            and page.histogram("queue_job_payload_bytes", queue="queue-0001").count == 1
        ),
    )
    yield process
    process.stop()
    server.stop()


def test_a_group_is_the_same_alone_and_on_the_whole_page_and_all_together_are_that_page(process):
    whole = Page(process.get())
    found: set[str] = set()
    for group, names in GROUPS.items():
        page = asked_for(process, group)
        alone = page.families.keys() - ALWAYS - {ONLY_WITH_QUEUES}
        assert alone == set(names.split()), group
        assert (ONLY_WITH_QUEUES in page.families) == (group not in ("redis", "caches"))
        if group != "redis":
            moving = "queue_redis_connections"
            assert {k: v for k, v in of_one_moment(page, group).items() if k[0] != moving} == {
                k: v for k, v in of_one_moment(whole, group).items() if k[0] != moving
            }, group
        found |= alone
        (collector,) = (name for name, groups in COLLECTORS.items() if group in groups)
        success = page.families["queue_exporter_scrape_success"].samples
        assert [(sample.labels["collector"], sample.value) for sample in success] == [(collector, 1)]
    assert found | ALWAYS | {ONLY_WITH_QUEUES} == whole.families.keys()
    two = asked_for(process, "sizes", "redis", "sizes").families.keys() - ALWAYS - {ONLY_WITH_QUEUES}
    assert two == {*GROUPS["sizes"].split(), *GROUPS["redis"].split()}


def test_sizes_alone_count_no_marker_and_know_an_idle_queue(process):
    page = asked_for(process, "sizes")
    states = {"waiting": 2, "prioritized": 1, "active": 0, "delayed": 0}
    assert {state: page.value("queue_size", queue="older", state=state) for state in states} == states
    assert page.value("queue_size", queue="lifo", state="waiting") == 3
    assert page.value("queue_size", queue="idle", state="waiting") == 0
    assert page.value(ONLY_WITH_QUEUES) == 6


def test_a_queue_that_was_deleted_goes_also_where_its_jobs_are_not_counted(redis_server, exporter):
    client = redis_server.client()
    groups = ("ages", "totals", "connections")
    for group in groups:
        client.set(f"bull:{group}:id", 3)
    process = exporter(redis_server.url)
    eventually(process, lambda page: page.value(ONLY_WITH_QUEUES) == 3)
    for gone, group in enumerate(groups, start=1):
        client.delete(f"bull:{group}:id")
        page = asked_for(process, group)
        assert page.value(ONLY_WITH_QUEUES) == 3 - gone
        assert f'queue="{group}"' not in page.text


SENT = {
    "sizes": {"llen", "lindex", "zcard", "lrange"},
    "ages": {"llen", "lindex", "zcard", "lrange", "zrange", "zcount", "zrangebyscore"},
    "totals": {"xread", "xinfo|stream", "hget", "psubscribe"},
    "connections": {"client|list"},
    "redis": {"info", "config|get"},
}


@pytest.mark.parametrize("group", SENT)
def test_what_is_not_collected_costs_no_command(group, redis_server, exporter, tmp_path):
    fill(redis_server)
    (tmp_path / "config.yaml").write_text(CACHES)
    with Monitor(redis_server) as monitor:
        process = exporter(redis_server.url, "--config", str(tmp_path / "config.yaml"), "--collect", group)
        eventually(process, lambda page: set(GROUPS[group].split()) & page.families.keys())
        process.get()
        heard = monitor.commands()
    # Rights are tried out when a connection is made, whatever of them is used for more than one thing.
    tried = {"llen", "lindex", "zcard", "lrange", "zrange", "zrangebyscore", "hgetall", "pttl", "hget"}
    connecting = {"client|setname", "client|setinfo", "select", "hello", "config|get", "client|info"}
    assert heard - ALWAYS_SENT - tried - connecting - SENT[group] == set()
    queues.work(redis_server.client(), 0, 1, first=3000)
    with Monitor(redis_server) as monitor:
        page = Page(process.get())
        monitor.wait_for("time")
        heard = monitor.commands()
    assert heard - ALWAYS_SENT - SENT[group] == set()
    assert page.families.keys() <= ALWAYS | {ONLY_WITH_QUEUES, *GROUPS[group].split()}


def test_what_can_not_be_had_is_refused_in_one_line(redis_server, exporter, tmp_path):
    (tmp_path / "config.yaml").write_text(
        f"targets: [{{name: other, redis: {{url: '{redis_server.url}'}}, collect: [redis]}}]\n"
    )
    process = exporter(
        redis_server.url, "--config", str(tmp_path / "config.yaml"), "--collect", "sizes", "--collect", "ages"
    )

    def refusal(path: str) -> tuple[int, str]:
        with pytest.raises(urllib.error.HTTPError) as caught:
            process.get(path)
        return caught.value.code, caught.value.read().decode()

    assert refusal("/metrics?collect[]=sizes&collect[]=age") == (
        400,
        "collect[]: 'age' is no group of metrics; did you mean ages?\n",
    )
    assert refusal("/metrics?collect%5B%5D=redis") == (
        400,
        "collect[]: 'redis' is not read here: the setting `collect` has sizes, ages\n",
    )
    assert refusal("/probe?target=other&collect[]=sizes")[0] == 400
    page = asked_for(process, "redis", path="/probe?target=other&")
    assert page.families.keys() - ALWAYS == set(GROUPS["redis"].split())
