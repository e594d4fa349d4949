"""This file knows how finished attempts become a trace, and how `record` says that it goes on."""

import sys
import threading
import time
from pathlib import Path
from typing import TextIO

from exporter.collector import Collector
from exporter.connection.wire import WireError
from exporter.keys import QueueName, label
from exporter.lifecycle import JobRecord
from exporter.notices import Notices
from exporter.record_formats import COLUMNS, Row, Trace, open_trace
from exporter.sample.text import age
from exporter.settings import TargetSettings

__all__ = ["COLUMNS", "record"]

CONNECT_SECONDS = 30.0
PROGRESS_SECONDS = 1.0


def record(
    settings: TargetSettings,
    notices: Notices,
    out: Path | None,
    for_seconds: float | None,
    stop: threading.Event,
) -> int:
    """Write attempts as they finish until `stop` is set or the time is over.

    Raises OSError and FormatError for `out`, WireError when Redis does not answer.
    """
    recorder = _Recorder(open_trace(out), stop)
    try:
        _follow(settings, notices, recorder, for_seconds, stop)
    finally:
        recorder.trace.close()
    if recorder.failure is not None:
        raise recorder.failure
    print(f"bullgauge-exporter: recorded {recorder.attempts} attempts", file=sys.stderr)
    return 0


class _Recorder:
    """Takes attempts from the follower's thread; a file that takes no more ends the recording."""

    def __init__(self, trace: Trace, stop: threading.Event) -> None:
        self.trace = trace
        self.attempts = 0
        self.queues: set[QueueName] = set()
        self.failure: OSError | None = None
        self._stop = stop

    def take(self, queue: QueueName, records: list[JobRecord]) -> None:
        if self.failure is not None:
            return
        try:
            self.trace.write([_row(queue, attempt) for attempt in records])
        except OSError as error:
            self.failure = error
            self._stop.set()
        else:
            self.attempts += len(records)
            self.queues.add(queue)


def _follow(
    settings: TargetSettings,
    notices: Notices,
    recorder: _Recorder,
    for_seconds: float | None,
    stop: threading.Event,
) -> None:
    collector = Collector(settings, notices, on_records=recorder.take)
    collector.start()
    try:
        if (reason := collector.wait_ready(time.monotonic() + CONNECT_SECONDS)) is not None:
            raise WireError(reason)
        sys.stderr.write(
            f"bullgauge-exporter: recording {collector.address}\n"
        )  # one write: others may be logging
        sys.stderr.flush()
        _wait(recorder, for_seconds, stop, sys.stderr)
    finally:
        collector.stop()


def _wait(recorder: _Recorder, for_seconds: float | None, stop: threading.Event, file: TextIO) -> None:
    """Until told to stop or the time is over; on a terminal, with a line that says how far it is."""
    began = time.monotonic()
    end = float("inf") if for_seconds is None else began + for_seconds
    while (now := time.monotonic()) < end and not stop.wait(min(PROGRESS_SECONDS, end - now)):
        if file.isatty():
            print(
                f"\r{_progress(recorder, time.monotonic() - began, for_seconds)}\x1b[K",
                end="",
                file=file,
                flush=True,
            )
    if file.isatty():
        print(file=file)


def _progress(recorder: _Recorder, seconds: float, for_seconds: float | None) -> str:
    of = "" if for_seconds is None else f" of {age(for_seconds)}"
    ending = "" if for_seconds is not None else ", Ctrl-C ends it"
    return f"{recorder.attempts:,} attempts of {len(recorder.queues):,} queues in {age(seconds)}{of}{ending}"


def _row(queue: QueueName, attempt: JobRecord) -> Row:
    return {
        "queue": label(queue.name),
        "job_type": None if attempt.job_type is None else label(attempt.job_type),
        "job_id": label(attempt.job_id),
        "attempt": attempt.attempt,
        "ready": _seconds(attempt.ready_ms),
        "started": _seconds(attempt.started_ms),
        "ended": _seconds(attempt.ended_ms),
        "outcome": attempt.outcome,
    }


def _seconds(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else round(milliseconds / 1000, 4)
