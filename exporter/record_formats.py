"""This file knows how a trace is written: one row an attempt, as CSV, JSON lines or Parquet."""

import csv
import json
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Protocol, TextIO

from exporter.command_line import UsageError

Row = dict[str, str | int | float | None]
COLUMNS = ("queue", "job_type", "job_id", "attempt", "ready", "started", "ended", "outcome")
ROW_GROUP = 20_000
"""Rows of Parquet held in memory before they are written as one group."""


class FormatError(UsageError):
    """A trace can't be written so; the text is one line."""


class Trace(Protocol):
    """Where rows go; both raise OSError when the file can't take them."""

    def write(self, rows: Sequence[Row]) -> None: ...
    def close(self) -> None: ...


def open_trace(out: Path | None) -> Trace:
    """The trace for a file name, or for stdout. Raises FormatError, and OSError when it can't be opened."""
    kind = "" if out is None else out.suffix.lower()
    if kind not in _KINDS:
        raise FormatError(f"{out}: {kind!r} is no format of a trace: name it .csv, .jsonl or .parquet")
    return _KINDS[kind](out)


class _Csv:
    def __init__(self, out: Path | None) -> None:
        self._file, self._closing = _text_file(out)
        self._writer = csv.DictWriter(self._file, COLUMNS, lineterminator="\n")
        self._writer.writeheader()
        self._file.flush()

    def write(self, rows: Sequence[Row]) -> None:
        self._writer.writerows(rows)
        self._file.flush()

    def close(self) -> None:
        with self._closing:
            self._file.flush()


class _JsonLines:
    def __init__(self, out: Path | None) -> None:
        self._file, self._closing = _text_file(out)

    def write(self, rows: Sequence[Row]) -> None:
        self._file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        self._file.flush()

    def close(self) -> None:
        with self._closing:
            self._file.flush()


class _Parquet:
    """Groups of rows; the file can be read once `close` has written its end."""

    def __init__(self, out: Path | None) -> None:
        try:
            import pyarrow  # type: ignore[import-untyped]
            from pyarrow import parquet
        except ImportError:
            raise FormatError(
                f"{out}: writing Parquet needs pyarrow: pip install 'bullgauge[planner]', or name a .csv"
            ) from None
        text, seconds = pyarrow.string(), pyarrow.float64()
        kinds = {"attempt": pyarrow.int64(), "ready": seconds, "started": seconds, "ended": seconds}
        self._schema = pyarrow.schema([(name, kinds.get(name, text)) for name in COLUMNS])
        self._table: Any = pyarrow.Table
        self._writer: Any = parquet.ParquetWriter(str(out), self._schema)
        self._rows: list[Row] = []

    def write(self, rows: Sequence[Row]) -> None:
        self._rows += rows
        if len(self._rows) >= ROW_GROUP:
            self._write_group()

    def close(self) -> None:
        try:
            self._write_group()
        finally:
            self._writer.close()

    def _write_group(self) -> None:
        rows, self._rows = self._rows, []
        if rows:
            self._writer.write_table(self._table.from_pylist(rows, schema=self._schema))


_KINDS: dict[str, type[_Csv] | type[_JsonLines] | type[_Parquet]] = {
    "": _Csv,
    ".csv": _Csv,
    ".jsonl": _JsonLines,
    ".parquet": _Parquet,
}


def _text_file(out: Path | None) -> tuple[TextIO, AbstractContextManager[object]]:
    """The file, and what closes it: stdout stays open."""
    if out is None:
        return sys.stdout, nullcontext()
    file = out.open("w", newline="", encoding="utf-8")
    return file, file
