"""This file knows what the commands have in common: their help, their errors in one line, their exit status."""

import argparse
import os
import sys
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any, NoReturn

from exporter import __version__
from exporter.durations import seconds

_LAYOUT = argparse.RawDescriptionHelpFormatter
FINE, NO, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130
"""Exit status: as it should be; the answer is no; what was given can't be used; Ctrl-C, as shells tell it."""


_STATUSES = "exit status: 0 fine, 1 the answer is no, 2 bad input or no answer, told in one line; 130 after Ctrl-C\n\n"


class UsageError(ValueError):
    """Bad input, in one line: what, where, which value, which rule."""


class _Parser(argparse.ArgumentParser):
    """Tells a mistake in one line, where argparse would print all options before it; so do the verbs."""

    def error(self, message: str) -> NoReturn:
        program = self.prog.split()[0]
        self.exit(BAD_INPUT, f"{program}: {message.removeprefix('argument ')}; see {self.prog} --help\n")


def command(program: str, text: str, epilog: str) -> argparse.ArgumentParser:
    """The parser of a whole command; its help ends with what statuses mean and an example."""
    made = _Parser(prog=program, description=text, epilog=_STATUSES + epilog, formatter_class=_LAYOUT)
    made.add_argument("--version", action="version", version=f"bullgauge {__version__}")
    return made


def add_verb(verbs: Any, name: str, text: str, example: str) -> argparse.ArgumentParser:
    """One verb; `text` says in small letters what it does, `example` is a line that can be typed."""
    sentence = text[0].upper() + text[1:] + "."
    made: argparse.ArgumentParser = verbs.add_parser(
        name, help=text, description=sentence, epilog=f"example:\n  {example}\n", formatter_class=_LAYOUT
    )
    return made


def duration(text: str) -> float:
    """The seconds of an option such as `90` or `10m`, for argparse."""
    try:
        return seconds(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def lacking(packages: Mapping[str, str], extra: str) -> str | None:
    """Which packages (by their modules) of an extra are not installed, and the remedy; None when all are there."""
    missing = [package for module, package in packages.items() if find_spec(module) is None]
    return f"{', '.join(missing)} not installed: pip install 'bullgauge[{extra}]'" if missing else None


def ended(program: str, run: Callable[[], int]) -> int:
    """The exit status of a command: its own, or that of bad input, which is told in one line."""
    try:
        status = run()
        sys.stdout.flush()
    except UsageError as error:
        sys.stderr.write(f"{program}: {error}\n")
        return BAD_INPUT
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _forget_stdout()
        return NO
    except OSError as error:
        # Stdout is a file on a full disk, or something that nobody thought of.
        sys.stderr.write(f"{program}: {error}\n")
        _forget_stdout()
        return BAD_INPUT
    return status


def _forget_stdout() -> None:
    """Nobody reads any more; what is still buffered would be complained about when Python ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
