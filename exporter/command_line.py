"""This file knows what the commands have in common: their help, their errors in one line, their exit status."""

import argparse
import os
import sys
from collections.abc import Callable
from typing import Any

from exporter import __version__

_LAYOUT = argparse.RawDescriptionHelpFormatter
FINE, NO, BAD_INPUT = 0, 1, 2
"""Exit status: as it should be; the answer is no; what was given can't be used."""


class UsageError(ValueError):
    """Bad input, in one line: what, where, which value, which rule."""


def command(program: str, text: str, epilog: str) -> argparse.ArgumentParser:
    """The parser of a whole command; its help ends with an example."""
    made = argparse.ArgumentParser(prog=program, description=text, epilog=epilog, formatter_class=_LAYOUT)
    made.add_argument("--version", action="version", version=f"bullgauge {__version__}")
    return made


def add_verb(verbs: Any, name: str, text: str, example: str) -> argparse.ArgumentParser:
    """One verb; `text` says in small letters what it does, `example` is a line that can be typed."""
    sentence = text[0].upper() + text[1:] + "."
    made: argparse.ArgumentParser = verbs.add_parser(
        name, help=text, description=sentence, epilog=f"example:\n  {example}\n", formatter_class=_LAYOUT
    )
    return made


def ended(program: str, run: Callable[[], int]) -> int:
    """The exit status of a command: its own, or that of bad input, which is told in one line."""
    try:
        status = run()
        sys.stdout.flush()
    except UsageError as error:
        sys.stderr.write(f"{program}: {error}\n")
        return BAD_INPUT
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
