"""Knows what the documents promise: everything that there is stands in them, and nothing else; every link leads on."""

from __future__ import annotations

import ast
import json
import re
import sys
import tomllib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from exporter.catalogue import METRICS, Kind, Metric
from exporter.connection.rights import FEATURES
from tests.documents import FENCE, PACKAGES, PAGES, ROOT, all_text, help_text, name, options, run, verbs

LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


def test_the_metrics_page_is_what_the_command_prints() -> None:
    printed = run([sys.executable, "-m", "exporter", "metrics"], check=True, capture_output=True).stdout
    assert (ROOT / "docs/metrics.md").read_text() == printed, "make docs writes it anew"
    for metric in METRICS:
        assert f"| `{metric.name}` |" in printed


# Signals of the report's threshold block, which are no metrics of their own.
REPORTED_SIGNALS = {"queue_processing_latency", "queue_throughput"}


def test_every_metric_that_a_page_names_is_one() -> None:
    named = {
        word for word in re.findall(r"`[^`\n]*`", all_text()) for word in re.findall(r"\bqueue_\w*\w", word)
    }
    known = {metric.name for metric in METRICS} | {part for metric in METRICS for part in parts_of(metric)}
    assert len(named) > 40
    assert named - known - {"queue_stats", "queue_cache_"} - REPORTED_SIGNALS == set()


def parts_of(metric: Metric) -> Iterator[str]:
    if metric.kind is Kind.HISTOGRAM:
        yield from (f"{metric.name}_{part}" for part in ("bucket", "sum", "count"))


@pytest.mark.parametrize("package", PACKAGES)
def test_every_verb_and_every_option_is_in_the_documents(package: str) -> None:
    for verb in ("", *verbs(package)):
        if verb:
            assert re.search(rf"bullgauge-{package}[^\n]* {verb}\b", all_text()), f"{package} {verb}"
        for option in options(package, verb):
            assert re.search(rf"(?<![\w-]){option}\b", all_text()), f"{package} {verb} {option}"


@pytest.mark.parametrize("package", PACKAGES)
def test_every_help_ends_with_an_example_and_that_of_a_command_says_what_statuses_mean(package: str) -> None:
    assert "\nexit status: 0 fine, 1 the answer is no, 2 bad input" in help_text(package)
    for verb in ("", *verbs(package)):
        example = help_text(package, verb).partition("\nexample:\n")[2]
        assert example.startswith(f"  bullgauge-{package} {verb}".rstrip()), f"{package} {verb}"


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
        for file in ROOT.glob("exporter/**/*.py")
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
    plain: str = value.get("format", value["type"])
    return "secret" if plain == "password" else plain


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
    wanted = {re.split(r"[^\w.-]", line)[0].lower() for line in chain.from_iterable(lists)} - {"bullgauge"}
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
    for file in ROOT.glob("exporter/**/*.py"):
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
    exporters = {"QueueSnapshot", "RedisSnapshot", "JobEvent", "JobRecord"}
    planners = {"Workload", "Fleet", "Objective", "Prediction", "Plan"}
    assert exporters | planners | {"Threshold", "Recording", "Alert", "Route", "Panel"} == told
    assert told <= classes


def test_every_right_in_redis_is_in_the_table_with_what_is_absent_without_it() -> None:
    text = (ROOT / "docs/security.md").read_text().replace("\\|", "\0")
    rows = re.findall(r"^\| ([a-z ]+) \| (`\+.*`) \| (.*) \|$", text, re.MULTILINE)
    told = [
        (what, re.findall(r"`\+([^`]*)`", rights.replace("\0", "|")), gives) for what, rights, gives in rows
    ]
    assert told == [(feature.name, list(feature.commands), feature.gives) for feature in FEATURES]
