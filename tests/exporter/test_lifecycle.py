"""What a job's entries say about its waits, its attempts and what could not be seen."""

import pytest

from exporter.bull.lifecycle import NO_FACT, BullLifecycle, JobFact
from exporter.events import from_channel, from_stream
from exporter.following.stream_lifecycle import StreamLifecycle
from exporter.following.tally import SeriesBudget, Tally

EDGES = (0.005, 0.1, 1.0, 10.0)


def new_tally(job_types_max: int = 10, series: int = 50_000) -> Tally:
    return Tally(EDGES, (1024.0,), SeriesBudget(series), job_types_max)


def lived(*entries: tuple[int, str, dict[str, str]], settle: bool = True) -> StreamLifecycle:
    """The lifecycle after entries of job 1: (ms, event, further fields)."""
    lifecycle = StreamLifecycle(new_tally(), keep_records=True)
    for at_ms, event, fields in entries:
        values = {"event": event, "jobId": "1", **fields}
        flat = [text.encode() for pair in values.items() for text in pair]
        found = from_stream([b"%d-0" % (1_700_000_000_000 + at_ms), flat])
        if found is not None:
            lifecycle.apply(found)
    if settle:
        lifecycle.settle()
    lifecycle.name_jobs({})
    return lifecycle


ADDED = (0, "added", {"name": "send"})
WAITING = (0, "waiting", {})


def attempts(lifecycle: StreamLifecycle) -> list[tuple[str, float]]:
    return [(r.outcome, r.ended_ms - r.started_ms) for r in lifecycle.records or []]


def test_a_plain_job_waits_and_works():
    life = lived(
        ADDED, WAITING, (300, "active", {"prev": "waiting"}), (800, "completed", {"returnvalue": "1"})
    )
    assert attempts(life) == [("completed", 500)]
    assert (life.tally.waits.count, life.tally.waits.sum) == (1, pytest.approx(0.3))
    assert (life.tally.completed, life.open) == (1, {})


def test_a_delayed_job_is_ready_when_it_falls_due_not_when_it_is_promoted():
    due = str(1_700_000_001_000)
    life = lived(
        ADDED, (0, "delayed", {"delay": due}), (1200, "waiting", {"prev": "delayed"}), (1500, "active", {})
    )
    assert life.tally.waits.sum == pytest.approx(0.5)


def test_a_delayed_job_promoted_by_hand_is_ready_at_once():
    due = str(1_700_000_100_000)
    life = lived(
        ADDED, (0, "delayed", {"delay": due}), (1200, "waiting", {"prev": "delayed"}), (1500, "active", {})
    )
    assert life.tally.waits.sum == pytest.approx(0.3)


def test_a_due_time_before_the_job_was_added_gives_no_wait_before_it_existed():
    due = str(1_600_000_000_000)
    life = lived(
        ADDED, (0, "delayed", {"delay": due}), (50, "waiting", {"prev": "delayed"}), (60, "active", {})
    )
    assert life.tally.waits.sum == pytest.approx(0.06)


def test_only_the_first_start_ends_a_wait():
    life = lived(
        ADDED,
        WAITING,
        (100, "active", {}),
        (300, "delayed", {"delay": "1700000000400"}),
        (450, "waiting", {"prev": "delayed"}),
        (9000, "active", {}),
        (9100, "completed", {}),
    )
    assert (life.tally.waits.count, life.tally.waits.sum) == (1, pytest.approx(0.1))
    assert attempts(life) == [("requeued", 200), ("completed", 100)]
    assert [record.attempt for record in life.records or []] == [1, 2]
    assert life.tally.requeued["delayed"] == 1


@pytest.mark.parametrize("prev", [{}, {"prev": "active"}, {"prev": "failed"}])
def test_back_to_waiting_is_a_requeue_whatever_the_library_calls_it(prev):
    life = lived(ADDED, WAITING, (100, "active", {}), (300, "waiting", prev), (350, "active", {}))
    assert life.tally.requeued["waiting"] == 1
    assert attempts(life) == [("requeued", 200)]


def test_the_time_until_a_stall_was_found_is_not_work():
    life = lived(
        ADDED, WAITING, (100, "active", {}), (30100, "waiting", {"prev": "active"}), (30100, "stalled", {})
    )
    assert life.tally.requeued == {"delayed": 0, "waiting": 0, "stalled": 1, "waiting_children": 0}
    assert attempts(life) == []


def test_a_stall_may_be_told_in_the_next_batch():
    life = lived(ADDED, WAITING, (100, "active", {}), (30100, "waiting", {"prev": "active"}), settle=False)
    assert life.tally.requeued["waiting"] == 0
    life.apply(from_stream([b"1700000030100-1", [b"event", b"stalled", b"jobId", b"1"]]))
    assert life.tally.requeued["stalled"] == 1


