"""Knows what the documents promise: everything is in them, and every example does what it says.

In `docs/**/*.md`, `README.md` and `CONTRIBUTING.md`:
  ```console    `$ command` and below it the exact output; `...` stands for any lines. All are run.
  ```sh         commands to copy. Ours are run; those of others must at least be known here.
`redis://127.0.0.1:6379` in an example is a real Redis with one queue, `http://127.0.0.1:10577` an exporter on it.
"""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from exporter.catalogue import METRICS
from exporter.rights import FEATURES
from exporter.settings_file import load
from tests.processes import Program
from tests.servers import Server, missing

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("docs/**/*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"])
PACKAGES = ("exporter", "planner", "alerts", "dashboard")
REDIS_ADDRESS, PAGE_ADDRESS = "redis://127.0.0.1:6379", "http://127.0.0.1:10577"
FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
# Commands of others that an example may show; a test has no right or no need to run them.
FOREIGN = frozenset(
    (
        "cd",
        "git",
        "pip",
        "export",
        "kubectl",
        "systemctl",
        "sudo",
        "install",
        "docker",
        "htpasswd",
        "redis-cli",
    )
)


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def blocks(language: str, pages: list[Path] = PAGES) -> list[Any]:
    """(page, text) of every fenced block in a language, as test parameters named after page and line."""
    found = []
    for page in pages:
        text = page.read_text()
        for match in FENCE.finditer(text):
            if match[1] == language:
                line = text.count("\n", 0, match.start()) + 1
                found.append(pytest.param(page, match[2], id=f"{name(page)}:{line}"))
    return found


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


def environment() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if not key.startswith("BULLGAUGE_")}


def run(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, text=True, cwd=ROOT, env=environment(), timeout=60, **options)


@cache
def help_text(package: str, verb: str = "") -> str:
    return run(
        [sys.executable, "-m", package, *verb.split(), "--help"], check=True, capture_output=True
    ).stdout


@cache
def verbs(package: str) -> tuple[str, ...]:
    """The verbs that a command's help lists, each on a line of its own, indented by four."""
    return tuple(re.findall(r"^    ([a-z][a-z-]*)(?:  |$)", help_text(package), re.MULTILINE))


def options(package: str, verb: str = "") -> set[str]:
    return set(re.findall(r"(?<![\w-])--[a-z][\w-]*", help_text(package, verb).partition("\nexample")[0]))


@cache
def all_text() -> str:
    return "\n".join(page.read_text() for page in PAGES)


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


# --- examples ---------------------------------------------------------------------------------------------------


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


def tool(command: str) -> list[str]:
    words = shlex.split(command)
    if subprocess.run(["which", words[0]], capture_output=True).returncode:
        missing(words[0], f"apt-get install {'prometheus' if words[0] == 'promtool' else words[0]}")
    return words


def works(command: str, folder: Path, redis_url: str) -> None:
    """Run one command of ours; what would go on for long is shown to begin, and stopped."""
    verb = next((word for word in shlex.split(command)[1:] if word in verbs("exporter")), "serve")
    if not command.startswith("bullgauge-exporter"):
        run(arguments(command), check=True, capture_output=True)
        return
    changes = [(REDIS_ADDRESS, redis_url), ("/tmp/", f"{folder}/"), (" trace.csv", f" {folder}/trace.csv")]
    words = arguments(re.sub(r"--for \d+", "--for 1", command), *changes)
    if verb != "serve":
        assert run(words, capture_output=True).returncode == 0
        return
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


# --- completeness -----------------------------------------------------------------------------------------------


def test_the_metrics_page_is_what_the_command_prints() -> None:
    printed = run([sys.executable, "-m", "exporter", "metrics"], check=True, capture_output=True).stdout
    assert (ROOT / "docs/metrics.md").read_text() == printed, "make docs writes it anew"
    for metric in METRICS:
        assert f"| `{metric.name}` |" in printed


@pytest.mark.parametrize("package", PACKAGES)
def test_every_verb_and_every_option_is_in_the_documents(package: str) -> None:
    for verb in ("", *verbs(package)):
        if verb:
            assert re.search(rf"bullgauge-{package}[^\n]* {verb}\b", all_text()), f"{package} {verb}"
        for option in options(package, verb):
            assert re.search(rf"(?<![\w-]){option}\b", all_text()), f"{package} {verb} {option}"


def test_the_table_of_options_says_which_verb_of_the_exporter_takes_what() -> None:
    text = (ROOT / "docs/configuration.md").read_text()
    rows = re.findall(r"^\| `(--[\w-]+)[^`]*` \|([^|]*)\|", text, re.MULTILINE)
    told = {option: of.strip() for option, of in rows}
    taken: dict[str, list[str]] = {}
    for verb in verbs("exporter"):
        for option in options("exporter", verb) - {"--help"}:
            taken.setdefault(option, []).append(verb)
    assert told == {
        **{option: ", ".join(of) for option, of in taken.items()},
        "--help": "all",
        "--version": "",
    }


def test_every_environment_variable_is_in_the_documents_and_no_other() -> None:
    in_code = {
        word
        for file in ROOT.glob("exporter/*.py")
        for word in re.findall(r"BULLGAUGE_[A-Z][A-Z_]*[A-Z]", file.read_text())
    }
    assert in_code == set(re.findall(r"BULLGAUGE_[A-Z][A-Z_]*[A-Z]", all_text()))


def test_every_setting_is_in_the_documents_with_its_default_and_meaning() -> None:
    text = (ROOT / "docs/configuration.md").read_text()
    printed = run([sys.executable, "-m", "exporter", "schema"], check=True, capture_output=True).stdout
    for part, rows in setting_rows(json.loads(printed)).items():
        for row in rows:
            assert f"\n{row}\n" in text, f"{part}: the page lacks this row:\n{row}"


