"""This file knows how our routes are added to an Alertmanager file that is in use."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from alerts import render
from alerts.alertmanager.routing import NOWHERE
from exporter.yaml_lines import mark, problem


class MergeError(ValueError):
    """The two can't be put together; the text is one line."""


@dataclass(frozen=True, slots=True)
class AsWritten:
    """A value that stands without quotes: 22:00, 0777, 1.10 and no mean other things to Alertmanager than to Python."""

    tag: str
    text: str


class _Reader(render.LOADER):  # type: ignore[misc]
    """Reads what is no text as it is written."""


class _Writer(render.Dumper):
    """Writes it back."""


def _read(_loader: yaml.SafeLoader, node: yaml.ScalarNode) -> Any:
    plain = {"true": True, "false": False}.get(node.value)  # as ours say it, so that both compare
    return AsWritten(node.tag, node.value) if plain is None else plain


def _write(dumper: yaml.SafeDumper, value: AsWritten) -> yaml.Node:
    return dumper.represent_scalar(value.tag, value.text)


for _kind in ("bool", "int", "float", "timestamp"):
    _Reader.add_constructor(f"tag:yaml.org,2002:{_kind}", _read)
_Writer.add_representer(AsWritten, _write)


def merged(path: Path, ours: dict[str, Any]) -> str:
    """The text of the file at `path` with our route, receivers and inhibitions added. Raises MergeError, OSError.

    Comments are lost; the file itself is not touched.
    """
    try:
        theirs = yaml.load(path.read_text(encoding="utf-8"), _Reader)
    except yaml.YAMLError as error:
        raise MergeError(f"{path}{mark(error)}: not YAML: {problem(error)}") from error
    if not isinstance(theirs, dict) or not isinstance(theirs.get("route"), dict):
        raise MergeError(f"{path}: is no Alertmanager configuration: it has no `route` that is a mapping")
    _check_list(path, "route.routes", theirs["route"].get("routes"))
    for key in ("receivers", "inhibit_rules", "time_intervals"):
        _check_list(path, key, theirs.get(key), named=key != "inhibit_rules")
    return render.dump(_merge(path, theirs, ours), dumper=_Writer)


def _check_list(path: Path, key: str, found: Any, *, named: bool = False) -> None:
    """A list of mappings, or nothing; with a name each where `named`."""
    if found is None:
        return
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise MergeError(f"{path}: {key} must be a list of mappings")
    if named and not all("name" in item for item in found):
        raise MergeError(f"{path}: {key} has an entry without `name`")


def _merge(path: Path, theirs: dict[str, Any], ours: dict[str, Any]) -> dict[str, Any]:
    whole = dict(theirs)
    whole["route"] = {**theirs["route"], "routes": _routes(theirs, ours)}
    for key, name in (("receivers", "name"), ("time_intervals", "name")):
        if key in ours:
            whole[key] = _named(path, key, name, theirs.get(key) or [], ours[key])
    kept = [rule for rule in theirs.get("inhibit_rules") or [] if rule not in ours["inhibit_rules"]]
    whole["inhibit_rules"] = [*kept, *ours["inhibit_rules"]]
    return whole


def _routes(theirs: dict[str, Any], ours: dict[str, Any]) -> list[dict[str, Any]]:
    """Ours goes first, and takes the place of one from an earlier run."""
    added = ours["route"]["routes"]
    mine = [route.get("matchers") for route in added]
    return [*added, *(r for r in theirs["route"].get("routes") or [] if r.get("matchers") not in mine)]


def _named(path: Path, key: str, name: str, theirs: list[Any], ours: list[Any]) -> list[Any]:
    known = {item[name]: item for item in theirs}
    for item in ours:
        if item[name] in known and known[item[name]] != item and item[name] != NOWHERE:
            raise MergeError(f"{path}: {key} has another {item[name]!r} already; name ours differently")
    return [*theirs, *(item for item in ours if item[name] not in known)]
