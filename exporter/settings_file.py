"""This file knows how a configuration file and command-line values become Settings, and how to say what is wrong."""

import re
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from exporter import wrong_values, yaml_lines
from exporter.command_line import UsageError
from exporter.settings import Settings
from exporter.spelling import close_to, keys_at


class SettingsError(UsageError):
    """The configuration can't be used; the text is one line: where, which value, which rule."""


def load(path: Path | None, overrides: dict[str, Any]) -> Settings:
    """Settings from a YAML file (or none), with values from the command line on top. Raises SettingsError."""
    text = _read(path) if path is not None else ""
    where = str(path) if path is not None else "command line or environment"
    try:
        document, node = yaml_lines.read(text)
    except yaml_lines.TwiceError as error:
        raise SettingsError(f"{where}:{error.line}: {error}; keep one") from error
    except yaml.YAMLError as error:
        raise SettingsError(
            f"{where}{yaml_lines.mark(error)}: not YAML: {yaml_lines.problem(error)}"
        ) from error
    if document is None:
        document = {}
    if not isinstance(document, dict):
        raise SettingsError(f"{where}: must hold a mapping such as `redis: {{url: redis://…}}`")
    try:
        return Settings.model_validate(_merge(document, overrides))
    except ValidationError as error:
        raise SettingsError(_explain(where, node, error)) from error


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: {getattr(error, 'strerror', None) or error}") from error


def _merge(document: dict[str, Any], overrides: dict[str, Any]) -> dict[str, Any]:
    merged = dict(document)
    for name, value in overrides.items():
        if isinstance(value, dict) and isinstance(merged.get(name), dict):
            merged[name] = _merge(merged[name], value)
        else:
            merged[name] = value
    return merged


def _explain(where: str, node: yaml.Node | None, error: ValidationError) -> str:
    """The first mistake in one line, and how many more there are."""
    first, *more = error.errors(include_url=False)
    path = ".".join(str(part) for part in first["loc"])
    line = yaml_lines.line_of(node, first["loc"])
    rule = _rule(path, first)
    value = "" if first["type"] in ("missing", "value_error") or _is_secret(path) else _shown(first["input"])
    if first["type"] == "extra_forbidden":
        *above, word = first["loc"]
        meant = close_to(str(word), keys_at(Settings, above))
        rule, value = f"no such setting{meant or ' (see docs/configuration.md)'}", ""
    rest = f" (and {len(more)} more)" if more else ""
    place = f"{where}{f':{line}' if line else ''}: {path}{value}".removesuffix(": ")
    return f"{place}: {rule}{rest}"


def _rule(path: str, problem: ErrorDetails) -> str:
    if path.split(".")[-1] == "redis" and problem["type"] == "model_type":
        return "must be a mapping such as `redis: {url: redis://…}`"
    return wrong_values.rule(problem)


def _is_secret(path: str) -> bool:
    return path.endswith(("password", "url"))


def _shown(value: object) -> str:
    """A value, short, and without the password of an address that stands in the wrong place."""
    shown = re.sub(r"://[^@\s]*@", "://…@", repr(value))
    return f" {shown:.80}"
