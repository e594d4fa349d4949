"""This file knows which one-line notices were given, so that a trouble is told once and not on every scrape."""

import logging
import time
from collections.abc import Iterable

REPEAT_SECONDS = 600.0
_KEPT_MAX = 1000


class Notices:
    """Log lines that are repeated at most every ten minutes."""

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self._given: dict[str, float] = {}

    def warn(self, line: str) -> None:
        now = time.monotonic()
        if now - self._given.get(line, -REPEAT_SECONDS) < REPEAT_SECONDS:
            return
        if len(self._given) >= _KEPT_MAX:
            self._given.clear()
        self._given[line] = now
        self._logger.warning("%s", one_line(line))

    def warn_some(self, lines: Iterable[str], at_most: int) -> None:
        """The first few of many lines of one kind."""
        for line in list(lines)[:at_most]:
            self.warn(line)

    def info(self, line: str) -> None:
        self._logger.info("%s", one_line(line))


def one_line(text: str) -> str:
    """The text without line breaks or other control characters, which a hostile name may hold, at most 500 long."""
    clean = "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
    return clean if len(clean) <= 500 else clean[:497] + "..."
