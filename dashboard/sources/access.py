"""This file knows how a source may be reached: as whom and trusting whom, with what beside each question, how long."""

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from planner.stored.http_access import Access as Papers

TIMEOUT_SECONDS = 10.0
WHOLE = {"partial_response": "false", "deny_partial_response": "1"}
"""In the words of Thanos and of VictoriaMetrics: no part may be taken for the whole. Others don't mind."""


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach a source. Papers hold secrets, so they stand in no message and no repr.

    They are read for each request: a token that was changed is used at once, and one of Kubernetes lives for an hour.
    `fields` go with each question.
    """

    papers: Callable[[], Papers] = field(default=Papers, repr=False)
    timeout_seconds: float = TIMEOUT_SECONDS
    fields: Mapping[str, str] = field(default_factory=dict)


def tls(papers: Papers) -> ssl.SSLContext:
    """Made anew only when a file has changed: reading the system's authorities takes a while. Raises BadInput."""
    files = papers.ca_file, papers.cert_file, papers.key_file
    return _context(files, tuple(_changed(file) for file in files))


@lru_cache(maxsize=4)
def _context(
    files: tuple[Path | None, Path | None, Path | None], _changed: tuple[int, ...]
) -> ssl.SSLContext:
    return Papers({}, *files).context()


def _changed(file: Path | None) -> int:
    """A file that is away is told by who reads it."""
    try:
        return file.stat().st_mtime_ns if file is not None else 0
    except OSError:
        return 0
