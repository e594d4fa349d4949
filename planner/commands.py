"""Knows what each verb of the command does: reads, answers, prints."""

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from planner.errors import BadInput

if TYPE_CHECKING:  # each verb imports what it needs
    from planner.file.queue_file import AskedFile, AskedQueue
    from planner.filling import Filling
    from planner.prediction import Tail

Thing = TypeVar("Thing")


def run(options: argparse.Namespace) -> int:
    """The exit status of the verb. Raises BadInput."""
    verbs: dict[str, Callable[[argparse.Namespace], int]] = {
        "predict": _predict,
        "size": _size,
        "pool": _pool,
        "report": _report,
        "whatif": _whatif,
        "simulate": _simulate,
        "replay": _replay,
        "fit": _fit,
        "forecast": _forecast,
        "schema": _schema,
    }
    return verbs[options.verb](options)


def _predict(options: argparse.Namespace) -> int:
    from planner import answers, figures_table, pool, together
    from planner.file.given import asked_file
    from planner.one_run import answers as run_answers

    file = asked_file(options)

    def answer(queue: "AskedQueue") -> tuple[dict[str, Any], Mapping[str, "Tail"]]:
        row, tails = answers.predicted_with_tails(queue)
        return {**row, **run_answers.banded(queue, options)}, tails

    found, tails = zip(*each(file.queues, answer), strict=True)
    rate = pool.jobs_per_second(file.queues)
    pools = {name: pool.used_up_at(words, rate) for name, words in file.pools.items()}
    whole = together.together(found, tails, _full(file, found), pools)
    said = [*answers.as_lines(found), *run_answers.lines(found), *figures_table.lines(found, whole)]
    said += ["", *together.lines(whole)]
    show(options, {"queues": found, "together": whole}, said)
    carried = all(row["stable"] for row in found) and all(times > 1.0 for times in pools.values())
    return 0 if carried else 1


def _full(file: "AskedFile", rows: Sequence[dict[str, Any]]) -> "Filling | None":
    from planner.filling import filling

    free = file.redis.free_memory_mb
    return None if free is None else filling(rows, {one.name: one.payload_bytes for one in file.queues}, free)


def _size(options: argparse.Namespace) -> int:
    from planner.size import verb as size_verb

    return size_verb.run(options, each, show)


def _pool(options: argparse.Namespace) -> int:
    from planner import pool, pool_lines
    from planner.file.given import asked_file

    file = asked_file(options)
    if not file.pools:
        raise BadInput(
            f"{options.file or '--set'}: pool: missing; give one, such as pool: {{maxConnections: 25}}"
        )
    rate = pool.jobs_per_second(file.queues)
    found = [pool.answer(name, words, rate) for name, words in file.pools.items()]
    bull = pool.bull_connections(file.queues)
    show(options, pool_lines.values(found, bull), pool_lines.lines(found, bull))
    return 1 if any(one.utilisation >= 1.0 for one in found) else 0


def _report(options: argparse.Namespace) -> int:
    from planner.file.given import asked_file
    from planner.report.chapters import report
    from planner.report.files import write
    from planner.report.study import slots_when_varied, study
    from planner.report.values import values

    file = asked_file(options)
    found, varied = study(file, each), slots_when_varied(file, each)
    parts = report(found, varied)
    try:
        written = write(options.out, parts)
    except OSError as error:
        raise BadInput(f"--out {options.out}: {error.strerror}") from None
    print(f"bullgauge-planner: wrote {', '.join(written)} in {options.out}", file=sys.stderr)  # noqa: T201
    if options.json:
        show(options, values(found, varied), ())
    return 0


def _whatif(options: argparse.Namespace) -> int:
    from planner.whatif import answers as whatif_answers
    from planner.whatif import lines as whatif_lines

    found = whatif_answers.whatif(options, each)
    show(options, {"scenarios": found}, whatif_lines.lines(found))
    return 0


def _simulate(options: argparse.Namespace) -> int:
    from planner import answers, figures_table
    from planner.file.given import asked_file

    found = each(asked_file(options).queues, lambda queue: answers.simulated(queue, options.seed))
    show(options, {"queues": found}, [*answers.as_lines(found), *figures_table.lines(found)])
    return 0 if all(row["stable"] for row in found) else 1


def _replay(options: argparse.Namespace) -> int:
    from planner.fit.table import read_attempts
    from planner.replay.rerun import as_lines, replayed

    trace = read_attempts(options.trace, _columns(options.column))
    chosen = {name: rows for name, rows in trace.items() if options.queue in (None, name)}
    if not chosen:
        raise BadInput(f"{options.trace}: no queue {options.queue!r}; there are {', '.join(sorted(trace))}")
    found = [replayed(name, rows, options.slots) for name, rows in chosen.items()]
    show(options, {"queues": found}, as_lines(found))
    return 0


def _fit(options: argparse.Namespace) -> int:
    from planner.fit.verb import fitted

    text, values = fitted(options, _columns(options.column))
    show(options, values, [text])
    return 0


def _forecast(options: argparse.Namespace) -> int:
    from planner.forecast.verb import foretold

    lines, values, holds = foretold(options, _columns(options.column))
    show(options, values, lines)
    return 0 if holds else 1


def _columns(given: Sequence[str]) -> dict[str, str]:
    """`ours=theirs` as a mapping."""
    pairs = [text.partition("=") for text in given]
    for text, (ours, _, theirs) in zip(given, pairs, strict=True):
        if not ours or not theirs:
            raise BadInput(f"--column {text}: write OURS=THEIRS, such as ready=created")
    return {ours: theirs for ours, _, theirs in pairs}


def _schema(options: argparse.Namespace) -> int:  # noqa: ARG001
    from planner.file.queue_file import FileWords

    _print(json.dumps(FileWords.model_json_schema(), indent=2))
    return 0


def each(things: Sequence[Any], answer: Callable[[Any], Thing]) -> list[Thing]:
    """The answers to all, with how far it is and the name of the one at work shown on a terminal."""
    on_terminal = sys.stderr.isatty()
    found: list[Thing] = []
    for thing in things:
        if on_terminal:
            far = f"{len(found) + 1:,} of {len(things):,}: {thing.name} …"
            print(f"\r{far}\x1b[K", end="", file=sys.stderr, flush=True)  # noqa: T201
        found.append(answer(thing))
    if on_terminal:
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)  # noqa: T201
    return found


def show(options: argparse.Namespace, values: dict[str, Any], lines: Sequence[str]) -> None:
    """JSON where it was asked for, else the lines."""
    _print(json.dumps(values, indent=2, allow_nan=False) if options.json else "\n".join(lines))


def _print(text: str) -> None:
    print(text)  # noqa: T201 - this is the command
