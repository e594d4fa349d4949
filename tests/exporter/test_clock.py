"""What the server's clock says, when it was set, and when a reply was only late."""

import time

import pytest

from exporter.connection.clock import ServerClock, Step
from exporter.web.arrival import on_monotonic_clock

AHEAD = 1_700_000_000.0
"""Of the monotonic clock here, in seconds."""


def tell(clock: ServerClock, ahead: float, question: float = 0.0, answer: float = 0.0) -> Step | None:
    """One reply of a server so far ahead; question and answer were so many seconds on the way."""
    now = time.monotonic()
    seconds = now - answer + ahead
    reply = [b"%d" % seconds, b"%d" % (seconds % 1 * 1_000_000)]
    return clock.set(reply, now - answer - question)


def test_until_the_server_told_its_time_it_is_that_of_this_machine():
    clock = ServerClock()
    assert not clock.known
    assert clock.seconds() == pytest.approx(time.time(), abs=0.1)


@pytest.mark.parametrize("step", [-3600.0, -0.3, -0.05, 0.05, 0.3, 3600.0])
def test_a_clock_that_was_set_tells_by_how_much(step: float):
    clock = ServerClock()
    assert tell(clock, AHEAD) is None
    told = tell(clock, AHEAD + step)
    assert told is not None
    assert told.step_ms == pytest.approx(step * 1000, abs=5)
    assert clock.ahead_of_monotonic() == pytest.approx(AHEAD + step, abs=0.005)
    assert tell(clock, AHEAD + step) is None


def test_a_reply_that_is_late_is_no_step_and_makes_nothing_worse():
    clock = ServerClock()
    tell(clock, AHEAD)
    for question, answer in ((0.0, 3.0), (3.0, 0.0), (2.0, 2.0)):
        assert tell(clock, AHEAD, question, answer) is None
        assert clock.ahead_of_monotonic() == pytest.approx(AHEAD, abs=0.005)


def test_a_first_reply_that_is_late_is_mended_by_the_next_without_a_step():
    clock = ServerClock()
    tell(clock, AHEAD, question=1.0, answer=1.0)
    assert clock.ahead_of_monotonic() == pytest.approx(AHEAD - 1.0, abs=0.005)
    assert tell(clock, AHEAD) is None
    assert clock.ahead_of_monotonic() == pytest.approx(AHEAD, abs=0.005)


def test_a_reply_that_is_none_changes_nothing():
    clock = ServerClock()
    assert clock.set(None, 0.0) is None
    assert not clock.known


def test_a_thread_that_loses_the_processor_between_two_clocks_looks_again():
    """Else Bull's messages would be late by as long as that took, and a job end before it began."""
    pauses = iter([0.05, 0.02])  # lost between the two looks of the first tries

    def wall() -> float:
        time.sleep(next(pauses, 0.0))
        return time.time()

    stamp, now = time.time() - 1.0, time.monotonic()
    assert on_monotonic_clock(stamp, wall) == pytest.approx(now - 1.0, abs=0.005)


def test_a_stamp_from_before_the_wall_clock_was_set_is_none():
    assert on_monotonic_clock(time.time() - 60) is None
    assert on_monotonic_clock(time.time() + 60) is None