def test_a_job_that_stalled_too_often_failed_without_a_duration():
    reason = {"failedReason": "job stalled more than allowable limit"}
    life = lived(ADDED, WAITING, (100, "active", {}), (30100, "failed", reason))
    assert (life.tally.failed, attempts(life)) == (1, [])


def test_a_parent_failed_by_its_child_never_worked():
    life = lived(
        ADDED, (0, "waiting-children", {}), (500, "failed", {"failedReason": "child bull:q:2 failed"})
    )
    assert (life.tally.failed, life.tally.unknown_starts, attempts(life)) == (1, 0, [])


def test_a_parent_is_ready_when_its_children_are_done():
    life = lived(
        ADDED,
        (0, "waiting-children", {}),
        (5000, "waiting", {"prev": "waiting-children"}),
        (5200, "active", {}),
    )
    assert life.tally.waits.sum == pytest.approx(0.2)


def test_an_end_without_a_start_is_counted_as_lost_and_gives_no_duration():
    life = lived((800, "completed", {}))
    assert (life.tally.completed, life.tally.unknown_starts, attempts(life)) == (1, 1, [])


def test_a_job_met_in_the_middle_gives_no_wait():
    life = lived((100, "active", {}), (200, "completed", {}))
    assert (life.tally.waits.count, attempts(life)) == (0, [("completed", 100)])
    assert list(life.tally.durations) == [("__unknown__", "completed")]


def test_a_removed_job_leaves_nothing_open():
    assert lived(ADDED, WAITING, (10, "removed", {"prev": "waiting"})).open == {}


def test_job_types_beyond_the_maximum_are_one():
    tally = new_tally(job_types_max=2)
    for name in (b"a", b"b", b"c", b"d", b"a"):
        tally.attempt(name, "completed", 1.0)
    counts = {job_type: histogram.count for (job_type, _), histogram in tally.durations.items()}
    assert counts == {"a": 2, "b": 1, "__other__": 2}


def test_a_tally_survives_being_written_down():
    tally = new_tally()
    tally.attempt(b"caf\xe9", "completed", 0.5)
    tally.arrived(1000)
    tally.arrived(3000)
    again = new_tally()
    again.load(tally.dump())
    again.attempt(b"caf\xe9", "completed", 0.5)
    assert [h.count for h in again.durations.values()] == [2]
    assert again.arrival_interval_square_seconds == 4.0


def bull(*messages: tuple[float, str, str]) -> BullLifecycle:
    lifecycle = BullLifecycle(new_tally(), keep_records=True)
    for at_ms, channel, payload in messages:
        message = from_channel(f"bull:q:{channel}".encode(), payload.encode())
        assert message is not None and message.base == b"bull:q"
        lifecycle.apply(message.kind, message.payload, at_ms)
    lifecycle.name_jobs({b"7": b"send"})
    return lifecycle


def test_a_job_that_silently_began_to_wait_for_children_is_counted_and_not_timed():
    life = lived(
        ADDED,
        WAITING,
        (100, "active", {}),
        (900, "waiting", {"prev": "waiting-children"}),
        (910, "active", {}),
    )
    assert (life.tally.requeued["waiting_children"], life.tally.requeued["waiting"]) == (1, 0)
    assert attempts(life) == []


def test_a_bull_job_is_timed_by_when_its_messages_came():
    life = bull(
        (1000, "waiting@t", "7"),
        (1250, "active@t", "7"),
        (1750, "completed", '{"jobId":"7","val":"{\\"a\\":1}"}'),
    )
    assert [(r.job_type, r.outcome, r.ended_ms - r.started_ms) for r in life.records or []] == [
        (b"send", "completed", 500)
    ]
    assert life.tally.waits.sum == pytest.approx(0.25)


def test_a_bull_job_that_backs_off_is_found_in_the_delayed_set():
    life = bull((1000, "waiting@t", "7"), (1100, "active@t", "7"))
    life.apply(b"delayed", b"1900", 1400, JobFact(delayed={b"7": NO_FACT, b"8": NO_FACT}))
    life.apply(b"waiting", b"7", 2000)
    life.apply(b"active", b"7", 2100)
    assert life.tally.requeued["delayed"] == 1
    assert [(r.outcome, r.ended_ms - r.started_ms) for r in life.records or []] == [("requeued", 300)]


