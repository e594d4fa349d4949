"""Knows the trace that `record` writes, and others like it: attempts by queue, read from CSV or JSONL and checked.

Times are epoch seconds with fractions. An unknown value is empty; an attempt without start or end tells nothing.
"""

import csv
import json
import math
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from exporter.record import COLUMNS
from planner.errors import BadInput

REQUIRED = ("started", "ended")
# What others call a column, where the file has none of our name.
ALSO_CALLED = {"ready": "created", "ended": "finished"}
OUTCOMES = ("completed", "failed", "requeued")
# Clocks of two workers differ; a ready or a start later than what follows it by more than this is a mistake.
CLOCK_SECONDS = 0.1
# Lines may be this far from the order of time: attempts are written as their ends become known.
DISORDER_SECONDS = 5.0
# The year 5138 in seconds, 1973 in milliseconds.
LATEST = 1e11


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt of one job, epoch seconds; `ready` is None where it is not known, and so is an empty `outcome`.
    `kind` is the job's type.
    """

    job: str
    number: int
    ready: float | None
    started: float
    ended: float
    outcome: str
    kind: str = ""


def read_trace(path: Path, columns: Mapping[str, str]) -> dict[str, list[Attempt]]:
    """Attempts by queue in order of their starts; `columns` maps our names to the file's.

    Raises BadInput: one line with the file, its line, the column and the value.
    """
    unknown = sorted(set(columns) - set(COLUMNS))
    if unknown:
        raise BadInput(f"--column {unknown[0]}: no such column; there are {', '.join(COLUMNS)}")
    try:
        with path.open(newline="") as file:
            lines = (
                _json_rows(path, file)
                if path.suffix in (".jsonl", ".ndjson")
                else _csv_rows(path, file, columns)
            )
            return _by_queue(path, lines, columns)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"{path}: {getattr(error, 'strerror', None) or error}") from None


def _csv_rows(
    path: Path, file: Iterable[str], columns: Mapping[str, str]
) -> Iterator[tuple[int, Mapping[str, Any]]]:
    reader = csv.DictReader(file)
    header = reader.fieldnames or ()
    for ours in REQUIRED:
        if _called(ours, header, columns) not in header:
            raise BadInput(
                f"{path}:1: no column {columns.get(ours, ours)!r}; name it with --column {ours}=THEIRS"
            )
    for row in reader:
        if None in row or None in row.values():
            raise BadInput(f"{path}:{reader.line_num}: not {len(header)} values, as the header has")
        yield reader.line_num, row


def _called(ours: str, there: Container[str], columns: Mapping[str, str]) -> str:
    """Their name of a column of ours: as it was given, or ours, or what others call it."""
    other = ALSO_CALLED.get(ours, ours)
    return columns.get(ours, other if ours not in there and other in there else ours)


def _json_rows(path: Path, file: Iterable[str]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for number, line in enumerate(file, 1):
        try:
            row = json.loads(line)
        except ValueError as error:
            raise BadInput(f"{path}:{number}: not JSON: {error}") from None
        if not isinstance(row, dict):
            raise BadInput(f"{path}:{number}: not an object; one attempt a line")
        yield number, row


def _by_queue(
    path: Path, rows: Iterator[tuple[int, Mapping[str, Any]]], columns: Mapping[str, str]
) -> dict[str, list[Attempt]]:
    found: dict[str, list[tuple[int, Attempt]]] = {}
    seen: dict[tuple[str, str], int] = {}
    zones: set[bool] = set()
    for line, row in rows:
        where = f"{path}:{line}"
        ours = {name: row.get(_called(name, row, columns)) for name in COLUMNS}
        times = {name: _time(f"{where}: {name}", ours[name], zones) for name in ("ready", "started", "ended")}
        if times["started"] is None or times["ended"] is None:
            continue
        queue = str(ours["queue"] or "queue")
        job = str(ours["job_id"] or f"line {line}")
        seen[queue, job] = seen.get((queue, job), 0) + 1
        number = _number(where, ours["attempt"]) or seen[queue, job]
        outcome = str(ours["outcome"] or "")
        if outcome and outcome not in OUTCOMES:
            raise BadInput(f"{where}: outcome: {outcome!r} is none of {', '.join(OUTCOMES)}")
        kind = str(ours["job_type"] or "")
        attempt = Attempt(job, number, times["ready"], times["started"], times["ended"], outcome, kind)
        found.setdefault(queue, []).append((line, _in_order(where, attempt)))
    if not found:
        raise BadInput(f"{path}: no attempt with a start and an end")
    for attempts in found.values():
        _check_order(path, attempts)
    return {
        queue: sorted((attempt for _, attempt in attempts), key=lambda a: (a.started, a.ended))
        for queue, attempts in sorted(found.items())
    }


def _number(where: str, written: Any) -> int | None:
    if written in (None, ""):
        return None
    try:
        number = int(written)
    except (TypeError, ValueError):
        number = 0
    if number < 1:
        raise BadInput(f"{where}: attempt: {written!r} is not a number from 1 on")
    return number


def _time(where: str, written: Any, zones: set[bool]) -> float | None:
    """Epoch seconds, or None when empty."""
    if written is None or written == "":
        return None
    try:
        value = float(written)
    except (TypeError, ValueError):
        value = _from_date(where, str(written), zones)
    if not math.isfinite(value) or value < 0:
        raise BadInput(
            f"{where}: {written!r} is no time; write epoch seconds, or leave it empty when unknown"
        )
    if value > LATEST:
        raise BadInput(f"{where}: {written} looks like milliseconds; write epoch seconds")
    return value


def _from_date(where: str, written: str, zones: set[bool]) -> float:
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        raise BadInput(f"{where}: {written!r} is no time; write epoch seconds or ISO 8601") from None
    zones.add(moment.tzinfo is not None)
    if len(zones) > 1:
        raise BadInput(
            f"{where}: {written!r}: some times have a zone and some have none; give all of them one"
        )
    if moment.tzinfo is None:
        raise BadInput(f"{where}: {written!r} has no time zone; add one, such as {written}Z")
    return moment.timestamp()


def _in_order(where: str, attempt: Attempt) -> Attempt:
    """The attempt with what a clock may be off put right. Raises BadInput for more."""
    if attempt.ended < attempt.started:
        raise BadInput(f"{where}: ended {attempt.ended:.3f} is before started {attempt.started:.3f}")
    if attempt.ready is None or attempt.ready <= attempt.started:
        return attempt
    if attempt.ready > attempt.started + CLOCK_SECONDS:
        raise BadInput(f"{where}: started {attempt.started:.3f} is before ready {attempt.ready:.3f}")
    return replace(attempt, ready=attempt.started)


def _check_order(path: Path, attempts: list[tuple[int, Attempt]]) -> None:
    """Raises BadInput unless the lines of a queue are in order of one of the three times."""
    breaks = []
    for name in ("ended", "started", "ready"):
        latest, broken = -math.inf, None
        for line, attempt in attempts:
            value = getattr(attempt, name)
            if value is None:
                continue
            if value < latest - DISORDER_SECONDS:
                broken = line
                break
            latest = max(latest, value)
        if broken is None:
            return
        breaks.append(broken)
    raise BadInput(
        f"{path}:{breaks[0]}: out of order: ended is before that of an earlier line; sort by ended"
    )
