"""Where reading begins in a stream, and how many entries are said to be lost."""

import pytest

from exporter.following.stream_lifecycle import StreamLifecycle
from exporter.following.streams import BEGINNING, Stream, StreamInfo
from exporter.following.tally import SeriesBudget, Tally
from exporter.keys import QueueName

BEGAN_MS = 1_700_000_000_000


def entry_id(ms: int, sequence: int = 0) -> bytes:
    return b"%d-%d" % (BEGAN_MS + ms, sequence)


def entries(*ms: int) -> list:
    return [[entry_id(at), [b"event", b"drained"]] for at in ms]


def new_stream() -> Stream:
    tally = Tally((1.0,), (1024.0,), SeriesBudget(1000), 10)
    return Stream(QueueName(b"bull", b"q"), 0, StreamLifecycle(tally))


def info(first: int | None, last: int, length: int, added: int | None) -> StreamInfo:
    return StreamInfo(length, None if first is None else entry_id(first), entry_id(last), added)


def test_what_happened_before_counting_began_is_not_read():
    stream = new_stream()
    stream.admit(info(-900, -100, 5, 50), BEGAN_MS, BEGAN_MS + 10, is_new=False)
    assert (stream.position, stream.lost) == (entry_id(-100), {"trimmed": 0, "disconnected": 0})


def test_a_new_queue_is_read_from_its_beginning_and_what_was_trimmed_is_lost():
    stream = new_stream()
    stream.admit(info(5, 9, 3, 10), BEGAN_MS, BEGAN_MS + 10, is_new=True)
    assert stream.position == BEGINNING
    stream.take(entries(5, 7, 9))
    stream.check(info(5, 9, 3, 10))
    assert stream.lost == {"trimmed": 7, "disconnected": 0}


def test_a_clock_set_back_does_not_make_old_entries_new():
    stream = new_stream()
    stream.admit(info(50_000, 60_000, 2, 2), BEGAN_MS, BEGAN_MS + 10, is_new=False)
    assert stream.position == entry_id(60_000)


def test_trimming_ahead_of_the_place_is_counted_exactly_on_the_way_and_at_the_end():
    stream = new_stream()
    stream.admit(StreamInfo(), BEGAN_MS, BEGAN_MS, is_new=True)
    stream.take(entries(1, 2, 3))
    # 20 entries were ever added, 4 are left, the oldest is newer than the place.
    stream.check(info(16, 20, 4, 20))
    assert stream.lost == {"trimmed": 13, "disconnected": 0}
    stream.take(entries(16, 17, 18, 20))
    stream.check(info(16, 20, 4, 20))
    assert stream.lost == {"trimmed": 13, "disconnected": 0}


def test_a_loss_over_an_interruption_has_its_own_reason():
    stream = new_stream()
    stream.admit(StreamInfo(), BEGAN_MS, BEGAN_MS, is_new=True)
    stream.take(entries(1))
    stream.interrupted = True
    stream.check(info(11, 20, 10, 20))
    assert stream.lost == {"trimmed": 0, "disconnected": 9}


def test_without_a_count_of_entries_a_gap_is_noticed_and_no_number_invented():
    stream = new_stream()
    stream.admit(info(-5, -1, 5, None), BEGAN_MS, BEGAN_MS, is_new=False)
    stream.take(entries(1, 2))
    stream.check(info(10, 20, 11, None))
    assert (stream.gaps, stream.lost) == (1, None)


def test_without_a_count_of_entries_a_stream_that_was_never_full_has_no_gap():
    for is_whole, gaps in ((True, 0), (False, 1)):
        stream = new_stream()
        stream.admit(info(5, 9, 5, None), BEGAN_MS, BEGAN_MS + 10, is_new=False, is_whole=is_whole)
        stream.take(entries(5, 9))
        stream.check(info(5, 9, 5, None))
        assert (stream.gaps, stream.lost) == (gaps, None)


