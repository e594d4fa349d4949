"""Knows what imports what: dashboard → alerts → planner → exporter and never back; and that files have homes."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("exporter", "planner", "alerts", "dashboard")
# Each may import those before it, and the planner's nouns.
MATHEMATICS = ("laws", "exact", "simulation")
# Whose code asks for an extra; what every installation has is the exporter's.
ASKED_BY = {"planner": "planner", "fast": "planner", "alerts": "alerts", "dashboard": "dashboard",
            "login": "dashboard", "demo": "exporter"}  # fmt: skip
IMPORTED_AS = {"pyyaml": "yaml", "vl_convert_python": "vl_convert"}
HEAVY = {"numpy", "pandas", "scipy", "numba", "streamlit", "jinja2", "altair", "vl_convert", "matplotlib"}
NO_HOME = {"utils", "common", "helpers", "core", "misc"}
FILES = sorted(file for package in PACKAGES for file in (ROOT / package).rglob("*.py"))


def imports(file: Path) -> Iterator[str]:
    """The top-level package of every absolute import anywhere in a file, also inside functions."""
    for node in ast.walk(ast.parse(file.read_text())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
        yield from (name.partition(".")[0] for name in names)


def modules_of_planner(file: Path) -> Iterator[str]:
    """What a file imports from right below the planner: a module's or a folder's name."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "planner":
            yield from ((node.module or "").split(".")[1:2] or [alias.name for alias in node.names])


@pytest.mark.parametrize("package", PACKAGES)
def test_nothing_imports_what_builds_upon_it(package: str) -> None:
    later = set(PACKAGES[PACKAGES.index(package) + 1 :])
    backwards = {
        f"{file}: {one}" for file in (ROOT / package).rglob("*.py") for one in imports(file) if one in later
    }
    assert not backwards


@pytest.mark.parametrize("layer", MATHEMATICS)
def test_the_mathematics_knows_no_files_and_no_commands(layer: str) -> None:
    known = MATHEMATICS[: MATHEMATICS.index(layer) + 1]
    folders = {folder.name for folder in (ROOT / "planner").iterdir() if (folder / "__init__.py").exists()}
    modules = {name for file in (ROOT / "planner" / layer).rglob("*.py") for name in modules_of_planner(file)}
    assert not modules & (folders - set(known))


def test_the_exporter_imports_nothing_heavy() -> None:
    assert not {
        f"{file}: {one}"
        for file in (ROOT / "exporter").rglob("*.py")
        for one in imports(file)
        if one in HEAVY
    }


@pytest.mark.parametrize(("extra", "package"), [("", "exporter"), *ASKED_BY.items()])
def test_every_direct_dependency_is_imported_by_the_part_that_asks_for_it(extra: str, package: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = project["optional-dependencies"][extra] if extra else project["dependencies"]
    asked = {re.split(r"[^\w.-]", line)[0].lower().replace("-", "_") for line in lines} - {"bullgauge"}
    imported = {one for file in (ROOT / package).rglob("*.py") for one in imports(file)}
    assert {IMPORTED_AS.get(name, name) for name in asked} <= imported


def test_no_module_has_a_name_that_could_hold_anything() -> None:
    assert not [file for file in FILES if NO_HOME & set(file.relative_to(ROOT).with_suffix("").parts)]


def test_the_first_line_of_every_file_says_what_it_knows_about() -> None:
    assert not [file for file in FILES if not (ast.get_docstring(ast.parse(file.read_text())) or "").strip()]


def test_every_folder_of_tests_is_a_package() -> None:
    folders = {file.parent for file in (ROOT / "tests").rglob("*.py") if "node_modules" not in file.parts}
    assert not [folder for folder in folders if not (folder / "__init__.py").exists()]