def test_a_delayed_bull_job_is_known_from_the_moment_it_is_added():
    life = BullLifecycle(new_tally())
    life.apply(b"delayed", b"2000", 1000, JobFact(delayed={b"7": JobFact(b"send", due_ms=2000)}))
    life.apply(b"waiting", b"7", 2400)
    life.apply(b"active", b"7", 2500)
    assert life.tally.waits.sum == pytest.approx(0.5)
    assert (life.open[b"7"].name, life.unnamed, life.arrivals) == (b"send", [], [b"7"])


def test_bull_jobs_that_left_the_delayed_set_before_they_were_found_are_told_by_their_due_times():
    life = bull(
        (1000, "waiting@t", "7"), (1000, "waiting@t", "8"), (1100, "active@t", "7"), (1100, "active@t", "8")
    )
    for due, at_ms in ((b"1910.5", 1400), (b"1900.25", 1500), (b"1900.25", 1600)):
        life.apply(b"delayed", due, at_ms)
    life.apply(b"waiting", b"8", 1950)
    life.apply(b"waiting", b"7", 1960)
    life.name_jobs({b"7": b"send", b"8": b"send"})
    ended = {r.job_id: (r.outcome, r.ended_ms - r.started_ms) for r in life.records or []}
    assert ended == {b"8": ("requeued", 400), b"7": ("requeued", 300)}
    assert (life.tally.requeued["delayed"], life.tally.unknown_starts) == (2, 0)


def test_a_bull_back_off_that_nothing_told_is_counted_and_said_to_be_unknown():
    life = bull((1000, "waiting@t", "7"), (1100, "active@t", "7"), (2000, "waiting@t", "7"))
    assert (life.tally.requeued["delayed"], life.tally.unknown_starts, life.records) == (1, 1, [])


def test_a_bull_retry_at_once_is_counted_and_not_timed():
    life = bull((1000, "waiting@t", "7"), (1100, "active@t", "7"), (1900, "active@t", "7"))
    assert (life.tally.requeued["waiting"], life.records) == (1, [])


def untimed(*events: tuple[str, dict[str, str]], after: StreamLifecycle | None = None) -> StreamLifecycle:
    """The same with entries whose ids tell no time, on top of what was before."""
    lifecycle = after or StreamLifecycle(new_tally(), keep_records=True)
    for event, fields in events:
        flat = [text.encode() for pair in {"event": event, "jobId": "1", **fields}.items() for text in pair]
        found = from_stream([b"1700000000000-0", flat])
        assert found is not None
        lifecycle.apply_untimed(found)
    lifecycle.settle()
    lifecycle.name_jobs({})
    return lifecycle


def test_what_has_no_time_is_counted_and_not_timed():
    life = untimed(("added", {"name": "send"}), ("waiting", {}), ("active", {}), ("completed", {}))
    assert (life.tally.completed, life.tally.unknown_starts, life.tally.waits.count) == (1, 1, 0)
    assert (attempts(life), life.open) == ([], {})


@pytest.mark.parametrize("end", ["completed", "failed"])
def test_a_job_that_began_at_a_known_time_and_ended_at_none_has_no_duration(end: str):
    life = untimed((end, {}), after=lived(ADDED, WAITING, (300, "active", {})))
    assert (life.tally.waits.count, life.tally.unknown_starts, attempts(life)) == (1, 1, [])
    assert life.tally.completed + life.tally.failed == 1


def test_a_requeue_without_a_time_is_still_a_requeue():
    life = untimed(("waiting", {"prev": "active"}), after=lived(ADDED, WAITING, (300, "active", {})))
    assert (life.tally.requeued["waiting"], life.tally.unknown_starts) == (1, 1)
    life = untimed(("delayed", {"delay": "1"}), after=lived(ADDED, WAITING, (300, "active", {})))
    assert (life.tally.requeued["delayed"], life.tally.unknown_starts) == (1, 1)


def test_an_attempt_that_began_after_times_came_back_is_timed():
    life = untimed(("added", {"name": "send"}), ("waiting", {}))
    life.start(b"1", 1_700_000_005_000)
    life.complete(b"1", 1_700_000_005_250)
    assert (attempts(life), life.tally.waits.count) == ([("completed", 250)], 0)


def test_a_clock_that_was_set_back_takes_no_time_from_a_job():
    life = lived(ADDED, WAITING, (300, "active", {}))
    life.clock_stepped(-60_000)
    life.complete(b"1", 1_700_000_000_000 - 60_000 + 800)
    assert attempts(life) == [("completed", 500)]


def test_a_duration_is_never_negative():
    tally = new_tally()
    tally.attempt(b"send", "completed", -0.001)
    assert tally.durations["send", "completed"].sum == 0.0
