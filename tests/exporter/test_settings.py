"""A configuration that can't be used is told in one line: where, which value, which rule."""

import json
import subprocess
import sys

import jsonschema
import pytest
import yaml

from exporter.settings_file import SettingsError, load
from exporter.topology import Topology

MISTAKES = {
    "unknown setting": (
        "redis:\n  urll: x\n",
        "CONFIG:2: redis.urll: no such setting (see docs/configuration.md)",
    ),
    "wrong scheme": (
        "redis:\n  url: http://x\n",
        "CONFIG:2: redis.url: must start with redis://, rediss:// or unix://",
    ),
    "port": ("redis:\n  port: 0\n", "CONFIG:2: redis.port 0: Input should be greater than or equal to 1"),
    "not yaml": ("redis: [", "CONFIG:1: not YAML: "),
    "not a mapping": ("- a\n", "CONFIG: must hold a mapping such as "),
    "bucket": ("buckets: [1, -2]\n", "CONFIG:1: buckets.1 -2: Input should be greater than 0"),
    "empty prefix": ('prefixes: [""]\n', "CONFIG:1: prefixes: a name may not be empty"),
    "pool without pattern": (
        "pools:\n  queue: {maxConnections: 25}\n",
        "CONFIG:2: pools.queue: needs client_names",
    ),
    "pool network": (
        "pools:\n  queue: {maximum: 2, addresses: [10.0.0.0/99]}\n",
        "CONFIG:2: pools.queue.addresses: '10.0.0.0/99' does not appear to be",
    ),
    "target named like the first": (
        "targets:\n  - name: default\n",
        "CONFIG: targets: the name 'default' is used twice (the target of /metrics has one too)",
    ),
    "cluster and sentinel": (
        "redis:\n  cluster: true\n  sentinel: {addresses: [a], master: m}\n",
        "CONFIG:1: redis: cluster and sentinel exclude each other",
    ),
    "target twice": (
        "targets:\n  - name: a\n  - name: a\n",
        "CONFIG: targets: the name 'a' is used twice",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_one_line_with_its_place(name, tmp_path):
    text, expected = MISTAKES[name]
    path = tmp_path / "config.yaml"
    path.write_text(text)
    with pytest.raises(SettingsError) as caught:
        load(path, {})
    line = str(caught.value)
    assert "\n" not in line and line.startswith(expected.replace("CONFIG", str(path)))


def test_a_password_is_in_no_error_and_no_address(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("redis:\n  url: redis://user:hunter2@host:6379/1\n  database: -1\n")
    with pytest.raises(SettingsError) as caught:
        load(path, {})
    assert "hunter2" not in str(caught.value)
    settings = load(None, {"redis": {"url": "redis://user:hunter2@host:6379/1"}})
    assert "hunter2" not in repr(settings) + Topology(settings.redis).address
    assert Topology(settings.redis).address == "redis://host:6379/1"


def test_the_reports_own_pool_settings_are_taken_as_they_stand(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text(
        "pools:\n"
        "  queue: {minConnections: 5, maxConnections: 25, acquireTimeoutMs: 10000, idleTimeoutMs: 30000,"
        " client_names: ['bull:*']}\n"
    )
    assert load(path, {}).pools["queue"].maximum == 25


def test_the_command_line_overrides_the_file(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("redis: {url: 'redis://a:1', username: me}\nprefixes: [x]\n")
    settings = load(path, {"redis": {"url": "redis://b:2"}, "prefixes": ["y"]})
    assert settings.redis.url is not None and settings.redis.url.get_secret_value() == "redis://b:2"
    assert (settings.redis.username, settings.prefixes) == ("me", ["y"])


def test_a_bucket_that_is_a_default_already_is_no_second_edge():
    assert load(None, {"buckets": [1, 0.5, 2.0]}).duration_edges.count(1.0) == 1


POOLS = {
    "our name": ("{maximum: 5, client_names: [a]}", True),
    "Node's name": ("{maxConnections: 5, minConnections: 1, client_names: [a]}", True),
    "both": ("{maximum: 5, maxConnections: 5, client_names: [a]}", False),
    "neither": ("{client_names: [a]}", False),
    "nothing but": ("{maxConnections: 0, client_names: [a]}", False),
    "unknown": ("{maxConnection: 5, client_names: [a]}", False),
}


@pytest.mark.parametrize("name", POOLS)
def test_the_printed_schema_takes_a_pool_exactly_when_the_program_does(name, tmp_path):
    text, fits = POOLS[name]
    path = tmp_path / "config.yaml"
    path.write_text(f"pools:\n  queue: {text}\n")
    command = [sys.executable, "-m", "exporter", "schema"]
    printed = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    assert jsonschema.Draft202012Validator(printed).is_valid(yaml.safe_load(path.read_text())) == fits
    if fits:
        assert load(path, {}).pools["queue"].maximum == 5
    else:
        with pytest.raises(SettingsError):
            load(path, {})
