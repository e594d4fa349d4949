"""The user's own pools and caches in the same Redis, and several targets behind one exporter."""

import json
import urllib.error

import pytest
import redis


def values(page, name: str) -> dict[tuple[str, ...], float]:
    return {tuple(s.labels.values()): s.value for s in page[name].samples} if name in page else {}


def configured(exporter, url: str, tmp_path, **settings):
    path = tmp_path / "config.yaml"
    path.write_text(json.dumps(settings))
    return exporter(url, "--config", str(path))


def test_pools_are_told_by_name_address_and_user(exporter, server, tmp_path):
    up = server("redis7")
    admin = up.client()
    admin.acl_setuser("cacheuser", enabled=True, nopass=True, categories=["+@all"], keys=["*"])
    held = [redis.Redis(port=up.port, client_name="app-session") for _ in range(3)]
    held += [redis.Redis(port=up.port, username="cacheuser", password="x") for _ in range(2)]
    for client in held:
        client.ping()
    pools = {
        "session": {"maxConnections": 25, "client_names": ["app-*"]},
        "cache": {"maximum": 4, "users": ["cacheuser"]},
        "all": {"maximum": 100, "addresses": ["127.0.0.0/8"]},
        "nobody": {"maximum": 7, "addresses": ["10.*"]},
    }
    page = configured(exporter, up.url, tmp_path, pools=pools).scrape()
    connections = values(page, "queue_redis_pool_connections")
    assert (connections["session", "open"], connections["cache", "open"]) == (3, 2)
    assert (connections["nobody", "open"], connections["nobody", "recent"]) == (0, 0)
    assert connections["all", "open"] == len(admin.client_list())
    assert values(page, "queue_redis_pool_size") == {
        ("session",): 25,
        ("cache",): 4,
        ("all",): 100,
        ("nobody",): 7,
    }


def test_caches_tell_keys_bytes_lives_and_hits(exporter, server, tmp_path):
    up = server("redis7")
    client = up.client()
    for number in range(30):
        client.set(f"job_result:{number}", "x" * 100, ex=3600)
    for number in range(5):
        client.set(f"queue_stats:{number}", "y" * 10)
    client.mset({"hits": 170, "misses": 30})
    caches = {
        "results": {"pattern": "job_result:*", "hits_key": "hits", "misses_key": "misses"},
        "stats": {"pattern": "queue_stats:*"},
    }
    process = configured(exporter, up.url, tmp_path, caches=caches)
    page = process.scrape()
    while ("stats",) not in values(page, "queue_cache_keys") or not values(page, "queue_cache_hits"):
        page = process.scrape()
    assert values(page, "queue_cache_keys") == {("results",): 30, ("stats",): 5}
    assert values(page, "queue_cache_sampled_bytes") == {("results",): 3000, ("stats",): 50}
    assert values(page, "queue_cache_sampled_without_ttl") == {("results",): 0, ("stats",): 5}
    mean_life = values(page, "queue_cache_sampled_ttl_seconds")["results",] / 30
    assert 3500 < mean_life <= 3600
    assert values(page, "queue_cache_hits") == {("results",): 170}
    assert values(page, "queue_cache_misses") == {("results",): 30}


def test_each_database_is_a_target_of_its_own(exporter, server, tmp_path):
    up = server("redis7")
    for database, name in ((0, "zero"), (5, "five")):
        redis.Redis(port=up.port, db=database).hset(f"bull:{name}:meta", "opts.maxLenEvents", 10000)
    targets = [{"name": "fifth", "redis": {"url": up.url, "database": 5}}]
    process = configured(exporter, up.url, tmp_path, targets=targets)
    found = {}
    for path in ("/metrics", "/probe?target=fifth"):
        text = process.get(path)
        while 'queue_size{prefix="bull"' not in text:
            text = process.get(path)
        found[path] = {name for name in ("zero", "five") if f'queue="{name}"' in text}
    assert found == {"/metrics": {"zero"}, "/probe?target=fifth": {"five"}}
    with pytest.raises(urllib.error.HTTPError) as refused:
        process.get("/probe?target=redis://elsewhere")
    assert refused.value.code == 404
