"""Knows how attempts are read from CSV, JSONL, a JSON list or Parquet: all by the rules of `trace`."""

import json
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from planner.errors import BadInput
from planner.replay.trace import Attempt, read_trace


def read_attempts(path: Path, columns: Mapping[str, str]) -> dict[str, list[Attempt]]:
    """Attempts by queue in order of their starts. Raises BadInput: file, line or row, column, value."""
    if path.suffix == ".parquet":
        return _as_lines(path, _parquet_rows(path), columns)
    if path.suffix == ".json":
        return _as_lines(path, _json_list(path), columns)
    return read_trace(path, columns)


def _as_lines(
    path: Path, rows: Iterable[dict[str, Any]], columns: Mapping[str, str]
) -> dict[str, list[Attempt]]:
    """The rows as JSONL, which is checked line by line; a line is a row."""
    with tempfile.TemporaryDirectory() as folder:
        lines = Path(folder) / "rows.jsonl"
        with lines.open("w") as file:
            file.writelines(json.dumps(row, default=_written) + "\n" for row in rows)
        try:
            return read_trace(lines, columns)
        except BadInput as error:
            raise BadInput(
                str(error).replace(f"{lines}:", f"{path}: row ").replace(str(lines), str(path))
            ) from None


def _written(value: Any) -> str:
    """Moments as ISO 8601, whatever else as text."""
    return str(value.isoformat()) if hasattr(value, "isoformat") else str(value)


def _json_list(path: Path) -> list[dict[str, Any]]:
    try:
        rows = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise BadInput(f"{path}: {getattr(error, 'strerror', None) or f'not JSON: {error}'}") from None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise BadInput(f"{path}: not a list of objects; one attempt an object, or write JSONL")
    return rows


def _parquet_rows(path: Path) -> Iterable[dict[str, Any]]:
    try:
        import pyarrow  # type: ignore[import-untyped]
        from pyarrow import parquet
    except ImportError:
        raise BadInput(
            f"{path}: reading Parquet needs pyarrow: pip install 'bullgauge[planner]', or give CSV"
        ) from None
    try:
        table = parquet.read_table(path)
    except (OSError, pyarrow.ArrowException) as error:
        raise BadInput(f"{path}: {str(error).splitlines()[0]}") from None
    for batch in table.to_batches():
        yield from batch.to_pylist()