def setting_rows(schema: dict[str, Any]) -> dict[str, list[str]]:
    """The table rows of each part of the configuration. What every target has stands once, under TargetSettings."""
    target = schema["$defs"]["TargetSettings"]["properties"]
    own = {key: value for key, value in schema["properties"].items() if key not in target}
    parts = {"Settings": {"properties": own}, **schema["$defs"]}
    return {
        name: [
            _setting_row(key, value, key in part.get("required", ()))
            for key, value in part["properties"].items()
        ]
        for name, part in parts.items()
    }


def _setting_row(key: str, value: dict[str, Any], is_required: bool) -> str:
    default = value.get("default")
    shown = "" if default in (None, []) else f"`{json.dumps(default)}`"
    meaning = value.get("description", "accepted for the planner's sake, not used here")
    return f"| `{key}` | {_type(value)} | {'required' if is_required else shown} | {meaning} |"


def _type(value: dict[str, Any]) -> str:
    for choice in value.get("anyOf", ()):
        if choice.get("type") != "null":
            return _type(choice)
    if "$ref" in value:
        kind = value["$ref"].rpartition("/")[2].removesuffix("Settings").lower()
        section = f"{kind}s" if kind in ("pool", "cache", "target") else kind
        return f"[{kind}](#{section})"
    if value["type"] == "array":
        return f"list of {_type(value['items'])}"
    if isinstance(value.get("additionalProperties"), dict):
        return f"name → {_type(value['additionalProperties'])}"
    return {"password": "secret"}.get(value.get("format", ""), value.get("format", value["type"]))


# --- links, decisions and words ---------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_within_the_project_leads_somewhere(page: Path) -> None:
    for link in LINK.findall(FENCE.sub("", page.read_text())):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = unquote(link).partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{name(page)}: {link}"
        if anchor:
            assert anchor in anchors(target), f"{name(page)}: {link}"


def anchors(page: Path) -> set[str]:
    """How GitHub names the headings of a page: lower case, punctuation gone, blanks as dashes."""
    headings = re.findall(r"^#+ +(.*)$", FENCE.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("folder", [ROOT / "docs", ROOT / "docs/decisions"], ids=name)
def test_every_page_is_reached_from_the_list_of_its_folder(folder: Path) -> None:
    index = folder / ("index.md" if folder.name == "docs" else "README.md")
    listed = {link.partition("#")[0] for link in LINK.findall(index.read_text())}
    assert {page.name for page in folder.glob("*.md")} - {index.name} <= listed


def test_every_direct_dependency_has_its_reason() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())
    project, lists = declared["project"], [declared["build-system"]["requires"]]
    lists += [project["dependencies"], *project["optional-dependencies"].values()]
    wanted = {re.match(r"[\w.-]+", line)[0].lower() for line in chain.from_iterable(lists)} - {"bullgauge"}
    text = (ROOT / "docs/decisions/0002-dependencies.md").read_text()
    assert {row.lower() for row in re.findall(r"^\| `([\w.-]+)` \| \S", text, re.MULTILINE)} == wanted


def test_every_line_that_troubleshooting_explains_is_a_line_of_the_code() -> None:
    text = (ROOT / "docs/troubleshooting.md").read_text()
    lines = re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE)
    assert len(lines) > 10
    said = spoken()
    for piece in (piece for line in lines for piece in line.split("…")):
        assert piece.strip(" :;,") in said, f"no source file of the exporter says {piece!r}"


def spoken() -> str:
    """All string constants of the exporter, those of an f-string joined by `…`."""
    texts = []
    for file in ROOT.glob("exporter/*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.JoinedStr):
                texts.append("…".join(str(v.value) for v in node.values if isinstance(v, ast.Constant)))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.append(node.value)
    return "\n".join(texts)


def test_the_glossary_has_a_line_for_each_noun_of_the_code() -> None:
    told = set(re.findall(r"^\| `(\w+)` \| \S", (ROOT / "docs/glossary.md").read_text(), re.MULTILINE))
    classes = {
        node.name
        for package in PACKAGES
        for file in (ROOT / package).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.ClassDef)
    }
    nouns = (
        "QueueSnapshot RedisSnapshot JobEvent JobRecord Workload Fleet Objective Prediction Plan Threshold"
    )
    assert set(nouns.split()) <= told
    assert {"QueueSnapshot", "RedisSnapshot", "JobEvent", "JobRecord"} <= classes


def test_every_right_in_redis_is_in_the_table_with_what_is_absent_without_it() -> None:
    text = (ROOT / "docs/security.md").read_text().replace("\\|", "\0")
    rows = re.findall(r"^\| ([a-z ]+) \| (`\+.*`) \| (.*) \|$", text, re.MULTILINE)
    told = [
        (what, re.findall(r"`\+([^`]*)`", rights.replace("\0", "|")), gives) for what, rights, gives in rows
    ]
    assert told == [(feature.name, list(feature.commands), feature.gives) for feature in FEATURES]


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
    client.execute_command(*printed.replace(">PASSWORD", ">secret").split())
    url = server.url.replace("redis://", "redis://bullgauge:secret@")
    try:
        looked = run([sys.executable, "-m", "exporter", "doctor", "--redis", url], capture_output=True)
    finally:
        client.execute_command("ACL", "DELUSER", "bullgauge")
    assert looked.returncode == 0, looked.stdout
    assert said in looked.stdout
    assert ":mine: " in looked.stdout
