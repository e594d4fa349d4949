"""Knows the verb `forecast`: which history is read, which queues are foretold, and what the answer is."""

import argparse
import sys
from collections.abc import Mapping
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any

from planner.errors import BadInput
from planner.file.queue_file import AskedQueue, read_file
from planner.fit.verb import asked_range
from planner.forecast.counts import counts_of_trace, read_counts, together, wall_clock
from planner.forecast.hours import Hourly
from planner.forecast.hours_ahead import forecast
from planner.forecast.model import TooShortError
from planner.forecast.output import Answer, lines, values
from planner.forecast.staffing import breaks, staffing
from planner.forecast.stored_hours import counts_of_prometheus

SOURCES = {"history": "HISTORY", "trace": "--trace", "prometheus": "--prometheus"}
TOGETHER = "all queues"


def foretold(options: argparse.Namespace, columns: dict[str, str]) -> tuple[list[str], dict[str, Any], bool]:
    """Lines, the same as values, and whether every objective is expected to hold. Raises BadInput."""
    named = wall_clock(options.zone)
    zone = named or UTC
    origin, histories = _histories(options, columns, named)
    chosen = {name: one for name, one in histories.items() if not options.queue or name in options.queue}
    if not chosen:
        raise BadInput(
            f"{origin}: no queue {', '.join(map(repr, options.queue))}; there are {', '.join(histories)}"
        )
    fleet = _fleet(options.fleet)
    if len(chosen) > 1:
        chosen = {TOGETHER: together(chosen), **chosen}
    answers = [_answer(name, one, fleet.get(name), options.weeks, zone) for name, one in chosen.items()]
    if all(answer.found is None for answer in answers):
        raise BadInput(f"{origin}: {answers[0].name}: too short: {answers[0].why}")
    holds = all(answer.breaks is None or answer.breaks.expected_at is None for answer in answers)
    told = {"origin": origin, "queues": [values(answer, zone) for answer in answers]}
    return lines(answers, zone), told, holds


def _histories(
    options: argparse.Namespace, columns: dict[str, str], zone: tzinfo | None
) -> tuple[str, Mapping[str, Hourly]]:
    given = [source for source in SOURCES if getattr(options, source) is not None]
    if len(given) != 1:
        which = " and ".join(SOURCES[source] for source in given) or "none"
        raise BadInput(f"{which} given; give one of HISTORY, --trace FILE, --prometheus URL")
    if given == ["history"]:
        return str(options.history), read_counts(options.history, columns, zone)
    if given == ["trace"]:
        return str(options.trace), counts_of_trace(options.trace, columns)
    server, begin, end = asked_range(options)
    return server.address.shown, counts_of_prometheus(server, begin, end, options.queue)


def _fleet(path: Path | None) -> dict[str, AskedQueue]:
    return {} if path is None else {queue.name: queue for queue in read_file(path).queues}


def _answer(name: str, history: Hourly, queue: AskedQueue | None, weeks: int, zone: tzinfo) -> Answer:
    try:
        found = forecast(history, weeks, zone)
    except TooShortError as error:
        return Answer(name, history, None, str(error))
    if queue is None:
        return Answer(name, history, found)
    _progress(f"{name}: slots by the hour …")
    answer = Answer(
        name,
        history,
        found,
        slots=queue.question.fleet.slots,
        breaks=breaks(queue, found.ahead),
        staffing=staffing(queue, found.ahead),
    )
    _progress("")
    return answer


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r{text}\x1b[K", end="", file=sys.stderr, flush=True)  # noqa: T201
