"""A configuration that can't be used is told in one line: where, which value, which rule."""

import json
import subprocess
import sys

import jsonschema
import pytest
import yaml

from exporter.connection.topology import Topology
from exporter.settings_file import SettingsError, load
from tests.documents import environment
from tests.processes import Program

MISTAKES = {
    "unknown setting": (
        "redis:\n  urll: x\n",
        "CONFIG:2: redis.urll: no such setting; did you mean url?",
    ),
    "wrong scheme": (
        "redis:\n  url: http://x\n",
        "CONFIG:2: redis.url: must start with redis://, rediss:// or unix://",
    ),
    "the same key twice": ("listen: :1\nname: a\nlisten: :2\n", "CONFIG:3: listen is given twice; keep one"),
    "port": ("redis:\n  port: 0\n", "CONFIG:2: redis.port 0: must be greater than or equal to 1"),
    "an address in place of its mapping": (
        "redis: redis://app:secret@h\n",
        "CONFIG:1: redis 'redis://…@h': must be a mapping such as `redis: {url: redis://…}`",
    ),
    "an address out of place": (
        "targets: redis://app:secret@h\n",
        "CONFIG:1: targets 'redis://…@h': must be a list",
    ),
    "not yaml": ("redis: [", "CONFIG:1: not YAML: "),
    "not a mapping": ("- a\n", "CONFIG: must hold a mapping such as "),
    "bucket": ("buckets: [1, -2]\n", "CONFIG:1: buckets.1 -2: must be greater than 0"),
    "group": (
        "collect:\n- sizes\n- age\n",
        "CONFIG:3: collect.1: 'age' is no group of metrics; did you mean ages?",
    ),
    "no prefix": ("prefixes: []\n", "CONFIG:1: prefixes []: must have at least 1 item, not 0"),
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


def exporter_with(environment_of: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "exporter", *arguments],
        env={**environment(), **environment_of},
        text=True,
        capture_output=True,
        timeout=60,
    )


def test_options_take_their_values_from_the_environment_and_win_over_it(redis_server, tmp_path):
    client = redis_server.client()
    for prefix, name in (("bull", "a"), ("mail", "b"), ("mail", "c"), ("other", "d")):
        client.set(f"{prefix}:{name}:id", 1)
    (tmp_path / "config.yaml").write_text(f"redis: {{url: '{redis_server.url}'}}\nprefixes: [other]\n")
    variables = {"BULLGAUGE_CONFIG": str(tmp_path / "config.yaml")}

    def found(*arguments: str) -> set[str]:
        done = exporter_with(variables, "sample", "--json", *arguments)
        return {queue["queue"] for queue in json.loads(done.stdout)["queues"]}

    assert found() == {"d"}
    variables["BULLGAUGE_PREFIX"] = "bull, mail"
    assert found() == {"a", "b", "c"}
    variables["BULLGAUGE_QUEUE"] = "c,a"
    assert found() == {"a", "c"}
    assert found("--queue", "b") == {"b"}
    assert found("--prefix", "bull") == {"a"}


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        (
            "BULLGAUGE_LOG_LEVEL",
            "loud",
            "BULLGAUGE_LOG_LEVEL 'loud': must be one of debug, info, warning, error",
        ),
        (
            "BULLGAUGE_COLLECT",
            "sizes, tot",
            "command line or environment: collect.1: 'tot' is no group of metrics; did you mean totals?",
        ),
        ("BULLGAUGE_BUCKET", "1,x", "command line or environment: buckets.1 'x': "),
        ("BULLGAUGE_CLUSTER", "perhaps", "command line or environment: redis.cluster 'perhaps': "),
        ("BULLGAUGE_CONFIG", "/nowhere/file.yaml", "/nowhere/file.yaml: No such file or directory"),
    ],
)
def test_a_variable_that_can_not_be_used_is_one_line(variable, value, said):
    done = exporter_with({variable: value}, "serve")
    assert done.returncode == 2 and done.stderr.startswith(f"bullgauge-exporter: {said}")
    assert done.stderr.count("\n") == 1


def test_an_address_and_a_state_file_from_the_environment_are_served(redis_server, tmp_path):
    variables = {
        "BULLGAUGE_REDIS": redis_server.url,
        "BULLGAUGE_LISTEN": "127.0.0.1:0",
        "BULLGAUGE_STATE_FILE": str(tmp_path / "place"),
    }
    program = Program([sys.executable, "-m", "exporter"], env={**environment(), **variables})
    program.wait_for("listening on http://127.0.0.1:")
    assert program.stop() == 0
    assert (tmp_path / "place").exists()
