"""This file knows how a file becomes a plan of rules, and how to say on which line it is wrong."""

import re
from pathlib import Path

import yaml
from pydantic import ValidationError
from yaml.reader import ReaderError

from alerts import output, thresholds
from alerts.alertmanager.routing import RoutingError
from alerts.config import Config
from alerts.output import Plan
from alerts.render import LOADER
from alerts.thresholds import ThresholdError
from exporter import wrong_values, yaml_lines
from exporter.spelling import close_to, keys_at
from exporter.yaml_lines import line_of, problem


class ConfigError(ValueError):
    """The configuration can't be used; the text is one line: where, which value, which rule, what to do."""


# `>` begins a block scalar in YAML, so a bare `>85%` can't be read: such a bound is put into quotes first. What is in
# quotes already, or a comment, is left as it is.
_BARE_BOUND = re.compile(
    r"""(?<![^\s\[{,])(?:"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|\#[^\n]*)"""
    r"""|(?P<key>\b(?:warning|critical|target)\s*:\s*)(?P<bound>[<>][^,}#"'\n]*?)(?=\s*(?:[,}]|\s\#|$))""",
    re.MULTILINE,
)


def load(path: Path | None) -> Plan:
    """Read a configuration and work it out; without a file, the defaults. Raises ConfigError."""
    return parse(read(path), str(path) if path is not None else "defaults")


def read(path: Path | None) -> str:
    """The text of a configuration; empty without a file. Raises ConfigError."""
    if path is None:
        return ""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ConfigError(f"{path}:{line}: not UTF-8 text") from error
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}") from error


def parse(text: str, where: str) -> Plan:
    """Work a configuration out from its text. Raises ConfigError."""
    quoted = _BARE_BOUND.sub(_quoted, text)
    try:
        document, node = yaml_lines.read(quoted, LOADER)
    except yaml_lines.TwiceError as error:
        raise ConfigError(f"{where}:{error.line}: {error}") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{where}{_mark(error, quoted)}: not YAML: {_problem(error)}") from error
    if document is not None and not isinstance(document, dict):
        raise ConfigError(
            f"{where}: must hold a mapping such as `queue_processing_latency: {{warning: 750ms}}`"
        )
    try:
        config = Config.model_validate(document or {})
        return output.plan(config, thresholds.resolve(config))
    except ValidationError as error:
        raise ConfigError(_explain(where, node, error)) from error
    except (ThresholdError, RoutingError) as error:
        raise ConfigError(f"{where}{_at(node, error.path)}: {_dotted(error.path)}: {error}") from error


def _quoted(found: re.Match[str]) -> str:
    return f'{found["key"]}"{found["bound"].strip()}"' if found["key"] else found[0]


def _explain(where: str, node: yaml.Node | None, error: ValidationError) -> str:
    """The first mistake in one line, and how many more there are."""
    first, *more = error.errors(include_url=False)
    path = tuple(part for part in first["loc"] if not str(part).startswith("function-"))
    rule = wrong_values.rule(first)
    if first["type"] == "extra_forbidden":
        rule = "no such key" + _did_you_mean(path)
    elif first["type"] not in ("missing", "value_error", "invalid_key") and path[:1] != ("receivers",):
        rule = f"{first['input']!r:.80}: {rule}"  # what stands under a receiver may be a secret
    rest = f" (and {len(more)} more)" if more else ""
    named = f"key {path[-1]}" if first["type"] == "invalid_key" else _dotted(path)
    return f"{where}{_at(node, path)}: {named}: {rule}{rest}"


def _dotted(path: tuple[str | int, ...]) -> str:
    return ".".join(str(part + 1) if isinstance(part, int) else part for part in path) or "file"


def _did_you_mean(path: tuple[str | int, ...]) -> str:
    return close_to(str(path[-1]), keys_at(Config, path[:-1])) or " (bullgauge-alerts schema prints all)"


def _at(node: yaml.Node | None, path: tuple[str | int, ...]) -> str:
    """`:LINE` of the node at a path; of its nearest parent when it is missing."""
    line = line_of(node, path)
    return f":{line}" if line else ""


def _problem(error: yaml.YAMLError) -> str:
    return (
        f"holds the character #x{error.character:02x}" if isinstance(error, ReaderError) else problem(error)
    )


def _mark(error: yaml.YAMLError, text: str) -> str:
    """The line; what is missing at the end of a file is missing on its last line."""
    if isinstance(error, ReaderError):
        return f":{text[: error.position].count(chr(10)) + 1}"
    mark = getattr(error, "problem_mark", None)
    return f":{min(mark.line + 1, len(text.splitlines()))}" if mark else ""
