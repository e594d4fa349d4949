"""This file knows how a source may be reached: with which headers, trusting whom, and how long one waits."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach a source. Headers may hold secrets, so they stand in no message and no repr."""

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    ca_file: Path | None = None
    timeout_seconds: float = TIMEOUT_SECONDS
