"""This file knows how the verb `sample` goes: look once, or again and again on the same screen until told to stop."""

import json
import logging
import os
import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self, TextIO

from exporter.connection.wire import WireError
from exporter.notices import Notices
from exporter.sample.as_json import document
from exporter.sample.health import Severity
from exporter.sample.reading import Sample, Sampler
from exporter.sample.table import Line, table
from exporter.settings import TargetSettings

TELL_AFTER_LOOKS = 50
"""A search that is over at once is not spoken of: a second's worth of looks at SEARCH_LOOK_SECONDS."""
_COLOURS = {Severity.WRONG: "\x1b[31m", Severity.HELD: "\x1b[33m"}
_PLAIN = "\x1b[0m"
_ENTER, _LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
_HOME, _LINE_END, _REST = "\x1b[H", "\x1b[K\n", "\x1b[J"


def sample(
    settings: TargetSettings, *, watch_seconds: float | None, as_json: bool, stop: threading.Event
) -> int:
    """Print all queues once, or every `watch_seconds` until `stop` is set. Raises WireError when Redis is away."""
    quiet = logging.getLogger("bullgauge.sample")
    quiet.addHandler(logging.NullHandler())
    quiet.propagate = False
    sampler = Sampler(settings, Notices(quiet))
    sampler.start()
    try:
        with Progress(sys.stderr) as progress:
            found = sampler.find(stop, progress.tell)
        if watch_seconds is None or not found:
            _print(sampler.read(), sampler.address, sys.stdout, as_json=as_json)
        elif sys.stdout.isatty() and not as_json:
            _redraw(sampler, watch_seconds, stop)
        else:
            _repeat(sampler, watch_seconds, stop, as_json=as_json)
    finally:
        sampler.stop()
    return 0


class Progress:
    """Says on a terminal that the search for queues goes on, and takes its line away when it has ended."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._looks = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file.isatty() and self._looks >= TELL_AFTER_LOOKS:
            print("\r\x1b[K", end="", file=self._file, flush=True)

    def tell(self, queues: int) -> None:
        self._looks += 1
        if self._file.isatty() and self._looks % TELL_AFTER_LOOKS == 0:
            line = (
                f"looking for queues: {queues:,} so far (Ctrl-C shows these; --queue NAME skips the search)"
            )
            print(f"\r{line}\x1b[K", end="", file=self._file, flush=True)


def _print(one: Sample, address: str, file: TextIO, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(document(one, address), indent=2, ensure_ascii=False), file=file)
        return
    for line in table(one, address, _columns(file)):
        print(_coloured(line, file), file=file)


def _repeat(sampler: Sampler, watch_seconds: float, stop: threading.Event, *, as_json: bool) -> None:
    """Into a pipe or a file: one JSON object a line, or one table after another."""
    file = sys.stdout
    while not stop.is_set():
        one = sampler.read(events=True)
        if as_json:
            print(json.dumps(document(one, sampler.address), ensure_ascii=False), file=file, flush=True)
        else:
            _print(one, sampler.address, file, as_json=False)
            print(file=file, flush=True)
        stop.wait(watch_seconds)


def _redraw(sampler: Sampler, watch_seconds: float, stop: threading.Event) -> None:
    """On a screen of its own; what was shown last stays behind when it ends."""
    last: Sample | None = None
    with _own_screen(sys.stdout):
        while not stop.is_set():
            size = shutil.get_terminal_size()
            try:
                last = sampler.read(events=True)
                lines = table(last, sampler.address, size.columns, size.lines - 1)
            except WireError as error:
                last = None
                lines = [Line(f"{sampler.address}: {error}", Severity.WRONG), Line("trying again")]
            _draw(lines, sys.stdout)
            stop.wait(watch_seconds)
    if last is not None:
        _print(last, sampler.address, sys.stdout, as_json=False)


@contextmanager
def _own_screen(file: TextIO) -> Iterator[None]:
    """The terminal's second screen without a cursor; the first comes back whatever happens."""
    print(_ENTER, end="", file=file, flush=True)
    try:
        yield
    finally:
        print(_LEAVE, end="", file=file, flush=True)


def _draw(lines: list[Line], file: TextIO) -> None:
    text = "".join(_coloured(line, file) + _LINE_END for line in lines)
    print(_HOME + text + _REST, end="", file=file, flush=True)


def _coloured(line: Line, file: TextIO) -> str:
    colour = _COLOURS.get(line.severity) if line.severity is not None else None
    if colour is None or not file.isatty() or os.environ.get("NO_COLOR"):
        return line.text
    return colour + line.text + _PLAIN


def _columns(file: TextIO) -> int | None:
    """The terminal's width; a pipe takes lines of any length."""
    return shutil.get_terminal_size().columns if file.isatty() or os.environ.get("COLUMNS") else None
