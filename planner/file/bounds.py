"""Knows the bounds of the report's threshold blocks: `750ms`, `>85%`, `<8000 jobs/hour`, each in its unit."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from planner.errors import BadInput
from planner.file.durations import seconds

BLOCKS = (
    "queue_processing_latency",
    "queue_throughput",
    "redis_connection_utilization",
    "job_failure_rate",
)
_BARE = re.compile(r"^(\s*[\w-]+:[ ]+)([<>]=?[ ]*[0-9][^#\n]*?)([ ]*(?:#.*)?)$", re.MULTILINE)
_RATE = re.compile(r"([0-9][0-9_,.]*) *jobs */ *(second|minute|hour|s|min|h)")
_SECONDS_PER = {"second": 1, "s": 1, "minute": 60, "min": 60, "hour": 3600, "h": 3600}


@dataclass(frozen=True, slots=True)
class Levels:
    """Where a block warns and where it is critical: seconds, jobs a second, or a share from 0 to 1."""

    warning: float | None
    critical: float | None


def quoted(text: str) -> str:
    """`text` with bare bounds quoted: YAML takes `>85%` for the start of a block. Lines stay where they are."""
    return _BARE.sub(r"\1'\2'\3", text)


def read_levels(name: str, block: Mapping[str, Any]) -> Levels:
    """One block. Raises BadInput for a bound that can't be read, or a critical one milder than the warning."""
    unknown = sorted(set(block) - {"warning", "critical"})
    if unknown:
        raise BadInput(f"{name}.{unknown[0]}: no such level; give warning and critical")
    warning, critical = (
        None if level not in block else _read(f"{name}.{level}", name, block[level])
        for level in ("warning", "critical")
    )
    if warning is not None and critical is not None:
        milder = critical > warning if name == "queue_throughput" else critical < warning
        if milder:
            raise BadInput(
                f"{name}.critical: {block['critical']} is milder than the warning {block['warning']}"
            )
    return Levels(warning, critical)


def _read(where: str, name: str, written: Any) -> float:
    bare = str(written).strip().lstrip("<>=").strip() if isinstance(written, str) else written
    try:
        if name == "queue_processing_latency":
            return seconds(bare)
        if name == "queue_throughput":
            return _per_second(bare)
        return _share(bare)
    except ValueError as problem:
        raise BadInput(f"{where}: {problem}") from None


def _per_second(bare: Any) -> float:
    match = _RATE.fullmatch(bare) if isinstance(bare, str) else None
    if match is None:
        raise BadInput(f"{bare!r} is not a rate: write <8000 jobs/hour")
    return float(re.sub("[,_]", "", match[1])) / _SECONDS_PER[match[2]]


def _share(bare: Any) -> float:
    match = re.fullmatch(r"([0-9.]+) *%", bare) if isinstance(bare, str) else None
    share = float(match[1]) / 100 if match else float(bare)
    if not 0.0 <= share <= 1.0:
        raise BadInput(f"{bare!r} is not a share: write >85% or 0.85")
    return share
