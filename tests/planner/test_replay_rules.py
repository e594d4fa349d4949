"""What a trace shows of rules is kept on other slots: types that go first, a limit of starts, late retries."""

import random

import numpy as np
import pytest
import simpy

from planner.fleet import RateLimit
from planner.replay.limit import limit_seen
from planner.replay.order import ranks_seen, retries_join_late
from planner.replay.rerun import replayed
from planner.replay.trace import Attempt

Rows = list[Attempt]
RANKS = {"urgent": 0, "normal": 1, "bulk": 2}


def attempt(
    job: object, ready: float, started: float, ended: float, number: int = 1, kind: str = "send"
) -> Attempt:
    return Attempt(str(job), number, ready, started, ended, "completed", kind)


def served(slots: int, count: int, limit: RateLimit | None = None) -> Rows:
    """Jobs of three types, the urgent first, by SimPy; with a limit windows open at the first start after the last."""
    environment, chance = simpy.Environment(), random.Random(5)
    resource, rows, window = simpy.PriorityResource(environment, slots), [], [float("-inf"), 0]

    def admitted():
        """Asked by one at a time, in the order in which slots are given."""
        while limit is not None:
            if environment.now >= window[0] + limit.window_seconds:
                window[:] = [environment.now, 0]
            if window[1] < limit.max:
                window[1] += 1
                return
            yield environment.timeout(window[0] + limit.window_seconds - environment.now)

    def job(number: int, ready: float, kind: str, seconds: float):
        yield environment.timeout(ready)
        with resource.request(priority=RANKS[kind] if limit is None else 0) as turn:
            yield turn
            yield from admitted()
            started = environment.now
            yield environment.timeout(seconds)
        rows.append(attempt(number, ready, started, environment.now, kind=kind))

    now = 0.0
    for number in range(count):
        now += chance.expovariate(5.0)
        kind = chance.choices(list(RANKS), (0.2, 0.5, 0.3))[0]
        environment.process(job(number, now, kind, chance.lognormvariate(-0.7, 1.0)))
    environment.run()
    return sorted(rows, key=lambda one: one.started)


def seen(rows: Rows) -> np.ndarray:
    return np.array([one.started - one.ready for one in rows if one.ready is not None])


def test_types_that_go_first_are_found_and_go_first_on_other_slots() -> None:
    recorded = served(5, 2000)
    assert ranks_seen(recorded) == RANKS
    for slots in (5, 6, 8):
        there = seen(served(slots, 2000))
        said = replayed("q", recorded, slots)
        assert said["types_in_order"] == [["urgent"], ["normal"], ["bulk"]]
        assert said["predicted"]["wait_seconds"]["mean"] == pytest.approx(there.mean(), abs=1e-6)
        assert said["predicted"]["wait_seconds"]["p95"] == pytest.approx(np.quantile(there, 0.95), abs=1e-6)


def test_who_comes_first_is_served_first_where_no_type_passes_another() -> None:
    recorded = [
        attempt(one.job, one.ready, one.started, one.ended) for one in served(5, 500, RateLimit(10**6, 1.0))
    ]
    kinds = [attempt(o.job, o.ready, o.started, o.ended, kind=f"t{n % 3}") for n, o in enumerate(recorded)]
    said = replayed("q", kinds, None)
    assert said["types_in_order"] == [] and said["rate_limit"] is None and said["doubts"] == []
    assert said["predicted"] == said["observed"]


def test_a_limit_of_starts_is_found_and_holds_on_other_slots() -> None:
    limit = RateLimit(11, 2.0)
    recorded = served(6, 2000, limit)
    found = limit_seen(recorded, 6)
    assert found is not None and found.max == 11
    assert found.window_seconds == pytest.approx(2.0, abs=1e-6)
    for slots in (6, 9, 12):
        there = seen(served(slots, 2000, limit))
        said = replayed("q", recorded, slots)
        assert said["rate_limit"] == {"max": 11, "window_seconds": pytest.approx(2.0, abs=1e-6)}
        assert said["predicted"]["wait_seconds"]["mean"] == pytest.approx(there.mean(), rel=0.01)
        assert said["predicted"]["wait_seconds"]["p95"] == pytest.approx(np.quantile(there, 0.95), rel=0.02)


@pytest.mark.parametrize("late", [True, False])
def test_a_retry_that_is_due_while_all_are_busy_keeps_the_place_that_its_library_gives_it(late: bool) -> None:
    # One slot. Job a fails and is due at 10.5, b works from 10.2 to 20, c comes at 11: who goes first at 20?
    rows = []
    for turn in range(10):
        begin = 100.0 * turn
        first, second = (20.0, 23.0) if late else (21.0, 20.0)
        rows += [
            attempt(f"a{turn}", begin, begin, begin + 10.0),
            attempt(f"b{turn}", begin + 10.2, begin + 10.2, begin + 20.0),
            attempt(f"c{turn}", begin + 11.0, begin + first, begin + first + 3.0),
            attempt(f"a{turn}", begin + 10.5, begin + second, begin + second + 1.0, number=2),
        ]
    rows.sort(key=lambda one: one.started)
    assert retries_join_late(rows, 1) is late
    said = replayed("q", rows, 1)
    assert said["predicted"]["wait_seconds"]["mean"] == pytest.approx((9.0 if late else 10.0) / 3)


def test_jobs_that_pass_others_of_their_type_are_a_doubt() -> None:
    # Last come first served: nothing in the trace tells which job goes first.
    rows = [attempt("first", 0.0, 0.0, 50.0)]
    rows += [attempt(n, float(n), 50.0 + 2 * (40 - n), 52.0 + 2 * (40 - n)) for n in range(40, 0, -1)]
    said = replayed("q", rows, 1)
    assert any("passed a job that was ready earlier, and not by its type" in text for text in said["doubts"])
