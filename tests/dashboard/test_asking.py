"""Knows that questions are asked beside each other, in order, and that a failure of one ends the wait for all."""

from __future__ import annotations

import threading
import time

import pytest

from dashboard.overview import overview
from dashboard.shell import make_page
from dashboard.sources.asking import MOST_AT_ONCE, ahead, at_once
from dashboard.sources.source import SourceError
from tests.dashboard.apps import demo_plan, on_prometheus
from tests.dashboard.held import HeldPrometheus
from tests.dashboard.recorded import RecordedPrometheus

SECONDS = 20


def test_as_many_as_allowed_are_under_way_at_once_and_answers_keep_their_order() -> None:
    """Each waits until all are there: one after the other they would wait for ever."""
    meeting = threading.Barrier(MOST_AT_ONCE)

    def question(number: int) -> int:
        meeting.wait(SECONDS)
        return number

    found = at_once(*(lambda number=number: question(number) for number in range(MOST_AT_ONCE)))
    assert found == list(range(MOST_AT_ONCE))


def test_a_question_may_ask_questions_itself_even_when_every_place_is_taken() -> None:
    def question() -> int:
        return sum(at_once(lambda: 1, lambda: 2))

    assert at_once(*[question] * (4 * MOST_AT_ONCE)) == [3] * (4 * MOST_AT_ONCE)


def test_the_first_failure_is_raised_and_what_has_not_begun_is_not_asked() -> None:
    begun = threading.Semaphore(0)
    may_end = threading.Event()
    asked: list[int] = []

    def held(number: int) -> int:
        asked.append(number)
        begun.release()
        may_end.wait(SECONDS)
        return number

    def failing() -> int:
        for _ in range(MOST_AT_ONCE - 1):
            assert begun.acquire(timeout=SECONDS)
        raise SourceError("down")

    later = [lambda number=number: held(number) for number in range(3 * MOST_AT_ONCE)]
    with pytest.raises(SourceError, match="down"):
        at_once(failing, *later)
    may_end.set()
    # One more than there were places may have begun when the failing one gave its own back.
    assert len(asked) <= MOST_AT_ONCE


def test_what_is_asked_ahead_is_not_waited_for() -> None:
    go_on, answered = threading.Event(), threading.Event()
    ahead(lambda: go_on.wait(10) and answered.set())
    assert not answered.is_set()
    go_on.set()
    assert answered.wait(10)


def test_viewers_of_a_slow_server_ask_it_eight_questions_at_once_and_no_more(
    prometheus: RecordedPrometheus,
) -> None:
    held = HeldPrometheus(prometheus.url)
    what = on_prometheus(held.url, demo_plan())
    # Each looks at another moment, so that none waits for an answer of the others.
    pages = [make_page(what, "1h", None, time.time() - 60.0 * number) for number in range(MOST_AT_ONCE)]
    held.hold()
    viewers = [threading.Thread(target=overview, args=(page,)) for page in pages]
    for viewer in viewers:
        viewer.start()
    for _ in range(MOST_AT_ONCE):
        held.wait_for_question()
    held.release()
    for viewer in viewers:
        viewer.join()
    held.stop()
    assert held.most_at_once == MOST_AT_ONCE
