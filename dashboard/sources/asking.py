"""This file knows how questions that need no other's answer are asked of a source beside each other."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

MOST_AT_ONCE = 8
"""Of all viewers together. A Prometheus answers 20 at once unless told otherwise, and others ask it too."""

Answer = TypeVar("Answer")
_here = threading.local()


def at_once(*questions: Callable[[], Answer]) -> list[Answer]:
    """The answers, in the order of the questions. Raises what the first of them that failed has raised."""
    if getattr(_here, "asks", False):
        # A question that waited for the pool that it holds a place of could wait for ever.
        return [question() for question in questions]
    asked = [_pool().submit(question) for question in questions]
    try:
        return [one.result() for one in asked]
    finally:
        for one in asked:
            one.cancel()


def ahead(*questions: Callable[[], object]) -> None:
    """Ask of a shared source what will be wanted in a moment, without waiting: it keeps answers, and errors too."""
    for question in questions:
        _pool().submit(question)


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(MOST_AT_ONCE, "questions", initializer=_begin)


def _begin() -> None:
    _here.asks = True
