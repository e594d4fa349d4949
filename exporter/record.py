"""This file knows how finished attempts become a trace: one line an attempt, CSV or JSONL."""

import csv
import json
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TextIO

from exporter.collector import Collector
from exporter.keys import QueueName, label
from exporter.lifecycle import JobRecord
from exporter.notices import Notices
from exporter.settings import TargetSettings
from exporter.wire import WireError

Row = dict[str, str | int | float | None]
CONNECT_SECONDS = 30.0
COLUMNS = ("queue", "job_type", "job_id", "attempt", "ready", "started", "ended", "outcome")


def record(
    settings: TargetSettings,
    notices: Notices,
    out: Path | None,
    for_seconds: float | None,
    stop: threading.Event,
) -> int:
    """Write attempts as they finish until `stop` is set or the time is over. Raises OSError for `out`,
    WireError when Redis does not answer."""
    with ExitStack() as files:
        file = files.enter_context(out.open("w", newline="")) if out else sys.stdout
        write = _json_writer(file) if out is not None and out.suffix == ".jsonl" else _csv_writer(file)
        written = [0]
        failed: list[OSError] = []

        def take(queue: QueueName, records: list[JobRecord]) -> None:
            try:
                for attempt in records:
                    write(_row(queue, attempt))
                file.flush()
                written[0] += len(records)
            except OSError as error:
                failed.append(error)
                stop.set()

        collector = Collector(settings, notices, on_records=take)
        collector.start()
        if (reason := collector.wait_ready(time.monotonic() + CONNECT_SECONDS)) is not None:
            collector.stop()
            raise WireError(reason)
        print(f"bullgauge-exporter: recording {collector.address}", file=sys.stderr, flush=True)
        stop.wait(for_seconds)
        collector.stop()
        if failed:
            raise failed[0]
    print(f"bullgauge-exporter: recorded {written[0]} attempts", file=sys.stderr)
    return 0


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


def _csv_writer(file: TextIO) -> Callable[[Row], object]:
    writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
    writer.writeheader()
    return writer.writerow


def _json_writer(file: TextIO) -> Callable[[Row], object]:
    return lambda row: file.write(json.dumps(row, ensure_ascii=False) + "\n")
