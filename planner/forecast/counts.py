"""Knows how counts by the hour are read, from CSV or a trace, and how those of several queues are added up."""

import csv
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path

import numpy as np

from planner.errors import BadInput
from planner.fit.attempts import arrivals_of
from planner.fit.table import read_attempts
from planner.forecast.hours import HOUR, Hourly
from planner.replay.trace import Attempt

OURS = ("hour", "jobs", "queue")
# Ten years; a hole of more is a mistake in a date.
MOST_HOURS = 87_600
EARLIEST, LATEST = 1e9, 1e11


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    hour: float
    jobs: float


def read_counts(path: Path, columns: Mapping[str, str], zone: tzinfo | None) -> dict[str, Hourly]:
    """Counts by queue from a CSV of hours. Raises BadInput: file, line, value.

    `zone` is that of times without one; without it such times are refused.
    """
    unknown = sorted(set(columns) - set(OURS))
    if unknown:
        raise BadInput(f"--column {unknown[0]}: no such column; there are {', '.join(OURS)}")
    found: dict[str, list[_Line]] = {}
    try:
        with path.open(newline="") as file:
            for queue, line in _lines(path, csv.DictReader(file), columns, zone):
                found.setdefault(queue, []).append(line)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"{path}: {getattr(error, 'strerror', None) or error}") from None
    if not found:
        raise BadInput(f"{path}: no hour in it")
    return {queue: _hourly(path, lines) for queue, lines in sorted(found.items())}


def _lines(
    path: Path, reader: "csv.DictReader[str]", columns: Mapping[str, str], zone: tzinfo | None
) -> Iterator[tuple[str, _Line]]:
    header = reader.fieldnames or ()
    for ours in ("hour", "jobs"):
        if columns.get(ours, ours) not in header:
            theirs = columns.get(ours, ours)
            raise BadInput(f"{path}:1: no column {theirs!r}; name it with --column {ours}=THEIRS")
    zones: set[bool] = set()
    for row in reader:
        where = f"{path}:{reader.line_num}"
        if None in row or None in row.values():
            raise BadInput(f"{where}: not {len(header)} values, as the header has")
        hour = _moment(f"{where}: hour", row[columns.get("hour", "hour")], zone, zones)
        jobs = _jobs(f"{where}: jobs", row[columns.get("jobs", "jobs")])
        yield row.get(columns.get("queue", "queue")) or "queue", _Line(reader.line_num, hour, jobs)


def _moment(where: str, text: str, zone: tzinfo | None, zones: set[bool]) -> float:
    """Epoch seconds. Times with and without a zone must not be mixed."""
    try:
        moment = float(text)
    except ValueError:
        moment = _from_date(where, text, zone, zones)
    if not EARLIEST <= moment < LATEST:
        raise BadInput(f"{where}: {text!r} is no time after 2001; write epoch seconds or 2025-11-03T08:00Z")
    return moment


def _from_date(where: str, text: str, zone: tzinfo | None, zones: set[bool]) -> float:
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise BadInput(f"{where}: {text!r} is no time; write epoch seconds or 2025-11-03T08:00Z") from None
    zones.add(read.tzinfo is not None)
    if len(zones) > 1:
        raise BadInput(f"{where}: {text!r}: some times have a zone and some have none; give all of them one")
    if read.tzinfo is None and zone is None:
        raise BadInput(f"{where}: {text!r} has no time zone; add one, such as {text}Z, or give --zone")
    return (read if read.tzinfo is not None else read.replace(tzinfo=zone)).timestamp()


def _jobs(where: str, text: str) -> float:
    """A count, NaN where the field is empty."""
    if not text.strip():
        return math.nan
    try:
        jobs = float(text)
    except ValueError:
        jobs = math.nan
    if not 0 <= jobs < math.inf:
        raise BadInput(f"{where}: {text!r} is no count; leave it empty when unknown")
    return jobs


def _hourly(path: Path, lines: Sequence[_Line]) -> Hourly:
    """Hours in order; those that are missing are unknown. Raises BadInput."""
    first = lines[0].hour
    before = None
    for line in lines:
        where = f"{path}:{line.number}: hour"
        if abs((line.hour - first) / HOUR - round((line.hour - first) / HOUR)) > 1e-6:
            raise BadInput(f"{where}: not a whole number of hours after the first line; one line an hour")
        if before is not None and line.hour <= before.hour:
            what = "the same hour as" if line.hour == before.hour else "before that of"
            raise BadInput(f"{where}: {what} line {before.number}; sort by hour, one line an hour")
        before = line
    number = round((lines[-1].hour - first) / HOUR) + 1
    if number > MOST_HOURS:
        raise BadInput(
            f"{path}: {number:,} hours from first to last; {MOST_HOURS:,} (ten years) are the most"
        )
    counts = np.full(number, np.nan)
    counts[[round((line.hour - first) / HOUR) for line in lines]] = [line.jobs for line in lines]
    return Hourly(first, counts)


def counts_of_trace(path: Path, columns: Mapping[str, str]) -> dict[str, Hourly]:
    """Arrivals by the hour of a trace; the hours in which it begins and ends are not whole. Raises BadInput."""
    trace = read_attempts(path, columns)
    return {queue: hours_of(attempts) for queue, attempts in trace.items()}


def hours_of(attempts: Sequence[Attempt]) -> Hourly:
    """First attempts by the hour in which their job became ready, whole hours only."""
    arrived = arrivals_of(attempts)
    if not len(arrived):
        return Hourly(0.0, np.zeros(0))
    start, stop = math.ceil(arrived[0] / HOUR) * HOUR, math.floor(arrived[-1] / HOUR) * HOUR
    number = max(0, round((stop - start) / HOUR))
    inside = arrived[(arrived >= start) & (arrived < stop)]
    return Hourly(
        start, np.bincount(((inside - start) // HOUR).astype(int), minlength=number)[:number].astype(float)
    )


def trimmed(history: Hourly) -> Hourly:
    """Without the unknown hours at its beginning; those at the end stay, the forecast begins after them."""
    known = np.flatnonzero(np.isfinite(history.counts))
    first = int(known[0]) if len(known) else len(history)
    return Hourly(history.start + first * HOUR, history.counts[first:])


def together(histories: Mapping[str, Hourly]) -> Hourly:
    """All queues together, where all are known. A queue has no jobs before its first known hour."""
    start = min(history.start for history in histories.values())
    hours = round((max(history.end for history in histories.values()) - start) / HOUR)
    total = np.zeros(hours)
    for history in histories.values():
        own = np.full(hours, np.nan)
        first = round((history.start - start) / HOUR)
        own[:first] = 0.0
        own[first : first + len(history)] = history.counts
        total = total + own
    return Hourly(start, total)


def wall_clock(name: str | None) -> tzinfo | None:
    """The zone of that name. Raises BadInput."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    if name is None:
        return None
    try:
        return UTC if name == "UTC" else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadInput(f"--zone {name}: no such time zone; write one such as Europe/Berlin") from None
