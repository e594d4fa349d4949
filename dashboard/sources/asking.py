"""This file knows how questions that need no other's answer are asked of a source beside each other."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import TypeVar

MOST_AT_ONCE = 8
"""Of all viewers together. A Prometheus answers 20 at once unless told otherwise, and others ask it too."""

Answer = TypeVar("Answer")


def at_once(*questions: Callable[[], Answer]) -> list[Answer]:
    """The answers, in the order of the questions. Raises what the first of them that failed has raised."""
    asked = [_pool().submit(question) for question in questions]
    try:
        return [_answer(one, question) for one, question in zip(asked, questions, strict=True)]
    finally:
        for one in asked:
            one.cancel()


def _answer(asked: Future[Answer], question: Callable[[], Answer]) -> Answer:
    """What has not begun is asked here: it may be known by now, and who holds a place would wait for it for ever."""
    return question() if asked.cancel() else asked.result()


def ahead(*questions: Callable[[], object]) -> None:
    """Ask of a shared source what will be wanted in a moment, without waiting: it keeps answers, and errors too."""
    for question in questions:
        _pool().submit(question)


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(MOST_AT_ONCE, "questions")
