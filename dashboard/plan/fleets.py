"""This file knows the fleets that one can start from: what is seen now, the user's file, the two of the report."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from dashboard.plan.document import Document, proposed, today
from dashboard.plan.report import PROPOSED
from planner.errors import BadInput
from planner.file.document import parsed

LIVE = "live now"
REPORT_TODAY, REPORT_PROPOSED = "report: today", "report: proposed"


def fleets(live: Document | None, file: Document | None, file_name: str) -> Mapping[str, Document]:
    """Those that there are, by name, the nearest to life first."""
    found: dict[str, Document] = {LIVE: live} if live is not None else {}
    if file is not None:
        found |= _two(file, file_name, f"{file_name}: today", f"{file_name}: proposed")
    return found | _two(PROPOSED, REPORT_PROPOSED, REPORT_TODAY, REPORT_PROPOSED)


def _two(document: Document, alone: str, now_name: str, then_name: str) -> dict[str, Document]:
    now = today(document)
    return {alone: document} if now is None else {now_name: now, then_name: proposed(document)}


def pair(names: list[str]) -> tuple[str, str]:
    """The two that stand side by side from the start: the report's, unless the user's file has its own two."""
    own = [name for name in names if name.endswith((": today", ": proposed"))]
    return own[0], own[1]


def document_of(path: Path) -> Document:
    """The words of the user's file, read anew when it has changed. Raises BadInput."""
    try:
        return _document(path, path.stat().st_mtime_ns)
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: {getattr(error, 'strerror', None) or error}") from error


@lru_cache(maxsize=4)
def _document(path: Path, _changed_at: int) -> Document:
    document = parsed(str(path), path.read_text(encoding="utf-8"))
    return {"queues": document} if isinstance(document, list) else dict(document)