def test_a_stream_made_anew_with_lower_ids_is_read_from_its_beginning():
    stream = new_stream()
    stream.admit(StreamInfo(), BEGAN_MS, BEGAN_MS, is_new=True)
    stream.take(entries(100, 200))
    stream.check(info(100, 200, 2, 2))
    stream.check(info(30, 40, 2, 2))
    assert (stream.position, stream.gaps) == (BEGINNING, 1)


def test_after_a_failover_that_lost_the_newest_entries_nothing_is_read_twice():
    stream = new_stream()
    stream.admit(StreamInfo(), BEGAN_MS, BEGAN_MS, is_new=True)
    stream.take(entries(100, 200, 300))
    stream.check(info(100, 300, 3, 3))
    stream.check(info(100, 200, 2, 2))
    assert stream.position == entry_id(200)


def test_a_deleted_stream_begins_again():
    stream = new_stream()
    stream.admit(info(-5, -1, 5, 5), BEGAN_MS, BEGAN_MS, is_new=False)
    stream.check(StreamInfo())
    assert stream.position == BEGINNING


@pytest.mark.parametrize("added", [20, None])
def test_a_place_survives_being_written_down(added):
    stream = new_stream()
    stream.admit(StreamInfo(), BEGAN_MS, BEGAN_MS, is_new=True)
    stream.take(entries(1, 2))
    stream.check(info(1, 2, 2, added and 2))
    again = new_stream()
    again.load(stream.dump())
    assert again.dump() == stream.dump()


def test_after_a_long_loss_an_old_start_is_not_taken_for_that_of_a_later_attempt():
    stream = new_stream()
    stream.admit(StreamInfo(), BEGAN_MS, BEGAN_MS, is_new=True)
    active = [entry_id(1), [b"event", b"active", b"jobId", b"7", b"prev", b"waiting"]]
    completed = [entry_id(9000), [b"event", b"completed", b"jobId", b"7", b"returnvalue", b"1"]]
    stream.take([active])
    stream.check(info(9000, 9000, 1, 50))
    stream.take([completed])
    tally = stream.lifecycle.tally
    assert (tally.completed, tally.unknown_starts, tally.durations) == (1, 1, {})


def job(ms: int, event: str, sequence: int = 0) -> list:
    return [entry_id(ms, sequence), [b"event", event.encode(), b"jobId", b"1"]]


def test_ids_ahead_of_the_clock_tell_no_time():
    """A server whose clock was set back by a minute goes on with the id it was at."""
    stream = new_stream()
    stream.admit(StreamInfo(), BEGAN_MS, BEGAN_MS, is_new=True)
    stream.take([job(0, "waiting"), job(10, "active")], now_ms=BEGAN_MS + 20)
    stream.take([job(10, "completed", 1)], now_ms=BEGAN_MS - 60_000 + 900)
    assert stream.lifecycle.tally.completed == 1
    assert stream.lifecycle.tally.unknown_starts == 1
    assert not stream.lifecycle.tally.durations
    stream.take([job(1000, "waiting"), job(1010, "active"), job(1260, "completed")], now_ms=BEGAN_MS + 1300)
    stream.lifecycle.name_jobs({})
    (histogram,) = stream.lifecycle.tally.durations.values()
    assert histogram.sum == pytest.approx(0.25)


def test_a_stream_that_is_gone_may_have_held_more_which_is_told_once():
    stream = new_stream()
    stream.check(StreamInfo())
    assert stream.gaps == 0, "there never was one"
    stream.check(info(1, 2, 2, 2))
    stream.take(entries(1, 2))
    stream.check(StreamInfo())
    stream.check(StreamInfo())
    stream.check(info(5, 6, 2, 2))
    stream.take(entries(5, 6))
    stream.check(info(5, 6, 2, 2))
    assert (stream.gaps, stream.lost) == (1, {"trimmed": 0, "disconnected": 0})
