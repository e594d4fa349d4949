"""Knows that the examples of the documents do what they say.

  ```console    one command of ours and below it its exact output; `...` stands for any lines. All are run.
  ```sh         commands to copy. Ours are run; those of others must at least be known here.
  ```yaml       parsed; those of docs/configuration.md are accepted by the exporter.
`redis://127.0.0.1:6379` in an example is a real Redis with one queue, `http://127.0.0.1:10577` an exporter on it.
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from redis import Redis

from exporter.catalogue import METRICS
from exporter.settings_file import load
from tests.documents import ROOT, blocks, environment, name, run, tool, verbs
from tests.processes import Program
from tests.servers import Server

REDIS_ADDRESS, PAGE_ADDRESS = "redis://127.0.0.1:6379", "http://127.0.0.1:10577"
# Commands of others that an example may show; a test has no right or no need to run them.
FOREIGN = {"docker", "export", "kubectl", "pip", "python3", "sudo"}


def commands(text: str) -> list[str]:
    """The command lines of a `sh` block: comments taken off, continued lines joined."""
    lines = text.replace("\\\n", " ").splitlines()
    return [line for raw in lines if (line := re.sub(r"(^|\s)#.*", "", raw).strip())]


def arguments(command: str, *changes: tuple[str, str]) -> list[str]:
    """One of our command lines as an argument list that runs this checkout, with addresses put in."""
    for old, new in changes:
        command = command.replace(old, new)
    program, *rest = shlex.split(command)
    return [sys.executable, "-m", program.removeprefix("bullgauge-"), *rest]


def is_ours(command: str) -> bool:
    return command.startswith("bullgauge-")


@pytest.fixture(scope="module")
def redis(shared_servers: Callable[[str], Server]) -> Server:
    """The Redis of the examples, with one queue `email` of BullMQ 5 that has had three jobs."""
    one = shared_servers("redis7")
    client = one.client()
    client.flushall()
    client.hset("bull:email:meta", mapping={"opts.maxLenEvents": 10000, "version": "bullmq:5.81.5"})
    client.set("bull:email:id", 3)
    client.rpush("bull:email:wait", "3", "2", "1")
    client.xadd("bull:email:events", {"event": "added", "jobId": "1", "name": "welcome"})
    return one


@pytest.fixture(scope="module")
def page_address(redis: Server) -> Iterator[str]:
    """An exporter on the Redis of the examples."""
    program = Program([sys.executable, "-m", "exporter", "--redis", redis.url, "--listen", "127.0.0.1:0"])
    yield program.wait_for("listening on ").split("listening on ")[1].split()[0]
    program.stop()


@pytest.mark.parametrize(("page", "text"), blocks("console"))
def test_a_console_example_prints_what_the_page_shows(page: Path, text: str, redis: Server) -> None:
    command, _, expected = text.partition("\n")
    assert command.startswith("$ bullgauge-"), "a console block holds one command of ours and its output"
    here = redis.url.removesuffix("/0")
    done = run(
        arguments(command[2:], (REDIS_ADDRESS, here)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    # Another Redis 7 than Debian's may serve the examples.
    printed = re.sub(r"server [\d.]+", "server 7.0.15", done.stdout.replace(here, REDIS_ADDRESS))
    pattern = "".join(
        r"(?:.*\n)*" if line == "..." else re.escape(line + "\n") for line in expected.splitlines()
    )
    assert re.fullmatch(pattern, printed), f"{command} printed:\n{printed}"


@pytest.mark.parametrize(("page", "text"), blocks("sh"))
def test_a_shell_example_works(
    page: Path, text: str, tmp_path: Path, redis: Server, page_address: str
) -> None:
    for command in commands(text):
        program = shlex.split(command)[0]
        if is_ours(command):
            works(command, tmp_path, redis.url)
        elif program == "make":
            run(["make", "--dry-run", *shlex.split(command)[1:]], check=True, capture_output=True)
        elif program in ("curl", "promtool"):
            run(tool(command.replace(PAGE_ADDRESS, page_address)), check=True, capture_output=True)
        else:
            assert program in FOREIGN, f"{name(page)}: {program} is not known here"
        for path in re.findall(r"(?<![\w/])docs/\S+", command):
            assert (ROOT / path).exists(), f"{name(page)}: {path}"


def test_every_command_of_others_that_is_let_pass_is_in_an_example() -> None:
    lines = [line for param in blocks("sh") for line in commands(param.values[1])]
    assert {shlex.split(line)[0] for line in lines} >= FOREIGN


def works(command: str, folder: Path, redis_url: str) -> None:
    """Run one command of ours; what would go on for long is shown to begin, and stopped."""
    verb = next((word for word in shlex.split(command)[1:] if word in verbs("exporter")), "serve")
    if command.startswith("bullgauge-dashboard"):
        begins(arguments(command))
        return
    if not command.startswith("bullgauge-exporter"):
        run(arguments(command), check=True, capture_output=True)
        return
    changes = [(REDIS_ADDRESS, redis_url), ("/tmp/", f"{folder}/"), (" trace.csv", f" {folder}/trace.csv")]
    words = arguments(re.sub(r"--for \S+", "--for 1", command), *changes)
    if verb != "serve":
        assert run(words, capture_output=True).returncode == 0
        return
    begins(words)


def begins(words: list[str]) -> None:
    """What serves until it is stopped says that it listens."""
    program = Program([*words, "--listen", "127.0.0.1:0"], cwd=ROOT, env=environment())
    try:
        program.wait_for("listening on ")
    finally:
        program.stop()


@pytest.mark.parametrize(("page", "text"), blocks("yaml"))
def test_a_yaml_example_is_yaml(page: Path, text: str) -> None:
    assert yaml.safe_load(text)


@pytest.mark.parametrize(("page", "text"), blocks("yaml", [ROOT / "docs/configuration.md"]))
def test_a_configuration_example_is_accepted(page: Path, text: str, tmp_path: Path) -> None:
    (tmp_path / "example.yaml").write_text(text)
    load(tmp_path / "example.yaml", {})


def test_the_example_file_fits_the_printed_schema() -> None:
    printed = run([sys.executable, "-m", "exporter", "schema"], check=True, capture_output=True).stdout
    text = (ROOT / "docs/examples/bullgauge.yaml").read_text()
    # The schema knows a pool's maximum by our name; the spelling of Node's pools is taken beside it.
    validator = jsonschema.Draft202012Validator(json.loads(printed))
    validator.validate(yaml.safe_load(text.replace("maxConnections", "maximum")))
    assert not validator.is_valid({"prefix": "bull"})


def test_the_example_file_is_accepted_with_the_pool_literals_of_a_node_application() -> None:
    settings = load(ROOT / "docs/examples/bullgauge.yaml", {})
    pool = settings.pools["queue"]
    literals = (pool.min_connections, pool.maximum, pool.acquire_timeout_ms, pool.idle_timeout_ms)
    assert literals == (5, 25, 10000, 30000)
    assert [target.name for target in settings.targets] == ["mailing", "reports"]


def test_the_lines_of_a_page_in_the_readme_are_lines_that_a_page_can_have() -> None:
    [(_, text)] = [param.values for param in blocks("text", [ROOT / "README.md"])]
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    assert samples
    known = {metric.name: set(metric.all_labels) for metric in METRICS}
    for sample in samples:
        base = re.sub(r"_(bucket|sum|count)$", "", sample.name)
        assert set(sample.labels) - {"le"} == known[base], sample


def test_prometheus_takes_every_query_of_the_quick_start(tmp_path: Path) -> None:
    queries = re.findall(r"^\|[^|]*\| `(.*)` \|$", (ROOT / "docs/quickstart.md").read_text(), re.MULTILINE)
    rules = [{"record": f"question:{number}", "expr": query} for number, query in enumerate(queries)]
    assert rules
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": [{"name": "questions", "rules": rules}]}))
    run(tool(f"promtool check rules {tmp_path}/rules.yaml"), check=True, capture_output=True)


def server_side(client: Redis, *words: str) -> None:
    client.execute_command(*words)  # type: ignore[no-untyped-call]


@pytest.mark.parametrize(
    ("kind", "choices", "said"),
    [
        ("redis7", "", "all rights are there"),
        ("valkey9", "", "all rights are there"),
        ("redis6", "--redis-6", "all rights are there"),
        ("redis7", "--least", "grant +xread +xinfo|stream"),
        ("valkey9", "--least", "grant +xread +xinfo|stream"),
        ("redis6", "--redis-6 --least", "grant +xread"),
    ],
)
def test_a_printed_right_is_taken_by_the_server_and_is_enough(
    kind: str, choices: str, said: str, shared_servers: Callable[[str], Server]
) -> None:
    server = shared_servers(kind)
    client = server.client()
    client.flushall()
    client.hset("bull:mine:meta", "opts.maxLenEvents", 10000)
    client.set("bull:mine:id", 1)
    printed = run(
        [sys.executable, "-m", "exporter", "acl", *choices.split()], check=True, capture_output=True
    ).stdout
    server_side(client, *printed.replace(">PASSWORD", ">secret").split())
    url = server.url.replace("redis://", "redis://bullgauge:secret@")
    try:
        looked = run([sys.executable, "-m", "exporter", "doctor", "--redis", url], capture_output=True)
    finally:
        server_side(client, "ACL", "DELUSER", "bullgauge")
    assert looked.returncode == 0, looked.stdout
    assert said in looked.stdout
    assert ":mine: " in looked.stdout
